"""The faults of one drill, drawn from a seed: the same seed injects the same ones in the same order."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

GENERATORS = ("generator-1", "generator-2", "generator-3")
RENDERERS = ("renderer-1", "renderer-2")
WORKERS = (*GENERATORS, *RENDERERS)

KILLED = ((*WORKERS,) * 4 + GENERATORS) * 2 + ("gateway",) * 6 + ("keeper",) * 4 + ("supervisor",) * 2
"""Whom a plain SIGKILL hits, as often as it stands here."""
STOPPED = (*WORKERS,) * 4 + ("gateway", "gateway", "keeper", "supervisor")
HARMS = (
    ("empty truncated locked", "taken"),
    ("scribbled deleted locked", "replaced"),
    ("newer foreign locked", "taken"),
)
"""What befalls the database in one drill; three seeds that follow each other see all of it."""
KINDS = {
    "kill": "SIGKILL",
    "stop": "SIGSTOP",
    "arm kill": "SIGKILL at a place",
    "arm stop": "SIGSTOP at a place",
    "arm full": "disk full",
    "arm lose": "answers lost",
    "harm": "database",
    "jump": "clock, by a day",
    "client": "people",
}
NEVER = 0.0

KEEPER_DIES = (
    *("keeper_plan", "keeper_lease", "keeper_ack", "before_commit", "after_commit", "blobs_written"),
    *("reply", "keeper_enter"),
)
"""Within the transaction of each request, around its commit, and before it is answered."""
KEEPER_FULL = ("keeper_lease", "keeper_ack", "before_commit", "keeper_enter", "keeper_plan")
DRAFTER_PLACES = ("draft_begun", "draft_written")
WORKER_PLACES = ("w_taken", "w_worked", "w_done")
DAY = 86_400
CLIENTS = (
    *("abandon", "twice", "parts", "parts", "half", "half", "cancel_plan", "cancel_job", "cancel_where"),
    *("retry_cancelled", "retry_where", "pause", "pause_plan", "pause_model", "edit", "move", "move"),
    *("adopt", "adopt", "adopt", "delete_orphan", "revert_plan", "revert", "compare", "compare", "compare"),
)
"""What people do, or do badly, while it all goes on."""
REST = {"frozen": 4, "dies": 4, "lose": 3, "full": 2, "jump": 1, "keeper": 2, "drafter": 1, "client": 5}
"""Of the faults that are neither plain kills nor plain stops, so many in 22 are of each kind."""


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong, once so many jobs are done."""

    at: int
    kind: str
    victim: str = ""
    place: str = ""
    what: str = ""
    seconds: float = NEVER
    """How long a process stays stopped; NEVER leaves it to the watchdog."""

    @property
    def told(self) -> tuple[str, str]:
        """Under which heading it is counted, and as what."""
        who = self.victim.split("-")[0]
        match self.kind:
            case "kill" | "stop":
                return KINDS[self.kind], who
            case "arm":
                return KINDS[f"arm {self.what}"], self.place
            case "jump":
                return KINDS[self.kind], "forward" if self.seconds > 0 else "back"
        return KINDS[self.kind], self.what

    def __str__(self) -> str:
        words = [self.kind, self.victim, self.place, self.what]
        if self.kind in ("stop", "jump"):
            words.append(f"{self.seconds:g}s")
        return f"at {self.at}: {' '.join(word for word in words if word)}"


def draw(seed: int, *, jobs: int, faults: int, kills: int, stops: int, lease_seconds: float) -> list[Fault]:
    """So many faults, `kills` of them SIGKILLs and `stops` SIGSTOPs, spread over the jobs of one drill."""
    chance = random.Random(f"faults {seed}")
    late = lease_seconds + 0.8
    found = [Fault(0, "kill", victim) for victim in _spread(chance, KILLED, kills)]
    found += [_stop(chance, victim, late) for victim in _spread(chance, STOPPED, stops)]
    rest = faults - kills - stops
    harms = HARMS[seed % len(HARMS)][:rest]
    found += [Fault(0, "harm", what=harm) for harm in harms]
    kinds = [kind for kind, share in REST.items() for _ in range(share)]
    for kind, count in Counter(_spread(chance, kinds, rest - len(harms))).items():
        found += _others(chance, kind, count, late)
    chance.shuffle(found)
    # The last tenth of the jobs is left for what comes back late.
    places = sorted(chance.uniform(0.01, 0.9) * jobs for _ in found)
    return [
        Fault(int(at), one.kind, one.victim, one.place, one.what, one.seconds)
        for at, one in zip(places, found, strict=True)
    ]


def _spread(chance: random.Random, among: Sequence[str], count: int) -> list[str]:
    """So many of these, each as often as its share."""
    found = [among[number % len(among)] for number in range(count - count % len(among))]
    return found + chance.sample(among, count % len(among))


def _stop(chance: random.Random, victim: str, late: float) -> Fault:
    if victim in WORKERS:
        return Fault(0, "stop", victim, seconds=late if chance.random() < 0.9 else NEVER)
    return Fault(0, "stop", victim, seconds=chance.uniform(0.2, 1.5))


def _others(chance: random.Random, kind: str, count: int, late: float) -> list[Fault]:
    """So many of one kind, with all that it may befall in turn."""
    match kind:
        case "frozen":
            # With the result in hand, for longer than its lease.
            places = _spread(chance, ("w_worked", "w_spooled"), count)
            return [Fault(0, "arm", chance.choice(GENERATORS), place, "stop", late) for place in places]
        case "dies":
            places = _spread(chance, (*WORKER_PLACES, "w_spooled"), count)
            among = {place: WORKERS if place in WORKER_PLACES else GENERATORS for place in places}
            return [Fault(0, "arm", chance.choice(among[place]), place, "kill") for place in places]
        case "keeper":
            return [Fault(0, "arm", "keeper", place, "kill") for place in _spread(chance, KEEPER_DIES, count)]
        case "drafter":
            hows = _spread(chance, ("kill", "stop"), count)
            return [Fault(0, "arm", "drafter", chance.choice(DRAFTER_PLACES), how, 0.5) for how in hows]
        case "full":
            return [Fault(0, "arm", "keeper", place, "full") for place in _spread(chance, KEEPER_FULL, count)]
        case "lose":
            return [Fault(0, "arm", "keeper", "reply", "lose")] * count
        case "jump":
            return [Fault(0, "jump", seconds=chance.choice((-DAY, DAY))) for _ in range(count)]
    return [Fault(0, "client", what=what) for what in _spread(chance, CLIENTS, count)]
