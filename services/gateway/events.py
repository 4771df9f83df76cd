"""`GET /api/events`: the event log as server-sent events, resumed from Last-Event-ID."""

import asyncio
import logging

from aiohttp import web

from protocol.errors import Code, ProtocolError
from services.gateway.feed import Feed
from services.gateway.intake import LARGEST_ID, whole_number

MOST_LISTENERS = 64
HEARTBEAT_SECONDS = 15.0
WRITE_SECONDS = 5.0
"""A listener that does not take what it was sent for so long is let go; it resumes by itself."""

log = logging.getLogger("gateway")


class Listeners:
    """Everyone who listens now."""

    def __init__(self, feed: Feed) -> None:
        self.count = 0
        self._feed = feed

    def routes(self) -> list[web.RouteDef]:
        """The table of addresses."""
        return [web.get("/api/events", self.listen, allow_head=False)]

    async def listen(self, request: web.Request) -> web.StreamResponse:
        """Send events until the listener goes, is too slow, or the gateway stops."""
        # Taken before anyone can see that this listener is there: from then on it misses nothing.
        place = await self._place(_since(request))
        if self._feed.closed:
            raise ProtocolError(Code.UNAVAILABLE, "The gateway is stopping.")
        if self.count >= MOST_LISTENERS:
            raise ProtocolError(Code.BUSY, f"{MOST_LISTENERS} pages listen already.")
        self.count += 1
        try:
            response = web.StreamResponse(headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
            response.content_type = "text/event-stream"
            await response.prepare(request)
            try:
                await self._follow(request, response, *place)
            except ProtocolError as error:
                # The answer has begun, so there is no place for a refusal; the page asks again by itself.
                log.warning("a listener was let go: %s", error)
            return response
        finally:
            self.count -= 1

    async def _place(self, since: int | None) -> tuple[int | None, int]:
        """After which event a listener begins, and in which epoch that holds; 0 if it is not known yet."""
        epoch = self._feed.epoch
        if since is None and epoch:
            return self._feed.last, epoch
        if not self._feed.up:
            return since, 0
        try:
            return await self._feed.start_of(since), epoch
        except ProtocolError as error:
            if error.code not in (Code.UNAVAILABLE, Code.BUSY):
                raise
            return since, 0

    async def _follow(
        self, request: web.Request, response: web.StreamResponse, since: int | None, epoch: int
    ) -> None:
        feed = self._feed
        told_up = True
        await _write(request, response, b"retry: 1000\n\n")
        while not feed.closed:
            # Taken before looking, so that what happens while we write is not missed.
            news = feed.news
            if feed.up != told_up:
                told_up = feed.up
                await _write(request, response, b"event: up\ndata: {}\n\n" if told_up else DOWN)
                continue
            try:
                if feed.epoch != epoch:
                    since, epoch = await self._place(since)
                chunk = None if since is None else await feed.after(since)
            except ProtocolError as error:
                if error.code not in (Code.UNAVAILABLE, Code.BUSY):
                    raise
                chunk = None
            if chunk is not None:
                since, text = chunk
                await _write(request, response, text)
                continue
            try:
                # Not wait_for: before Python 3.12 it misses a cancellation in the moment of a change.
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    await news.wait()
            except TimeoutError:
                await _write(request, response, b": still here\n\n")


DOWN = b"event: down\ndata: {}\n\n"


def _since(request: web.Request) -> int | None:
    for field, text in (
        ("Last-Event-ID", request.headers.get("Last-Event-ID")),
        ("since", request.query.get("since")),
    ):
        if text:
            return whole_number(text, field, 0, LARGEST_ID)
    return None


async def _write(request: web.Request, response: web.StreamResponse, text: bytes) -> None:
    try:
        await asyncio.wait_for(response.write(text), WRITE_SECONDS)
    except TimeoutError:
        log.info("a listener did not read for %g s and was let go", WRITE_SECONDS)
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionResetError("the listener does not read") from None
