"""A plan of 100,000 steps: how soon it is accepted and entered, what others wait meanwhile, what it takes."""

import multiprocessing
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psutil

from bench.figure import Figure
from bench.keeper import Asker, keeper, seconds
from protocol.ingest import Accepted, PartTaken, PlanBegin, PlanCommit, PlanPart, Publish
from protocol.message import Ping
from protocol.plan import STEP_LIMIT, Plan, PlanHead, Step
from services.tiling.planning import Map, plan
from services.tiling.region import rectangle

SIDE = int(os.environ.get("BENCH_SIDE", "474"))
"""A square of so many quadrants takes just under 100,000 steps."""
AT_ONCE = 1_000
FAR = 5_000
"""Where the plans of others lie: nothing of the large one matters there."""


def figures() -> Iterator[Figure]:
    """One keeper, one large plan, and somebody who asks for small things all the time."""
    steps = _steps()
    with keeper() as process:
        assert process.process is not None
        others = Others(process.process.pid, process.sockets.address("ingest"))
        ingest = Asker(process.sockets.address("ingest"))
        began = time.perf_counter()
        ingest.ask(PlanBegin(plan=PlanHead(id="large", prompt="a city"), steps=len(steps)))
        for first in range(0, len(steps), AT_ONCE):
            part = PlanPart(plan="large", first=first, steps=steps[first : first + AT_ONCE])
            assert isinstance(ingest.ask(part), PartTaken)
        handed_in = seconds(began)
        accepted = ingest.ask(PlanCommit(plan="large"))
        took = seconds(began)
        assert isinstance(accepted, Accepted)
        while list(process.data.glob("staged/*.db")):
            time.sleep(0.1)
        entered = seconds(began)
        ingest.close()
        found = others.found()
    note = f"{len(steps):,} steps, {len(accepted.jobs):,} jobs; handed in after {handed_in:.1f} s"
    yield Figure("large_plan_accepted", took, "s", "<= 10", note)
    yield Figure("large_plan_entered", entered, "s", "", "all its jobs in the queue")
    for what, times in (("pings", found.pings), ("plans", found.plans)):
        note = f"{len(times)} {what} in all that time, the slowest took {max(times) * 1e3:.0f} ms"
        yield Figure(f"large_plan_others_{what}_p99", _p99(times) * 1e3, "ms", "<= 100", note)
    yield Figure("large_plan_keeper", found.keeper / 1e6, "MB", "<= 300", "most that was resident")
    yield Figure("large_plan_helper", found.helper / 1e6, "MB", "<= 300", "the process that draws it up")
    yield Figure("large_plan_keeper_cpu", found.keeper_cpu, "s", "", "of a processor, up to the last job")
    yield Figure("large_plan_helper_cpu", found.helper_cpu, "s", "", "of a processor")


def _steps() -> list[Step]:
    return [
        Step(id=s.id, quadrants=_plain(s.quadrants), padding=_plain(s.padding),
             scaffold=_plain(s.scaffold), after=list(s.after))
        for s in plan(rectangle(0, 0, SIDE - 1, SIDE - 1), Map()).steps[:STEP_LIMIT]
    ]  # fmt: skip


def _plain(cells: object) -> list[tuple[int, int]]:
    return [(x, y) for x, y in cells]  # type: ignore[attr-defined]


def _p99(times: list[float]) -> float:
    """How long all but one of a hundred answers took at most."""
    return sorted(times)[int(len(times) * 0.99)]


@dataclass
class Found:
    """What others waited, and what the keeper and its helper took."""

    pings: list[float] = field(default_factory=list)
    plans: list[float] = field(default_factory=list)
    keeper: int = 0
    helper: int = 0
    keeper_cpu: float = 0.0
    helper_cpu: float = 0.0


class Others:
    """A process that asks the keeper for small things in turn, and looks at its memory."""

    def __init__(self, keeper: int, address: str) -> None:
        context = multiprocessing.get_context("spawn")
        self._here, there = context.Pipe()
        self._process = context.Process(target=_ask_on, args=(there, keeper, address), daemon=True)
        self._process.start()
        self._here.recv()

    def found(self) -> Found:
        """Stop it; what it has found."""
        self._here.send("enough")
        found = self._here.recv()
        self._process.join()
        assert isinstance(found, Found)
        return found


def _ask_on(there: Any, keeper: int, address: str) -> None:
    asker = Asker(address)
    found = Found()
    process = psutil.Process(keeper)
    cpu = _cpu(process)
    there.send("ready")
    while not there.poll(0.02):
        began = time.perf_counter()
        asker.ask(Ping())
        found.pings.append(seconds(began))
        small = _small(len(found.plans))
        began = time.perf_counter()
        asker.ask(small)
        found.plans.append(seconds(began))
        found.keeper = max(found.keeper, process.memory_info().rss)
        for child in process.children():
            try:
                found.helper = max(found.helper, child.memory_info().rss)
                found.helper_cpu = _cpu(child)
            except psutil.NoSuchProcess:
                continue
    found.keeper_cpu = _cpu(process) - cpu
    there.send(found)
    asker.close()


def _small(number: int) -> Publish:
    """A plan of one render, far from the large one and from every other."""
    x, y = FAR + 4 * (number % 1_000), 4 * (number // 1_000)
    return Publish(plan=Plan(id=f"p{number}", steps=[Step(id="r", kind="render", quadrants=[(x, y)])]))


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
