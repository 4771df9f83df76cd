"""The outlook: how long jobs still take, from the pace of their kind and what lies before them. Pure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from protocol.message import JobKind
from services.keeper.backlog import Ahead, Sort
from services.keeper.pace import Pace


@dataclass(frozen=True)
class Hands:
    """How much is worked on at once: by all workers of a kind, and of each model that limits it."""

    slots: Mapping[JobKind, int]
    limits: Mapping[str, int] = field(default_factory=dict)
    apart: Mapping[str, float] = field(default_factory=dict)
    """How many seconds after one call of a model the next may begin, where that is bounded."""

    def of(self, sort: Sort) -> int:
        """How many jobs of one sort run at once when there are enough."""
        slots = self.slots.get(sort[0], 1)
        return max(1, min(slots, self.limits.get(sort[1], slots)))


@dataclass(frozen=True)
class Outlook:
    """What is known at one moment: each sort's pace, the hands there are, and what is in them."""

    paces: Mapping[Sort, Pace]
    hands: Hands
    running: Counter[Sort] = field(default_factory=Counter)

    def running_left(self, sort: Sort, seconds: float) -> float | None:
        """Of a job that has been worked on for so long: until half of its kind are done, else nine in ten."""
        pace = self.paces.get(sort)
        if pace is None:
            return None
        spent = max(0.0, seconds)
        return max(0.0, (pace.p50 if spent < pace.p50 else pace.p90) - spent)

    def waiting_left(self, sort: Sort, ahead: Ahead, delay: float = 0.0, opens: float = 0.0) -> float | None:
        """Of a job that is not to begin for `delay` seconds, of a model that is not to be called for `opens`.

        None without history. It begins when the hands of its kind have done what lies before it, when those
        that may work with its model have, when so many calls of the model may have begun, and when the chain
        that it waits for is done: whichever is the latest. Each job counts as one that takes as long as half
        of its sort, what is in hands now as half of one. So it is what is to be expected if nothing fails and
        nothing new is put before it, not a promise.
        """
        pace = self.paces.get(sort)
        if pace is None:
            return None
        work = 0.0
        for other, count in ahead.before.items():
            if other[0] == sort[0]:
                work += self._seconds(other, pace) * count
        for other, count in self.running.items():
            if other[0] == sort[0]:
                work += self._seconds(other, pace) * count / 2
        own = pace.p50 * (ahead.before.get(sort, 0) + self.running.get(sort, 0) / 2)
        chain = ahead.stretch * sum(self._seconds(other, pace) for other in ahead.chain)
        slots = max(1, self.hands.slots.get(sort[0], 1))
        calls = self.hands.apart.get(sort[1], 0.0) * ahead.before.get(sort, 0)
        return max(work / slots, own / self.hands.of(sort), chain, delay, opens + calls) + pace.p50

    def plan_left(self, sort: Sort, jobs: int, last: float | None) -> float | None:
        """Of a plan whose last job takes until `last`, with so many jobs left: never less than its work."""
        pace = self.paces.get(sort)
        if pace is None or last is None:
            return None
        # What runs ends as far apart as it began.
        calls = self.hands.apart.get(sort[1], 0.0) * (jobs - 1)
        return max(last, pace.p50 * jobs / self.hands.of(sort), calls)

    def _seconds(self, sort: Sort, instead: Pace) -> float:
        # A model without history is taken to be as quick as the one that is asked about.
        return self.paces.get(sort, instead).p50
