"""An Oxen server on loopback that answers well, badly or not at all, as told."""

import asyncio
import base64
import hashlib
import io
from typing import Any, Self

import numpy as np
from aiohttp import web
from numpy.typing import NDArray
from PIL import Image

from tests.generator.city import png
from tests.provider.painting import infill


class FakeOxen:
    """Answers image edits by inverting the infill, told by its frame; `mode` says what goes wrong.

    `mixed` adds to every pixel of it a colour that depends on all of the template, so that what came of one
    wrong pixel in a neighbourhood shows everywhere.
    """

    def __init__(self, mode: str = "ok", *, mixed: bool = False) -> None:
        self.mode = mode
        self.seen: list[str] = []
        """The digest of each template, in the order in which they came."""
        self.refused: set[str] = set()
        """Digests of the templates that are refused, however often they come."""
        self.open = asyncio.Event()
        """While it is not set, calls wait."""
        self.open.set()
        self.running = 0
        self.most_at_once = 0
        self._mixed = mixed
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.fetched: list[dict[str, str]] = []
        self.failures_left = 0
        self.retry_after: str | None = None
        """The header that goes with a refusal."""
        self.url = ""
        self._picture = b""
        self._hang = asyncio.Event()
        self._news = asyncio.Event()
        app = web.Application(client_max_size=64 << 20)
        app.router.add_post("/api/ai/images/edit", self._edit)
        app.router.add_get("/result.png", self._result)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._hang.set()
        self.open.set()
        await self._runner.cleanup()

    async def hears(self, calls: int) -> None:
        """Wait until so many calls have come."""
        async with asyncio.timeout(60):
            while len(self.seen) < calls:
                self._news.clear()
                await self._news.wait()

    async def _edit(self, request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        self.asked.append(asked)
        self.headers.append(dict(request.headers))
        self.running += 1
        self.most_at_once = max(self.most_at_once, self.running)
        try:
            return await self._answer(request, asked)
        finally:
            self.running -= 1

    async def _answer(self, request: web.Request, asked: dict[str, Any]) -> web.StreamResponse:
        key = request.headers["Authorization"].removeprefix("Bearer ")
        template = await asyncio.to_thread(sent, asked)
        digest = hashlib.sha256(template.tobytes())
        self.seen.append(digest.hexdigest())
        self._news.set()
        await self.open.wait()
        if digest.hexdigest() in self.refused:
            return web.json_response({"error": {"message": "not this one"}}, status=422)
        shift = np.frombuffer(digest.digest()[:3], np.uint8) if self._mixed else np.uint8(0)
        picture = self._picture = await asyncio.to_thread(lambda: png(_painted(template, shift)))
        if self.mode in ("401", "403", "404", "422", "402", "429", "500", "503"):
            said = {"error": {"message": f"no, not with {key}"}}
            more = {} if self.retry_after is None else {"Retry-After": self.retry_after}
            return web.json_response(said, status=int(self.mode), headers=more)
        if self.mode == "moderated":
            said = {"error": {"code": "moderation_blocked", "message": "It is not allowed."}}
            return web.json_response(said, status=400)
        if self.mode == "moderated at 200":
            return web.json_response({"error": {"status": "IMAGE_SAFETY"}, "images": []})
        if self.mode == "long words":
            return web.Response(text=f"{'word ' * 90}{key}{' word' * 200}", status=422)
        if self.mode == "seam at first" and "seed" not in asked and infill(template) != (0, 0, 1024, 1024):
            picture = png(template)
        if self.mode == "one colour":
            picture = png(np.full_like(template, 9))
        if self.mode == "redirect":
            raise web.HTTPTemporaryRedirect(f"{self.url}/elsewhere")
        if self.mode == "html":
            return web.Response(text="<html>all is well</html>", content_type="text/html")
        if self.mode == "no image":
            return web.json_response({"created": 1, "images": []})
        if self.mode == "hang":
            await self._hang.wait()
        if self.mode == "reset":
            assert request.transport is not None
            request.transport.abort()
        if self.mode == "flood":
            return web.Response(body=b" " * (33 << 20))
        if self.mode == "wrong size":
            picture = png(template[:1000, :1000])
        if self.mode == "url":
            return web.json_response({"images": [{"url": f"{self.url}/result.png"}]})
        if self.mode == "private url":
            return web.json_response({"images": [{"url": "http://10.0.0.7/result.png"}]})
        if self.mode == "file url":
            return web.json_response({"images": [{"url": "file:///etc/passwd"}]})
        encoded = base64.b64encode(picture).decode()
        return web.json_response({"model": asked["model"], "images": [{"b64_json": encoded}]})

    async def _result(self, request: web.Request) -> web.Response:
        self.fetched.append(dict(request.headers))
        if self.failures_left:
            self.failures_left -= 1
            raise web.HTTPForbidden
        return web.Response(body=self._picture, content_type="image/png")


def _painted(template: NDArray[np.uint8], shift: Any) -> NDArray[np.uint8]:
    """The infill inverted, and what surrounds it as it was."""
    left, top, right, bottom = infill(template)
    picture = template.copy()
    picture[top:bottom, left:right] = (255 - template[top:bottom, left:right]) ^ shift
    return picture


def sent(asked: dict[str, Any]) -> NDArray[np.uint8]:
    """The template that a request carried, alone or as the first of several pictures."""
    held = asked["input_image"]
    return picture_in(held[0] if isinstance(held, list) else held)


def picture_in(uri: str) -> NDArray[np.uint8]:
    """The picture of a data URI."""
    start = "data:image/png;base64,"
    assert uri.startswith(start)
    with Image.open(io.BytesIO(base64.b64decode(uri[len(start) :]))) as image:
        return np.array(image)
