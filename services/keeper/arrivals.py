"""The arrivals: results that have come in, looked into and put on disk before they join a transaction."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

from protocol.errors import ProtocolError
from protocol.work import Ack
from services.actor import Letter
from services.blobs import Blobs
from services.keeper import images
from services.keeper.images import HandedIn

THREADS = 2
"""Threads that look into results: while both do, what comes is gathered, and then fsynced together."""


@dataclass(frozen=True)
class Arrival:
    """One result and who handed it in."""

    letter: Letter
    ack: Ack


class Arrivals:
    """Results on their way in. `commit` hears of each whose files are on disk, `start` runs what is owed."""

    def __init__(
        self,
        blobs: Blobs,
        pool: Executor,
        *,
        start: Callable[[Coroutine[Any, Any, None]], None],
        commit: Callable[[Letter, Ack, HandedIn], None],
    ) -> None:
        self._blobs = blobs
        self._pool = pool
        self._start = start
        self._commit = commit
        self._waiting: list[Arrival] = []
        self._known: set[tuple[int, int]] = set()
        """Job and token of all that are on their way."""
        self._threads = 0

    def add(self, letter: Letter, ack: Ack) -> None:
        """Take a result in; sent again meanwhile it is answered once, when it is in the map."""
        if (ack.job, ack.token) in self._known:
            return
        self._known.add((ack.job, ack.token))
        self._waiting.append(Arrival(letter, ack))
        if self._threads < THREADS:
            self._threads += 1
            self._start(self._work())

    async def _work(self) -> None:
        """Take in all that waits, until nothing does."""
        loop = asyncio.get_running_loop()
        try:
            while some := self._waiting:
                self._waiting = []
                found = await loop.run_in_executor(self._pool, self._put_away, some)
                for arrival, handed in zip(some, found, strict=True):
                    self._known.discard((arrival.ack.job, arrival.ack.token))
                    if isinstance(handed, ProtocolError):
                        arrival.letter.refuse(handed)
                    else:
                        self._commit(arrival.letter, arrival.ack, handed)
        finally:
            self._threads -= 1

    def _put_away(self, some: list[Arrival]) -> list[HandedIn | ProtocolError]:
        """Look into each and put it on disk for good, or say what is wrong. Runs in a thread."""
        results = [(arrival.ack, arrival.letter.envelope.attachments) for arrival in some]
        return images.hand_in(self._blobs, results)
