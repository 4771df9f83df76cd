"""The runs of one process, and what they say about the next one.

The rule: the wait before a start doubles with every failure in a row, from 0.1 s up to 30 s, with jitter,
and is forgotten once a run was ready for 5 s. When more than 5 starts that failed lie within 60 s, the
process is given up until somebody asks for it. A SIGKILL that the supervisor did not send says nothing about
the program: a person did it, or a kernel short of memory. Such a run, if the process had come to life at
all, does not count towards giving up; if it was ready, the next start comes within 0.1 s. All processes
together are started again at most 20 times a minute after starts that failed.
"""

import bisect
import random
from collections import deque
from dataclasses import dataclass, field

from services.backoff import exponential

FIRST_SECONDS = 0.1
LIMIT_SECONDS = 30.0
KILLED_LIMIT_SECONDS = 2.0
SETTLED_SECONDS = 5.0
STARTS = 5
WINDOW_SECONDS = 60.0
ALL_STARTS = 20


@dataclass(frozen=True)
class Run:
    """One life of a process; times are of one monotonic clock, None for what did not happen."""

    started: float
    ended: float
    first_beat: float | None
    ready: float | None
    killed: bool
    """Whether somebody else sent it SIGKILL."""

    @property
    def excused(self) -> bool:
        """Whether its end says nothing about the program."""
        return self.killed and self.first_beat is not None


@dataclass
class Record:
    """What is remembered of the runs so far."""

    failures: int = 0
    failed_starts: deque[float] = field(default_factory=lambda: deque(maxlen=STARTS + 1))

    def wait_after(self, run: Run, chance: random.Random | None = None) -> float | None:
        """Seconds before the next start, or None if the process is given up."""
        if run.ready is not None and run.ended - run.ready >= SETTLED_SECONDS:
            self.failures = 0
        if run.excused and run.ready is not None:
            return exponential(1, first=FIRST_SECONDS, limit=FIRST_SECONDS, chance=chance)
        self.failures += 1
        if run.excused:
            return exponential(self.failures, first=FIRST_SECONDS, limit=KILLED_LIMIT_SECONDS, chance=chance)
        self.failed_starts.append(run.started)
        if len(self.failed_starts) > STARTS and run.ended - self.failed_starts[0] < WINDOW_SECONDS:
            return None
        return exponential(self.failures, first=FIRST_SECONDS, limit=LIMIT_SECONDS, chance=chance)

    def forget(self) -> None:
        """Begin anew, since somebody asked for a start."""
        self.failures = 0
        self.failed_starts.clear()


class Throttle:
    """The limit for all processes together."""

    def __init__(self) -> None:
        self._planned: list[float] = []
        """The latest starts after one that failed, in order; some of them are still to come."""

    def wait(self, seconds: float, now: float) -> float:
        """The seconds to wait where one process alone would wait `seconds`."""
        at = now + seconds
        if len(self._planned) == ALL_STARTS:
            at = max(at, self._planned[0] + WINDOW_SECONDS)
        bisect.insort(self._planned, at)
        del self._planned[:-ALL_STARTS]
        return at - now
