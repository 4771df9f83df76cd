"""The fake provider: one server that speaks every provider's dialect, and answers well, badly or not at all.

async with Trap() as trap, FakeProvider(key=KEY, trap=trap) as provider:
    provider.fault = Fault("429 seconds", times=1, seconds=0.3)
    ...  # endpoint: provider.endpoint("replicate")
    assert [call.place for call in provider.calls] == ["ask", "ask", "poll", "fetch"]
"""

import asyncio
import contextlib
import email.utils
import functools
import itertools
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Literal, Self, get_args

from aiohttp import web
from isal import isal_zlib

from tests.provider.call import Call, heard
from tests.provider.comfyui import ComfyUI
from tests.provider.dialect import Answer, Dialect, Refused, Route, answered
from tests.provider.fal import Fal
from tests.provider.fault import Fault, OfThePicture
from tests.provider.gemini import Gemini
from tests.provider.huggingface import HuggingFace
from tests.provider.job import Job
from tests.provider.openai import OpenAI
from tests.provider.oxen import Oxen
from tests.provider.painting import answer, is_picture, picture_file
from tests.provider.replicate import Replicate
from tests.provider.trap import Trap
from tests.provider.url import Url

DIALECTS = (Oxen, Url, OpenAI, Gemini, Replicate, Fal, HuggingFace, ComfyUI)
HUGE_BYTES = 48 << 20
BOMB_BYTES = 160 << 20


