"""Leases that ran out, and leases whose worker is known to be gone."""

from collections.abc import Callable

from services.keeper import lifecycle
from services.keeper.lifecycle import Job, worker_name
from services.keeper.store import Store


class Reaper:
    """Takes jobs back from workers that will not finish them."""

    def __init__(self, store: Store, clock: Callable[[], float], note: Callable[[Job], None]) -> None:
        self._store = store
        self._clock = clock
        self._note = note

    def due(self) -> bool:
        """Whether a lease has run out."""
        return self._store.queue.next_due() <= self._clock()

    def expire(self) -> list[Job]:
        """Take back every lease that ran out, and say what became of the jobs."""
        now = self._clock()
        found = self._store.queue.select("status = 'processing' AND lease_expires_at <= ?", (now,))
        return [self._take(job, lifecycle.expire(job, now)) for job in found]

    def succeed(self, identity: str) -> list[Job]:
        """Take back what earlier lives of this worker held: it started anew, so they are dead."""
        now = self._clock()
        name = worker_name(identity)
        if name == identity:
            return []
        found = self._store.queue.select(
            "status = 'processing' AND worker = ? AND lease_worker <> ?", (name, identity)
        )
        return [self._take(job, lifecycle.expire(job, now, because="the worker died")) for job in found]

    def goodbye(self, identity: str) -> list[Job]:
        """Take back what a leaving worker holds, as if it had not been tried."""
        found = self._store.queue.select("status = 'processing' AND lease_worker = ?", (identity,))
        return [self._take(job, lifecycle.hand_back(job)) for job in found]

    def grace(self) -> int:
        """Give every running lease time, after the keeper was away; how many there are."""
        now = self._clock()
        found = self._store.queue.select("status = 'processing'")
        for job in found:
            self._store.queue.save(lifecycle.grace(job, now))
        return len(found)

    def _take(self, before: Job, after: Job) -> Job:
        self._note(after)
        return after
