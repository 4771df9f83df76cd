"""The keeper's tasks: what runs beside the batches, and the bug in any of it that ends the keeper."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class Tasks:
    """Runs beside the batches what decodes, fsyncs or proves for long."""

    def __init__(self) -> None:
        self._owed: set[asyncio.Task[None]] = set()
        self._asides: set[asyncio.Task[None]] = set()
        self._failed: asyncio.Future[None] | None = None

    def open(self) -> asyncio.Future[None]:
        """From here on a bug anywhere on the running loop is what this future raises."""
        loop = asyncio.get_running_loop()
        self._failed = loop.create_future()
        loop.set_exception_handler(self._on_bug)
        return self._failed

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run what is finished before the keeper stops."""
        task = asyncio.get_running_loop().create_task(work)
        self._owed.add(task)
        task.add_done_callback(self._owed.discard)
        task.add_done_callback(self._ended)

    def start_aside(self, work: Coroutine[Any, Any, None]) -> None:
        """Run what is dropped when the keeper stops: it is asked for again, or gone on with."""
        task = asyncio.get_running_loop().create_task(work)
        self._asides.add(task)
        task.add_done_callback(self._asides.discard)
        task.add_done_callback(self._ended)

    async def finish(self) -> None:
        """Wait for what has to be finished."""
        await asyncio.gather(*self._owed)

    async def drop_asides(self) -> None:
        """Cancel what may be dropped."""
        for task in self._asides:
            task.cancel()
        await asyncio.gather(*self._asides, return_exceptions=True)

    def close(self) -> None:
        """Leave the loop as it was found."""
        asyncio.get_running_loop().set_exception_handler(None)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            # A bug: raised in a callback it reaches the loop's handler, which ends the keeper.
            raise error

    def _on_bug(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception") or RuntimeError(context["message"])
        if self._failed is not None and not self._failed.done():
            self._failed.set_exception(error)
