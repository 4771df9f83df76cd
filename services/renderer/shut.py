"""While the source cannot be had: it is tried again and again, and each time a job fails with the reason."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from services import backoff
from services.process import Process
from services.renderer.sources.source import Unusable
from services.worker import Result, Task, TryFailed, Worker

FIRST_SECONDS, LONGEST_SECONDS = 1.0, 30.0
"""Between two tries to open the source."""

T = TypeVar("T")


class Shut:
    """A renderer without a source: it lives, takes a job, and says of it why it cannot be drawn.

    One job a try, and not all that wait: they would have used up their attempts before the source is back.
    """

    def __init__(self, process: Process) -> None:
        self._process = process
        self._reason = ""
        self._tried = asyncio.Event()
        """Set when the source has been tried once more."""

    async def opened(self, open_source: Callable[[], Awaitable[T]]) -> T | None:
        """What `open_source` gives once it no longer raises Unusable; None if the process stops before."""
        try:
            return await open_source()
        except Unusable as error:
            self._say(error)
        stop = asyncio.Event()
        worker = Worker(
            self._process.sockets.address("work"), self._process.name, ["render"], self.perform, slots=1
        )
        working = asyncio.create_task(worker.run(stop, drain_seconds=0.0))
        trying = asyncio.create_task(self._try(open_source))
        stopping = asyncio.create_task(self._process.stop.wait())
        self._process.pulse.ready()
        try:
            await asyncio.wait([working, trying, stopping], return_when=asyncio.FIRST_COMPLETED)
            stop.set()
            await working
            return trying.result() if trying.done() else None
        finally:
            for task in (working, trying, stopping):
                task.cancel()
            await asyncio.gather(working, trying, stopping, return_exceptions=True)

    async def perform(self, task: Task) -> Result:
        """Say why nothing can be drawn, when that has been found once more."""
        await self._tried.wait()
        raise TryFailed("transient", self._reason)

    async def _try(self, open_source: Callable[[], Awaitable[T]]) -> T:
        failures, chance = 0, random.Random()
        while True:
            failures += 1
            pause = backoff.exponential(failures, first=FIRST_SECONDS, limit=LONGEST_SECONDS, chance=chance)
            await asyncio.sleep(pause)
            try:
                return await open_source()
            except Unusable as error:
                self._say(error)
                self._tried.set()
                self._tried = asyncio.Event()

    def _say(self, error: Unusable) -> None:
        if str(error) != self._reason:
            self._reason = str(error)
            self._process.log.error("nothing can be drawn for now: %s", error)
        self._process.pulse.doing(f"cannot draw: {error}")
