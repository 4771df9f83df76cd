"""The faults of one drill, drawn from a seed: the same seed injects the same ones in the same order."""

import random
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
NEVER = 0.0

KEEPER_DIES = ("keeper_plan", "keeper_lease", "keeper_ack", "before_commit", "after_commit", "blobs_written")
KEEPER_FULL = ("keeper_lease", "keeper_ack", "before_commit")
WORKER_PLACES = ("w_taken", "w_worked", "w_spooled", "w_done")
DAY = 86_400
CLIENTS = (
    *("abandon", "abandon", "twice", "twice", "cancel_plan", "cancel_job", "retry_cancelled"),
    *("pause", "pause_plan", "pause_model", "edit", "edit", "move", "move"),
)
"""What people do, or do badly, while it all goes on."""


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
    found += [_other(chance, number, late) for number in range(rest - len(harms))]
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


def _other(chance: random.Random, number: int, late: float) -> Fault:
    """Every kind in turn, so that few faults already have some of each."""
    match number % 10:
        case 0 | 5:
            # Frozen with the result in hand, for longer than its lease.
            victim = chance.choice(GENERATORS)
            return Fault(0, "arm", victim, chance.choice(("w_worked", "w_spooled")), "stop", late)
        case 1 | 6:
            victim = chance.choice(WORKERS)
            places = WORKER_PLACES if victim in GENERATORS else ("w_taken", "w_worked", "w_done")
            return Fault(0, "arm", victim, chance.choice(places), "kill")
        case 2 | 7:
            return Fault(0, "arm", "keeper", "reply", "lose")
        case 3:
            return Fault(0, "arm", "keeper", chance.choice(KEEPER_FULL), "full")
        case 4:
            return Fault(0, "jump", seconds=chance.choice((-DAY, DAY)))
        case 8 if number % 20 == 8:
            return Fault(0, "arm", "keeper", chance.choice(KEEPER_DIES), "kill")
    return Fault(0, "client", what=chance.choice(CLIENTS))
