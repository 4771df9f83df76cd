"""The studio's page with its bootstrap in it, and the files that the page is built of."""

import json
import mimetypes
import re
from pathlib import Path
from typing import Any

from aiohttp import web

from protocol.errors import Code, ProtocolError
from services.config import AppConfig
from services.gateway.guard import Handler
from services.gateway.models import Models
from services.tiling.quadrant import SIZE

STUDIO = Path(__file__).resolve().parents[2] / "web" / "dist" / "studio"

_PLACEHOLDER = re.compile(r"""(<script\b[^>]*\bid=["']?bootstrap["']?[^>]*>)(.*?)(</script>)""", re.S)
_NOT_BUILT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Tilewright</title></head>
<body><h1>The studio is not built yet</h1>
<p>Type <code>make run</code>, or in the folder <code>web</code> <code>npm ci &amp;&amp; npm run build</code>,
and load this page again. The services run, and the API answers at <code>/api/status</code>.</p></body></html>
"""


class Views:
    """Handlers of `/` and of everything that is a file."""

    def __init__(self, config: AppConfig, models: Models, folder: Path = STUDIO) -> None:
        self._config = config
        self._passes = config.passes
        self._models = models
        self._folder = folder

    def take_over(self, config: AppConfig) -> None:
        """Offer other passes from now on."""
        self._passes = config.passes

    def routes(self) -> list[web.RouteDef]:
        """The table of addresses; files are served where it has none."""
        return [web.get("/", self.index)]

    @web.middleware
    async def files(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Look among the studio's files for what no route takes."""
        missing = isinstance(request.match_info.http_exception, web.HTTPNotFound)
        if missing and request.method in ("GET", "HEAD"):
            return await self.file(request)
        return await handler(request)

    async def index(self, request: web.Request) -> web.Response:
        """The studio."""
        page = self._folder / "index.html"
        html = page.read_text("utf-8") if page.is_file() else _NOT_BUILT
        return web.Response(
            text=_with_bootstrap(html, self.bootstrap()),
            content_type="text/html",
            headers={"Cache-Control": "no-cache"},
        )

    async def file(self, request: web.Request) -> web.StreamResponse:
        """A file of the built studio, never one outside of it."""
        path = inside(self._folder, request.path.removeprefix("/"))
        if path is None:
            raise ProtocolError(Code.NOT_FOUND, "There is nothing at this address.")
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        # Vite names what lies in assets/ by its content.
        hashed = path.parent.name == "assets"
        kept = "public, max-age=31536000, immutable" if hashed else "no-cache"
        return web.FileResponse(path, headers={"Cache-Control": kept, "Content-Type": kind})

    def bootstrap(self) -> dict[str, Any]:
        """What the page knows before it asks anything. There is never a key in it."""
        return {
            "world": self._config.name,
            "models": self._models.listed(),
            "default_model_id": self._models.default,
            "camera": self._config.camera.model_dump(),
            "attribution": self._config.scene.thanks,
            "quadrant_size": SIZE,
            "passes": list(self._passes),
            "layers": self._models.layers,
        }


def inside(folder: Path, path: str) -> Path | None:
    """The regular file of that name in the folder; None for anything else, symbolic links included."""
    steps = path.split("/")
    if any(step in ("", ".", "..") or step.startswith(".") or "\\" in step for step in steps) or "\0" in path:
        return None
    found = folder
    for step in steps:
        found = found / step
        try:
            if found.is_symlink():
                return None
        except OSError:
            return None
    return found if found.is_file() else None


def _with_bootstrap(html: str, content: dict[str, Any]) -> str:
    # Inside a script element only `<` could end it or begin a comment.
    text = json.dumps(content, ensure_ascii=False).replace("<", "\\u003c")
    if _PLACEHOLDER.search(html):
        return _PLACEHOLDER.sub(lambda found: found[1] + text + found[3], html, count=1)
    element = f'<script type="application/json" id="bootstrap">{text}</script>'
    return html.replace("</head>", f"{element}</head>", 1)
