"""Tells a page that hangs from one that is slow."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import psutil

from services.renderer.usage import Meter

PATIENCE_SECONDS = 0.75
"""Most frames are there by then, and nobody looks."""
LOOK_SECONDS = 0.5
QUIET_SECONDS = 3.0
"""How long a page may do nothing at all."""
BUSY_SECONDS = 3.5
"""How long it may work without an answer, as Meter.most counts; a frame drawn in software takes 0.7 s."""

T = TypeVar("T")


class Hung(Exception):
    """Raised when a page does not go on with what it was asked for."""


class Vigil:
    """Watches a page while something is awaited from it.

    Time alone says little: on a busy machine a frame may take a minute, and meanwhile the page answers no
    more than one in an endless loop. So what counts is what the browser's processes do. If none of them has
    worked or wanted to, they wait for what will not come: the page was stopped, or lost its promise. If one
    of them has worked for several times what a frame takes without the page having answered once, it is in
    a loop. A machine that is busy with other things makes neither of a page that is well.
    """

    def __init__(
        self,
        beat: Callable[[], Awaitable[object]],
        processes: Callable[[], list[psutil.Process]],
        served: Callable[[], bool],
    ) -> None:
        """`beat` is answered by a page that is free; `served` says whether it waits for something of ours."""
        self.quiet_seconds = QUIET_SECONDS
        self.busy_seconds = BUSY_SECONDS
        self._beat = beat
        self._processes = processes
        self._known: list[psutil.Process] = []
        self._served = served
        self._results = 0

    async def keep(self, work: Coroutine[Any, Any, T], *, leniency: float = 1.0) -> T:
        """What the work returns; raises Hung if the page does not go on with it.

        `leniency` is how many times longer than at a common frame it may work without an answer.
        """
        doing = asyncio.create_task(work)
        watching = asyncio.create_task(self._watch(leniency))
        try:
            await asyncio.wait([doing, watching], return_when=asyncio.FIRST_COMPLETED)
            if not doing.done():
                raise Hung(watching.result())
            self._results += 1
            return doing.result()
        finally:
            doing.cancel()
            watching.cancel()
            await asyncio.gather(doing, watching, return_exceptions=True)

    async def _watch(self, leniency: float) -> str:
        """Return in words how the page hangs, as soon as it does."""
        await asyncio.sleep(PATIENCE_SECONDS)
        meter = await asyncio.to_thread(lambda: Meter(self._at_hand()))
        results, quiet = self._results, 0.0
        asking = asyncio.ensure_future(self._beat())
        try:
            while True:
                # Looks are counted, not seconds: we may be the ones who were stopped.
                await asyncio.sleep(LOOK_SECONDS)
                await asyncio.to_thread(meter.read)
                answered = asking.done() and not asking.cancelled() and asking.exception() is None
                if asking.done():
                    asking = asyncio.ensure_future(self._beat())
                if answered or self._results != results:
                    meter.mark()
                # A page that waits for a download is idle, but it answers.
                lost = meter.idle and self._results == results and not (answered and self._served())
                quiet = quiet + LOOK_SECONDS if lost else 0.0
                results = self._results
                if quiet < self.quiet_seconds and meter.most < self.busy_seconds * leniency:
                    continue
                if await asyncio.to_thread(self._others):
                    meter, quiet = await asyncio.to_thread(lambda: Meter(self._known)), 0.0
                    continue
                if quiet >= self.quiet_seconds:
                    return f"nothing of it has moved for {quiet:g} s"
                return f"it has worked for {meter.most:.1f} s without an answer"
        finally:
            asking.cancel()
            with contextlib.suppress(Exception, asyncio.CancelledError):
                await asking

    def _at_hand(self) -> list[psutil.Process]:
        """The processes as they were found before: to find them takes as long as a tenth of a frame."""
        if not self._known or not all(process.is_running() for process in self._known):
            self._known = self._processes()
        return self._known

    def _others(self) -> bool:
        """Whether there are other processes than those at hand, which are then these."""
        before, self._known = self._known, self._processes()
        return set(before) != set(self._known)
