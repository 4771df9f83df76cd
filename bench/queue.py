"""The queue: one client and many, a lease among ten thousand and a million."""

import os
import sqlite3
import statistics
import time
from collections.abc import Iterator
from contextlib import closing

from bench import crowd
from bench.figure import Figure
from bench.keeper import Asker, KeeperProcess, keeper, one_step, seconds
from protocol.work import Lease, Ready
from services.keeper.row import COLUMNS, PLACES

SECONDS = float(os.environ.get("BENCH_SECONDS", "5"))
FEW, MANY = 10_000, int(os.environ.get("BENCH_MANY", "1000000"))
LEASES = 300


def figures() -> Iterator[Figure]:
    """What the keeper's queue does by itself, with nobody beside it."""
    yield from _enqueue()
    yield from _lease()


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
