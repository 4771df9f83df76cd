"""Recovery: how long a killed process is away, and how soon all are gone once the supervisor is killed."""

import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.figure import Figure
from protocol.control import GetStatus, Status
from services.config import Sockets
from services.supervision.ask import NotRunning, ask
from tests.system.kills import processes
from tests.system.world import World, until

KILLS = int(os.environ.get("BENCH_KILLS", "50"))
GOALS = {"keeper": 2.0, "generator-1": 2.0, "gateway": 2.0, "renderer-1": 8.0}
"""Seconds, by process."""
ENDS = max(1, KILLS // 10)
"""How often the supervisor itself is killed; each time all that it had started begins anew."""
POLL_SECONDS = 0.01


def figures() -> Iterator[Figure]:
    """Of each kind of process, the time from SIGKILL until its successor serves: the slowest but 1 in 100."""
    with tempfile.TemporaryDirectory(prefix="tw-bench-") as folder:
        world = World(Path(folder)).start()
        try:
            for name, goal in GOALS.items():
                took = sorted(_kill(world, name) for _ in range(KILLS))
                yield Figure(
                    f"back_{name.partition('-')[0]}_p99",
                    took[-(-99 * KILLS // 100) - 1],
                    "s",
                    f"<= {goal:g}",
                    f"{KILLS} kills, median {took[KILLS // 2]:.2f} s",
                )
            gone = [_end(world) for _ in range(ENDS)]
            yield Figure(
                "children_gone_longest",
                max(gone),
                "s",
                "<= 2",
                f"{ENDS} kills of the supervisor, Chromium's included",
            )
        finally:
            world.kill()


def _kill(world: World, name: str) -> float:
    pid = _ready(world, name)["pid"]
    began = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    serves: dict[str, Callable[[], object]] = {
        "keeper": lambda: ask(Sockets(world.data).address("control"), GetStatus(), Status, timeout=0.2),
        "gateway": lambda: world.get("/health"),
    }
    until(f"{name} to be back", lambda: _back(world, name, pid, serves.get(name)), pause=POLL_SECONDS)
    return time.monotonic() - began


def _back(world: World, name: str, pid: int, serves: Callable[[], object] | None) -> bool:
    """Whether another process of that name says that it is ready, and answers if it is one that does."""
    found = world.service(name)
    if found.get("state") != "ready" or found["pid"] == pid:
        return False
    try:
        return serves is None or bool(serves())
    except (OSError, NotRunning):
        return False


def _ready(world: World, name: str) -> dict[str, int]:
    return until(
        f"{name} to be ready", lambda: s if (s := world.service(name)).get("state") == "ready" else None
    )


def _end(world: World) -> float:
    """Seconds from the supervisor's end until nothing that it had started is left; then it starts again."""
    assert world.process is not None
    began = time.monotonic()
    world.process.kill()
    world.process.wait()
    until("all to be gone", lambda: not processes(world), pause=POLL_SECONDS)
    gone = time.monotonic() - began
    world.start()
    return gone
