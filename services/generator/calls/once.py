"""Once: a call that is paid for is made once, however often its job is tried."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from services.spool import Spool
from services.task import TryFailed

Ask = Callable[[], Awaitable[bytes]]


class Keep(Protocol):
    """Gives the answer that was kept under a key, or asks and keeps it; counts it if it is paid for."""

    async def __call__(self, key: str, ask: Ask, *, paid: bool = True) -> bytes: ...


class Once:
    """The answers to one job's calls: kept before anybody looks at them, found again after a crash."""

    def __init__(self, spool: Spool, job: int) -> None:
        self.calls = 0
        """Those that were made, and answered, in this try."""
        self.answers = 0
        """The same with those that an earlier try had paid for."""
        self.unanswered = 0
        """Those that may have been made in this try, and paid for, although no answer came."""
        self._spool = spool
        self._job = job

    async def __call__(self, key: str, ask: Ask, *, paid: bool = True) -> bytes:
        """The answer to what the key stands for: all that was paid for must be in it."""
        answer = await asyncio.to_thread(self._spool.find, self._job, key)
        if answer is None:
            # Who is called off in the midst of it cannot tell.
            self.unanswered += paid
            try:
                answer = await ask()
            except TryFailed as failure:
                self.unanswered -= paid and not failure.sent
                raise
            self.unanswered -= paid
            self.calls += paid
            # Shielded: a worker that leaves in this moment still keeps what it has got.
            await asyncio.shield(asyncio.to_thread(self._spool.keep, self._job, key, answer))
        self.answers += paid
        return answer

    async def forget(self) -> None:
        """What was kept is of no use: the next try asks anew."""
        await asyncio.to_thread(self._spool.drop, self._job)


async def unkept(key: str, ask: Ask, *, paid: bool = True) -> bytes:
    """The answer without a spool, for those who are asked by hand."""
    return await ask()
