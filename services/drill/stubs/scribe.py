"""A worker of the real runtime that keeps a ledger of what it was given and what became of it."""

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from protocol.message import JobKind
from protocol.work import Lease
from services.drill.ledger import Ledger
from services.process import Process
from services.worker import Result, Task, Worker

FOLDER = "TILEWRIGHT_DRILL"
"""The variable that says where the ledgers of workers lie."""


class Scribe(Worker):
    """Notes every lease, every acknowledged result with its hashes, and every refused one."""

    def __init__(
        self,
        process: Process,
        kinds: list[JobKind],
        perform: Callable[[Task], Awaitable[Result]],
        *,
        slots: int,
    ) -> None:
        self.ledger = Ledger(Path(os.environ[FOLDER]), process.name)
        self._draw = perform
        super().__init__(process.sockets.address("work"), process.name, kinds, self._noted, slots=slots)

    async def _noted(self, task: Task) -> Result:
        lease = task.lease
        self.ledger.note(
            "taken", job=lease.job, token=lease.token, attempt=lease.attempt, worker=self.identity
        )
        return await self._draw(task)

    def told(self, lease: Lease, result: Result, taken: bool) -> None:
        tiles = [(layer, x, y, hashlib.sha256(png).hexdigest()) for layer, x, y, png in result.tiles]
        self.ledger.note("acked" if taken else "refused", job=lease.job, token=lease.token, tiles=tiles)

    def failed(self, lease: Lease) -> None:
        self.ledger.note("failed", job=lease.job, token=lease.token)


async def work(process: Process, worker: Scribe) -> None:
    """Work until stopped."""

    async def tell() -> None:
        while True:
            process.pulse.doing(worker.doing())
            await asyncio.sleep(0.5)

    telling = asyncio.create_task(tell())
    process.pulse.ready()
    try:
        await worker.run(process.stop)
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
        worker.ledger.close()
