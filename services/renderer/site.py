"""The site that the page comes from and sends its frames to: loopback only, for this process alone."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from aiohttp import web

from services.renderer.frame import BadFrame, room, size
from services.renderer.settings import script
from services.renderer.sources.relief import Relief
from services.renderer.sources.source import Source, SourceFault
from services.renderer.sources.tileset import TileSet
from services.scene import Camera, Scene

SAMPLE = script(Camera(), Scene())
"""What the page is told when nobody says otherwise."""
LARGEST_FRAME = 2 * size(4_096, 4_096)
"""As large as the page draws one, twice."""
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self' data: blob:; "
    "worker-src 'self' blob:; frame-ancestors 'none'; form-action 'none'"
)
"""The page may load from this site and send to it, and nothing else; this holds for WebSockets, too.

The decoders of tile sets are WebAssembly, and the pictures in their models are blobs of the page itself.
"""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = logging.getLogger("site")


@dataclass
class Expected:
    """One frame that somebody waits for."""

    nonce: str
    length: int
    content: asyncio.Future[memoryview]

    @property
    def path(self) -> str:
        """Where the page sends it."""
        return f"/frames/{self.nonce}"


class Site:
    """Serves the page, its settings and source, and takes each frame at an address that is used once."""

    def __init__(self, pages: Path, source: Source, settings: str = SAMPLE) -> None:
        self.pages = pages
        self._source = source
        self._settings = settings
        self._expected: dict[str, Expected] = {}
        self._runner: web.AppRunner | None = None
        self.origin = ""
        self.refused: set[str] = set()
        self.serving = 0
        """Requests of the page that are not answered yet."""

    async def open(self) -> None:
        """Listen on a free port of 127.0.0.1."""
        app = web.Application(
            client_max_size=LARGEST_FRAME + 1, middlewares=[self._refuse_others, _name_faults]
        )
        app.on_response_prepare.append(_add_headers)
        app.router.add_get("/", self._index)
        app.router.add_get("/settings.js", self._settings_file)
        app.router.add_get("/source.json", self._describe_source)
        app.router.add_get(r"/tiles/{zoom:\d+}/{column:\d+}/{row:\d+}", self._give_tile)
        app.router.add_get(r"/terrain/{zoom:\d+}/{column:\d+}/{row:\d+}", self._give_heights)
        app.router.add_get(r"/tiles3d/{path:.+}", self._give_content)
        app.router.add_post("/frames/{nonce}", self._take)
        app.router.add_static("/", self.pages)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.origin = f"http://{host}:{port}"

    async def close(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    def expect(self, job: int, length: int) -> Expected:
        """Make the name and address for one frame of so many bytes.

        It is new for every try, so that a late frame of an earlier one finds nobody.
        """
        nonce = f"{job}-{secrets.token_hex(8)}"
        content: asyncio.Future[memoryview] = asyncio.get_running_loop().create_future()
        expected = Expected(nonce, length, content)
        self._expected[nonce] = expected
        return expected

    @property
    def thanks(self) -> str:
        """Whom to thank for what the page was given, where only the tiles themselves say it."""
        return self._source.thanks if isinstance(self._source, TileSet) else ""

    def forget(self, expected: Expected) -> None:
        """Take nothing at this address any more."""
        self._expected.pop(expected.nonce, None)
        expected.content.cancel()

    @web.middleware
    async def _refuse_others(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse what was meant for another host: we are the browser's proxy for every address."""
        asked = request.url.authority
        if asked == urlsplit(self.origin).netloc:
            self.serving += 1
            try:
                return await handler(request)
            finally:
                self.serving -= 1
        if asked not in self.refused:
            self.refused.add(asked)
            log.info("the browser asked for %s and did not get it", asked[:200])
        return web.Response(status=403, text="The page may only reach its own site.")

    async def _index(self, _: web.Request) -> web.StreamResponse:
        return web.FileResponse(self.pages / "index.html")

    async def _settings_file(self, _: web.Request) -> web.StreamResponse:
        return web.Response(text=self._settings, content_type="text/javascript")

    async def _describe_source(self, _: web.Request) -> web.StreamResponse:
        return web.json_response(asdict(self._source.describe()))

    async def _give_tile(self, request: web.Request) -> web.StreamResponse:
        """A source tile; 204 where there is none."""
        about = self._source.describe()
        zoom, column, row = (int(request.match_info[name]) for name in ("zoom", "column", "row"))
        x0, y0, x1, y1 = about.tiles
        if zoom != about.zoom or not (x0 <= column <= x1 and y0 <= row <= y1):
            return web.Response(status=404, text="The source has no such tile.")
        tile = await self._source.tile(column, row)
        if tile is None:
            return web.Response(status=204)
        return web.Response(body=tile.content, content_type=tile.kind, headers=_address(tile.address))

    async def _give_heights(self, request: web.Request) -> web.StreamResponse:
        """A tile of heights."""
        zoom, column, row = (int(request.match_info[name]) for name in ("zoom", "column", "row"))
        if not isinstance(self._source, Relief) or zoom != self._source.elevation.describe().zoom:
            return web.Response(status=404, text="The source has no such heights.")
        tile = await self._source.elevation.tile(column, row)
        return web.Response(body=tile.content, content_type=tile.kind, headers=_address(tile.address))

    async def _give_content(self, request: web.Request) -> web.StreamResponse:
        """A file of a tile set."""
        if not isinstance(self._source, TileSet):
            return web.Response(status=404, text="The source is no tile set.")
        found = await self._source.give(request.match_info["path"], request.query_string)
        return web.Response(body=found.content, content_type=found.kind, headers=_address(found.address))

    async def _take(self, request: web.Request) -> web.Response:
        expected = self._expected.get(request.match_info["nonce"])
        if expected is None or expected.content.done():
            return web.Response(status=404, text="Nobody waits for this frame.")
        if request.content_length != expected.length:
            expected.content.set_exception(
                BadFrame(f"the page sent {request.content_length} bytes, not {expected.length}")
            )
            return web.Response(status=400, text="This is not the size of the frame.")
        # As it comes: `read` would have it in memory twice.
        content, taken = room(expected.length), 0
        async for part in request.content.iter_any():
            # What was packed may be longer than it said.
            kept = part[: expected.length - taken]
            content[taken : taken + len(kept)] = kept
            taken += len(part)
            if taken > expected.length:
                break
        if expected.content.done():
            return web.Response(status=404, text="Nobody waits for this frame any more.")
        if taken != expected.length:
            expected.content.set_exception(BadFrame(f"the page sent {taken} bytes, not {expected.length}"))
            return web.Response(status=400, text="This is not the size of the frame.")
        expected.content.set_result(content)
        return web.Response(status=204)


@web.middleware
async def _name_faults(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer 502 with the reason where something of the source is not known."""
    try:
        return await handler(request)
    except SourceFault as fault:
        log.warning("%s", fault)
        return web.Response(status=502, text=fault.reason, headers=_address(fault.address))


def _address(address: str) -> dict[str, str]:
    """Where a tile comes from, for the page to name what it cannot read; a header holds ASCII alone."""
    return {"Tile-Address": quote(address, safe="/:")}


async def _add_headers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
