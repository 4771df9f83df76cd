"""The keeper's events, read once for all listeners."""

import asyncio
import logging
from collections import deque

from protocol.control import GetStatus, Status
from protocol.errors import Code, ProtocolError
from protocol.event import Event, Events, Watch
from services.gateway.keeper import Keeper

KEPT_EVENTS = 2_000
KEPT_BYTES = 16 << 20
WAIT_SECONDS = 1.5
"""How long the keeper may hold our question; it also bounds how late its absence is noticed."""
PAGE = 200
PAGE_BYTES = 128 << 10

log = logging.getLogger("gateway")

Chunk = tuple[int, bytes]
"""Server-sent events in one piece and the number of the last of them."""


class Feed:
    """One watch on the event log. Listeners read what it keeps; the keeper is asked for anything older."""

    def __init__(self, keeper: Keeper) -> None:
        self.last = 0
        self.epoch = 0
        """0 until the keeper has answered once; one more whenever its log was found to begin anew."""
        self.up = True
        self.news = asyncio.Event()
        """Set at the next change of anything here; then replaced by a new one."""
        self.closed = False
        self._keeper = keeper
        self._kept: deque[Chunk] = deque()
        self._kept_after = 0
        self._kept_bytes = 0

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            try:
                if self.epoch == 0:
                    status = await self._keeper.ask(GetStatus(), Status)
                    self._begin(status.last_event)
                else:
                    asked = Watch(since=self.last, wait=WAIT_SECONDS)
                    self._take(await self._keeper.ask(asked, Events, resend=WAIT_SECONDS + 1))
            except ProtocolError as error:
                if error.code not in (Code.UNAVAILABLE, Code.BUSY):
                    raise
                self._turn(False)
                await asyncio.sleep(0.5)
                continue
            self._turn(True)

    def close(self) -> None:
        """Let every listener go."""
        self.closed = True
        self._wake()

    async def after(self, since: int) -> Chunk | None:
        """Some of the events after number `since`, oldest first; None if there is none yet."""
        if since >= self.last:
            return None
        if since < self._kept_after:
            page = await self._keeper.ask(Watch(since=since, limit=PAGE), Events)
            return (page.events[-1].seq, b"".join(map(sse, page.events))) if page.events else None
        parts: list[bytes] = []
        size = 0
        newest = since
        for seq, text in self._kept:
            if seq <= since:
                continue
            parts.append(text)
            newest = seq
            size += len(text)
            if size >= PAGE_BYTES or len(parts) >= PAGE:
                break
        return newest, b"".join(parts)

    async def start_of(self, since: int | None) -> int:
        """Where a listener that has seen `since` goes on: there, or now if that number is not reached yet."""
        if since is not None and since <= self.last:
            return since
        # The page may have asked the keeper after our last look; only the keeper knows.
        now = (await self._keeper.ask(GetStatus(), Status)).last_event
        return now if since is None else min(since, now)

    def _begin(self, last: int) -> None:
        self.epoch += 1
        self.last = self._kept_after = last
        self._kept.clear()
        self._kept_bytes = 0
        self._wake()

    def _take(self, page: Events) -> None:
        if page.last < self.last:
            log.warning("the event log ended at %d, now at %d: another world", self.last, page.last)
            self._begin(page.last)
            return
        for event in page.events:
            text = sse(event)
            self._kept.append((event.seq, text))
            self._kept_bytes += len(text)
            self.last = event.seq
        while len(self._kept) > KEPT_EVENTS or self._kept_bytes > KEPT_BYTES:
            seq, text = self._kept.popleft()
            self._kept_after = seq
            self._kept_bytes -= len(text)
        if page.events:
            self._wake()

    def _turn(self, up: bool) -> None:
        if up != self.up:
            log.info("the keeper answers again" if up else "the keeper does not answer")
            self.up = up
            self._wake()

    def _wake(self) -> None:
        self.news.set()
        self.news = asyncio.Event()


def sse(event: Event) -> bytes:
    """One event as the browser's EventSource reads it."""
    return b"id: %d\ndata: %s\n\n" % (event.seq, event.model_dump_json().encode())
