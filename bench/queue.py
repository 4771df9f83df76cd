"""The queue: one client and many, a lease among ten thousand and a million, a plan of 100,000 steps."""

import os
import sqlite3
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import psutil

from bench import crowd
from bench.figure import Figure
from bench.keeper import Asker, KeeperProcess, keeper, one_step, seconds
from protocol.ingest import Accepted, PartTaken, PlanBegin, PlanCommit, PlanPart
from protocol.message import Ping
from protocol.plan import STEP_LIMIT, PlanHead, Step
from protocol.work import Lease, Ready
from services.keeper.row import COLUMNS, PLACES
from services.tiling.planning import Map, plan
from services.tiling.region import rectangle

SECONDS = float(os.environ.get("BENCH_SECONDS", "5"))
FEW, MANY = 10_000, int(os.environ.get("BENCH_MANY", "1000000"))
LEASES = 300
SIDE = int(os.environ.get("BENCH_SIDE", "474"))
"""A square of so many quadrants takes just under 100,000 steps."""


def figures() -> Iterator[Figure]:
    """What the keeper's queue does by itself, with nobody beside it."""
    yield from _enqueue()
    yield from _lease()
    yield from _large()


def _enqueue() -> Iterator[Figure]:
    note = f"plans of one render, synchronous=FULL on disk, {SECONDS:g} s each"
    with keeper() as one:
        address = one.sockets.address("ingest")
        single = crowd.rate(1, crowd.clients, address, 1, seconds=SECONDS)
    with keeper() as many:
        address = many.sockets.address("ingest")
        crowded = crowd.rate(2, crowd.clients, address, 32, seconds=SECONDS)
    yield Figure("enqueue_1_client", single, "jobs/s", "", note)
    yield Figure("enqueue_64_clients", crowded, "jobs/s", "", f"{note}; 64 clients in 2 processes")
    yield Figure("enqueue_64_over_1", crowded / single, "×", ">= 8", "the same machine, the same run")


def _lease() -> Iterator[Figure]:
    took = {depth: _lease_among(depth) for depth in (FEW, MANY)}
    for depth, found in took.items():
        yield Figure(f"lease_among_{depth}", found * 1e3, "ms", "", f"median of {LEASES}, with its commit")
    yield Figure("lease_many_over_few", took[MANY] / took[FEW], "×", "<= 1.3", f"{MANY:,} over {FEW:,}")


def _lease_among(depth: int) -> float:
    process = KeeperProcess()
    try:
        process.start()
        asker = Asker(process.sockets.address("ingest"))
        asker.ask(one_step(1))
        asker.close()
        process.stop()
        _multiply(process, depth)
        process.start()
        worker = Asker(process.sockets.address("work"))
        found = []
        for _ in range(LEASES):
            began = time.perf_counter()
            if not isinstance(worker.ask(Ready(worker="w", kinds=["render"])), Lease):
                raise RuntimeError("There is nothing to lease.")
            found.append(seconds(began))
        worker.close()
        return statistics.median(found)
    finally:
        process.remove()


def _multiply(process: KeeperProcess, depth: int) -> None:
    """Write the one pending job down again and again, each a place further on."""
    own = {"id": "id + n", "place": f"(id + n) << {PLACES}"}
    columns = ", ".join(own.get(name, name) for name in COLUMNS.split(", "))
    with closing(sqlite3.connect(process.data / "tilewright.db", isolation_level=None)) as file:
        file.execute("PRAGMA synchronous = OFF")
        file.execute(
            f"WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {depth - 1}) "
            f"INSERT INTO generation_queue ({COLUMNS}) SELECT {columns} FROM c, generation_queue WHERE id = 1"
        )


def _large() -> Iterator[Figure]:
    steps = [
        Step(id=s.id, quadrants=_plain(s.quadrants), padding=_plain(s.padding),
             scaffold=_plain(s.scaffold), after=list(s.after))
        for s in plan(rectangle(0, 0, SIDE - 1, SIDE - 1), Map()).steps[:STEP_LIMIT]
    ]  # fmt: skip
    with keeper() as process:
        watched = _Watch(process)
        ingest = Asker(process.sockets.address("ingest"))
        began = time.perf_counter()
        ingest.ask(PlanBegin(plan=PlanHead(id="large", prompt="a city"), steps=len(steps)))
        for first in range(0, len(steps), 1_000):
            part = PlanPart(plan="large", first=first, steps=steps[first : first + 1_000])
            assert isinstance(ingest.ask(part), PartTaken)
        accepted = ingest.ask(PlanCommit(plan="large"))
        took = seconds(began)
        assert isinstance(accepted, Accepted)
        while list(process.data.glob("staged/*.db")):
            time.sleep(0.1)
        entered = seconds(began)
        ingest.close()
        watched.stop()
    note = f"{len(steps):,} steps, {len(accepted.jobs):,} jobs, all in the queue after {entered:.1f} s"
    yield Figure("large_plan_accepted", took, "s", "<= 10", note)
    yield Figure("large_plan_others_p99", watched.p99 * 1e3, "ms", "<= 100", f"{len(watched.took)} pings")
    yield Figure("large_plan_keeper", watched.keeper / 1e6, "MB", "<= 300", "most that was resident")
    yield Figure("large_plan_helper", watched.helper / 1e6, "MB", "<= 300", "the process that draws it up")


def _plain(cells: object) -> list[tuple[int, int]]:
    return [(x, y) for x, y in cells]  # type: ignore[attr-defined]


class _Watch:
    """Asks the keeper something again and again, and looks at its memory."""

    def __init__(self, process: KeeperProcess) -> None:
        self.took: list[float] = []
        self.keeper = self.helper = 0
        self._over = threading.Event()
        assert process.process is not None
        self._process = psutil.Process(process.process.pid)
        self._asker = Asker(process.sockets.address("control"))
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def p99(self) -> float:
        """How long all but one of a hundred answers took at most."""
        return sorted(self.took)[int(len(self.took) * 0.99)]

    def stop(self) -> None:
        """Look no more."""
        self._over.set()
        self._thread.join()
        self._asker.close()

    def _run(self) -> None:
        while not self._over.wait(0.02):
            began = time.perf_counter()
            self._asker.ask(Ping())
            self.took.append(seconds(began))
            self.keeper = max(self.keeper, self._process.memory_info().rss)
            for child in self._process.children():
                try:
                    self.helper = max(self.helper, child.memory_info().rss)
                except psutil.NoSuchProcess:
                    continue
