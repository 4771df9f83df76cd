"""The handle of a call that a provider has taken on: kept with the job, so that nobody pays for it twice."""

from collections.abc import Awaitable, Callable

KEPT_OF_KEY = 16


class Handles:
    """One job's handle, which a worker that takes the job over finds in its lease.

    It goes with the question that was asked: a job whose neighbours have changed meanwhile asks anew.
    """

    def __init__(self, held: str = "", start: Callable[[str], Awaitable[None]] | None = None) -> None:
        """`held` came with the lease; `start` tells the keeper."""
        self._held = held
        self._start = start

    def find(self, key: str) -> str:
        """The handle of the call that asked just this; empty if there is none."""
        mark, _, handle = self._held.partition(" ")
        return handle if mark == key[:KEPT_OF_KEY] else ""

    async def keep(self, key: str, handle: str) -> None:
        """Return when the handle is on the keeper's disk."""
        await self._tell(f"{key[:KEPT_OF_KEY]} {handle}")

    async def forget(self) -> None:
        """What it stands for is of no use: the next try asks anew."""
        if self._held:
            await self._tell("")

    async def _tell(self, held: str) -> None:
        self._held = held
        if self._start is not None:
            await self._start(held)
