"""Leases that ran out, and leases whose worker is known to be gone."""

from collections.abc import Callable

from services.keeper import circuit, lifecycle
from services.keeper.lifecycle import Job, worker_name
from services.keeper.rhythm import LONGEST_PACE_SECONDS
from services.keeper.store import Store
from services.keeper.throttle import recall


class Reaper:
    """Takes jobs back from workers that will not finish them."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], float],
        steady: Callable[[], float],
        note: Callable[[Job], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._steady = steady
        self._note = note

    def due(self) -> bool:
        """Whether a lease has run out."""
        return self._store.queue.next_due() <= self._steady()

    def expire(self) -> list[Job]:
        """Take back every lease that ran out, and say what became of the jobs."""
        now = self._clock()
        found = self._store.queue.select("status = 'processing' AND lease_expires_at <= ?", (self._steady(),))
        return [self._take(job, lifecycle.expire(job, now)) for job in found]

    def succeed(self, identity: str) -> list[Job]:
        """Take back what earlier lives of this worker held: it started anew, so they are dead."""
        name = worker_name(identity)
        return [] if name == identity else self.gone(name, identity)

    def goodbye(self, identity: str) -> list[Job]:
        """Take back what a leaving worker holds, as if it had not been tried."""
        found = self._store.queue.select("status = 'processing' AND lease_worker = ?", (identity,))
        return [self._take(job, lifecycle.hand_back(job)) for job in found]

    def gone(self, name: str, successor: str = "") -> list[Job]:
        """Take back what the process of that name held when it ended; its successor keeps what it has."""
        now = self._clock()
        found = self._store.queue.select(
            "status = 'processing' AND worker = ? AND lease_worker <> ?", (name, successor)
        )
        return [self._take(job, lifecycle.expire(job, now, because="the worker died")) for job in found]

    def grace(self) -> int:
        """Give every running lease time, after the keeper was away; how many there are."""
        steady = self._steady()
        found = self._store.queue.select("status = 'processing'")
        for job in found:
            self._store.queue.save(lifecycle.grace(job, steady))
        return len(found)

    def void(self) -> int:
        """Take back every lease after the machine was started anew, and let no delay outlast its kind."""
        now = self._clock()
        found = self._store.queue.select("status = 'processing'")
        for job in found:
            self._take(job, lifecycle.void(job, now))
        self._store.queue.recall(self._steady() + lifecycle.LONGEST_DELAY_SECONDS)
        for throttle in self._store.halts.throttles():
            self._store.halts.keep(recall(throttle, self._steady()))
        for resting in self._store.halts.circuits():
            self._store.halts.keep_circuit(circuit.recall(resting, self._steady()))
        self._store.halts.recall_paces(self._steady() + LONGEST_PACE_SECONDS)
        return len(found)

    def _take(self, before: Job, after: Job) -> Job:
        self._note(after)
        return after