class FakeProvider:
    """Listens on loopback and keeps what it hears; `painting.painted` is what it makes of a template."""

    def __init__(
        self,
        fault: Fault | None = None,
        *,
        key: str | None = None,
        trap: Trap | None = None,
        gives: Literal["b64", "url"] = "b64",
        polls: int = 1,
        seconds: float = 0.0,
        keep: bool = True,
    ) -> None:
        self.fault = fault or Fault()
        self.key = key
        """Other keys are refused; any is taken if this is None."""
        self.gives = gives
        """How those answer who can do both, where they are not asked for one."""
        self.polls = polls
        """How often a job is said to be at work before it is done."""
        self.seconds = seconds
        """How long it takes to make a picture."""
        self.calls: list[Call] = []
        self.jobs: dict[str, Job] = {}
        self.running = 0
        self.most_at_once = 0
        self.open = asyncio.Event()
        """While it is not set, no picture is made."""
        self.open.set()
        self.url = ""
        self._keep = keep
        self._trap = trap
        self._hang = asyncio.Event()
        self._news = asyncio.Event()
        self._files: dict[str, bytes] = {}
        self._numbers = itertools.count(1)
        app = web.Application(client_max_size=64 << 20)
        self.dialects = {dialect.name: dialect(self) for dialect in DIALECTS}
        for dialect in self.dialects.values():
            for route in dialect.routes:
                app.router.add_route(route.method, route.path, self._served(dialect, route))
        files = Route("GET", "/files/{name}", "fetch", self._file)
        app.router.add_route("GET", files.path, self._served(self.dialects["url"], files))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)

    async def __aenter__(self) -> Self:
        if self.fault.mode == "gzip bomb":
            # It takes a second to make, in which a caller might lose its patience.
            await asyncio.to_thread(_bomb)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._hang.set()
        self.open.set()
        for job in self.jobs.values():
            job.picture.cancel()
        await self._runner.cleanup()

    def endpoint(self, dialect: str) -> str:
        """The address to configure for a provider; `url, form` is the other way to ask a plain server."""
        ends = {
            "url": "/edit-b64",
            "url, form": "/edit",
            "fal": "/queue.fal.run",
            "huggingface": "/hf-inference",
        }
        return self.url + ends.get(dialect, "")

    def asked(self, *places: str) -> list[Call]:
        """The requests for a purpose, in the order in which they came; the paid calls if none is named."""
        return [call for call in self.calls if call.place in (places or ("ask",))]

    async def hears(self, count: int, *places: str) -> list[Call]:
        """Wait until so many requests for a purpose have come."""
        async with asyncio.timeout(60):
            while len(self.asked(*places)) < count:
                self._news.clear()
                await self._news.wait()
        return self.asked(*places)

    # What the dialects use:

    def template(self, held: object) -> bytes:
        """The file of a picture in JSON, alone or as the first of several."""
        try:
            file = picture_file(held[0] if isinstance(held, list) and held else held)
        except ValueError as error:
            raise Refused(422, f"image: {error}") from None
        return file

    async def paint(self, template: bytes) -> bytes:
        """The picture that comes of a template, after the time that it takes."""
        if not is_picture(template):
            raise Refused(422, "image: it cannot be read")
        await self.open.wait()
        await asyncio.sleep(self.seconds)
        how = self.fault.mode if self.fault.is_now(*get_args(OfThePicture)) else "well"
        return await asyncio.to_thread(answer, template, how)

    def begin(self, call: Call, template: bytes) -> Job:
        """A job that paints a template."""
        if not is_picture(template):
            raise Refused(422, "image: it cannot be read")
        job = Job(
            id=f"job-{next(self._numbers)}",
            call=call,
            picture=asyncio.create_task(self.paint(template)),
            ready_at=time.monotonic() + self.seconds,
            polls_left=self.polls,
        )
        self.jobs[job.id] = job
        return job

    def job(self, id: str) -> Job:
        """A job that was begun."""
        if id not in self.jobs:
            raise Refused(404, "Not found")
        return self.jobs[id]

    async def is_done(self, job: Job) -> bool:
        """Whether a job is done when its caller asks now."""
        if job.polls_left > 0:
            job.polls_left -= 1
            return False
        if not self.open.is_set() or time.monotonic() < job.ready_at:
            return False
        await job.picture
        return True

    def address(self, picture: bytes) -> str:
        """Where a picture lies, or is said to lie."""
        if self.fault.is_now("elsewhere"):
            assert self._trap is not None
            return f"{self._trap.url}/result.png"
        if self.fault.is_now("private address"):
            return "http://10.0.0.7/result.png"
        if self.fault.is_now("file address"):
            return "file:///etc/passwd"
        return f"{self.url}/files/{self.file(picture)}"

    def file(self, content: bytes, name: str | None = None) -> str:
        """The name under which a file lies here from now on."""
        name = name or f"{next(self._numbers)}.png"
        self._files[name] = content
        return name

    def held(self, name: str) -> bytes:
        """A file that lies here."""
        if name not in self._files:
            raise Refused(404, "Not found")
        return self._files[name]

    # What every request goes through:

    def _served(
        self, dialect: Dialect, route: Route
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        return functools.partial(self._serve, dialect, route)

    async def _serve(self, dialect: Dialect, route: Route, request: web.Request) -> web.StreamResponse:
        call = await heard(request, dialect.name, route.place)
        if self._keep:
            self.calls.append(call)
        self._news.set()
        self.running += 1
        self.most_at_once = max(self.most_at_once, self.running)
        try:
            return await self._answer(dialect, route, request, call)
        finally:
            self.running -= 1

    async def _answer(
        self, dialect: Dialect, route: Route, request: web.Request, call: Call
    ) -> web.StreamResponse:
        fault = self.fault
        strikes = fault.strikes(route.place)
        if strikes and (instead := await self._instead(dialect, request, call)) is not None:
            return instead
        if self.key is not None and route.place != "fetch" and dialect.key(call) != self.key:
            return _plain(answered(dialect.error(401, "Unauthorized"), 401))
        try:
            if route.place == "ask" and not route.is_queued and fault.is_now("moderated"):
                reply = dialect.moderated()
            else:
                reply = await route.handler(call)
        except Refused as refused:
            reply = answered(dialect.error(refused.status, refused.words), refused.status)
        if not strikes or fault.mode not in ("hang in body", "cut answer", "half answer"):
            return _plain(reply)
        half = reply.content[: len(reply.content) // 2]
        if fault.mode == "half answer":
            return _plain(Answer(half, reply.type, reply.status, reply.headers))
        response = web.StreamResponse(status=reply.status, headers=dict(reply.headers))
        response.content_type = reply.type
        response.content_length = len(reply.content)
        with contextlib.suppress(ConnectionError):
            await response.prepare(request)
            await response.write(half)
        if fault.mode == "hang in body":
            await self._hang.wait()
        if request.transport is not None:
            request.transport.close()
        return response

    async def _instead(self, dialect: Dialect, request: web.Request, call: Call) -> web.StreamResponse | None:
        """What is answered in place of what was asked for; None to go on."""
        mode, seconds = self.fault.mode, self.fault.seconds
        if mode == "slow":
            await asyncio.sleep(seconds)
        if mode == "hang":
            await self._hang.wait()
        if mode == "reset":
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        if mode in ("429 seconds", "429 date", "429 body"):
            # A date has no fractions, so it is the next whole second after the wait.
            until = email.utils.formatdate(int(time.time() + seconds) + 1, usegmt=True)
            headers = {"429 seconds": f"{seconds:g}", "429 date": until}
            wait = seconds if mode == "429 body" else None
            said = {"Retry-After": headers[mode]} if mode in headers else {}
            return _plain(answered(dialect.error(429, "Too many requests.", wait), 429, said))
        if mode in ("500", "401", "402", "403", "404", "422"):
            # Some repeat the key that they do not like.
            words = f"No, not with {dialect.key(call) or 'nothing'}."
            return _plain(answered(dialect.error(int(mode), words), int(mode)))
        if mode == "html":
            return web.Response(text="<!doctype html><html>All is well.</html>", content_type="text/html")
        if mode == "redirect":
            to = self._trap.url if self._trap is not None else self.url
            return web.Response(status=307, headers={"Location": f"{to}/elsewhere"})
        if mode == "huge":
            piece = b" " * (1 << 18)
            return await _poured(request, {}, (piece for _ in range(HUGE_BYTES // len(piece))))
        if mode == "gzip bomb":
            bomb = await asyncio.to_thread(_bomb)
            return await _poured(request, {"Content-Encoding": "gzip"}, [bomb])
        return None

    async def _file(self, call: Call) -> Answer:
        return Answer(self.held(call.parts["name"]), "image/png")


def _plain(reply: Answer) -> web.Response:
    return web.Response(
        body=reply.content, status=reply.status, content_type=reply.type, headers=dict(reply.headers)
    )


async def _poured(
    request: web.Request, headers: dict[str, str], pieces: Iterable[bytes]
) -> web.StreamResponse:
    """An answer whose length nobody says."""
    response = web.StreamResponse(headers={"Content-Type": "application/json", **headers})
    response.enable_chunked_encoding()
    with contextlib.suppress(ConnectionError):
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
        await response.write_eof()
    return response


@functools.cache
def _bomb() -> bytes:
    """A gzip file of a few hundred kilobytes that unpacks to a thousand times as much."""
    stream = isal_zlib.compressobj(3, isal_zlib.DEFLATED, 31)
    piece = b" " * (1 << 20)
    return b"".join([*(stream.compress(piece) for _ in range(BOMB_BYTES // len(piece))), stream.flush()])
