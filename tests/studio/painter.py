"""A worker that paints, waits or fails when told, so that a test sees each state for as long as it looks."""

import asyncio

from protocol.work import ErrorClass, GenerateWork, RenderWork
from services.worker import Result, Task, TryFailed, Worker
from tests.gateway.house import House
from tests.gateway.painter import paint


class Painter:
    """Renders at once; generates while its brush is down, and fails as often as it was told to."""

    def __init__(self, house: House) -> None:
        self.may_paint = asyncio.Event()
        self.may_paint.set()
        self.may_render = asyncio.Event()
        self.may_render.set()
        self.failures: list[str | tuple[ErrorClass, str] | TryFailed] = []
        self._stop = asyncio.Event()
        self._worker = Worker(
            house.sockets.address("work"),
            "painter-1",
            ["render", "palette", "generate"],
            self._perform,
            slots=4,
        )
        self._task = asyncio.create_task(self._worker.run(self._stop))

    async def close(self) -> None:
        """Let go of what is held, and leave."""
        self._stop.set()
        self.may_paint.set()
        self.may_render.set()
        await self._task

    async def _perform(self, task: Task) -> Result:
        work = task.lease.work
        if isinstance(work, RenderWork):
            await self.may_render.wait()
        if isinstance(work, GenerateWork):
            task.say("waiting for model")
            if self.failures:
                failure = self.failures.pop(0)
                if isinstance(failure, TryFailed):
                    raise failure
                error_class, reason = failure if isinstance(failure, tuple) else ("rejected", failure)
                raise TryFailed(error_class, reason, retry=False)
            await self.may_paint.wait()
        return await paint(task)
