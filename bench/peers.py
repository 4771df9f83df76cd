"""The keeper beside its peers: durable enqueue by 8 processes, and jobs done by 4 workers, in one run.

Every queue lies on the same disk with its durable settings: what it has acknowledged survives loss of power.
The keeper's clients do what PROTOCOL.md tells a program in any language to do, no more: a msgpack map over a
DEALER; the peers' clients are their own, beanstalkd's a socket.
A job is done when one PNG of 512×512 lies durably on disk; the keeper looks into it, too, puts it on its map
and writes down where it came from. Its jobs are model calls whose renders stand already, and each hands in a
picture of its own: the same one again would not be written again.
"""

import io
import os
import sqlite3
import struct
import tempfile
import uuid
import zlib
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import zmq
from PIL import Image

from bench import crowd
from bench.crowd import Enqueue
from bench.figure import Figure
from bench.keeper import Asker, KeeperProcess, apart
from bench.rivals import RIVALS, Rival, Take
from protocol.codec import SIGNATURE
from protocol.ingest import Publish
from protocol.plan import Plan, Step
from protocol.work import Ack, Idle, Lease, Made, Ready, TileImage

SECONDS = float(os.environ.get("BENCH_SECONDS", "5"))
ENQUEUERS, WORKERS = 8, 4
JOBS = int(os.environ.get("BENCH_JOBS", "600"))
COLUMN = 100
END = 12
"""Bytes of a PNG's last chunk."""


def figures() -> Iterator[Figure]:
    """Each peer's rate, and the keeper's as a multiple of it."""
    png = _png()
    put, done = _keeper(png)
    yield Figure("keeper_enqueue_8", put, "jobs/s", "", f"{ENQUEUERS} processes, each waits for its answer")
    yield Figure("keeper_done_4", done, "jobs/s", "", f"{JOBS} jobs, {WORKERS} workers")
    for kind in RIVALS:
        with tempfile.TemporaryDirectory(prefix="tw-bench-", dir=os.environ.get("BENCH_FOLDER")) as folder:
            yield from _beside(kind, Path(folder), png, put, done)


def _beside(kind: type[Rival], folder: Path, png: bytes, put: float, done: float) -> Iterator[Figure]:
    # Others than root must be able to get there.
    folder.chmod(0o755)
    (folder / "one.png").write_bytes(png)
    (folder / "results").mkdir()
    (folder / "server").mkdir()
    rival = kind(folder / "server")
    name = rival.name.replace(" ", "_")
    if missing := rival.missing():
        yield Figure(f"over_{name}", 0.0, "×", "", f"skipped: {missing} is not installed")
        return
    try:
        rival.start()
        theirs = crowd.rate(ENQUEUERS, crowd.alone, rival.enqueuer(), seconds=SECONDS)
        note = f"{theirs:,.0f} jobs/s; {rival.settings}"
        yield Figure(f"enqueue_over_{name}", put / theirs, "×", ">= 2" if rival.python else ">= 1", note)
    finally:
        rival.stop()
    if kind.name == "celery":
        # Its workers are a program of their own, which cannot be told to do the same and nothing else.
        return
    with tempfile.TemporaryDirectory(prefix="tw-bench-", dir=os.environ.get("BENCH_FOLDER")) as again:
        Path(again).chmod(0o755)
        (Path(again) / "one.png").write_bytes(png)
        (Path(again) / "results").mkdir()
        (Path(again) / "server").mkdir()
        rival = kind(Path(again) / "server")
        try:
            rival.start()
            results = str(Path(again) / "results")
            theirs = _done(rival.enqueuer(), rival.taker(results, png))
        finally:
            rival.stop()
    yield Figure(f"done_over_{name}", done / theirs, "×", ">= 1", f"{theirs:,.0f} jobs/s; {rival.settings}")


def _done(enqueuer: Any, taker: Any) -> float:
    """Jobs a second from the first that is put in until the last is acknowledged."""
    share = JOBS // WORKERS
    return crowd.until_done(WORKERS, _put_and_take, enqueuer, taker, share)


def _put_and_take(number: int, enqueuer: Any, taker: Any, share: int, ready: Any) -> int:
    """Put a share of the jobs in, then take jobs until none is left."""
    enqueue: Enqueue = enqueuer()
    take: Take = taker()
    ready.wait(crowd.PATIENCE_SECONDS)
    for i in range(share):
        enqueue(number * share + i)
    while take():
        pass
    return share


def _keeper(png: bytes) -> tuple[float, float]:
    process = KeeperProcess()
    try:
        process.start()
        make = partial(_keeper_put, process.sockets.address("ingest"))
        put = crowd.rate(ENQUEUERS, crowd.alone, make, seconds=SECONDS)
    finally:
        process.remove()
    process = KeeperProcess()
    try:
        process.start()
        process.stop()
        _render(process)
        process.start()
        ingest, works = process.sockets.address("ingest"), process.sockets.address("work")
        done = _done(partial(_keeper_call, ingest), partial(_keeper_take, works, png))
    finally:
        process.remove()
    return put, done


def _render(process: KeeperProcess) -> None:
    """Let every render stand that the jobs need: what is measured is one step of a job, not its frames."""
    with closing(sqlite3.connect(process.data / "tilewright.db", isolation_level=None)) as file:
        file.execute("BEGIN")
        file.executemany(
            "INSERT INTO tiles (layer, x, y, version) VALUES ('render', ?, ?, 0)",
            [(x, y) for x in range(-4, 4 * COLUMN + 4) for y in range(-4, 4 * (JOBS // COLUMN + 1) + 4)],
        )
        file.execute("INSERT INTO assets (name, sha256, job_id, created_at) VALUES ('palette', '0', 0, 0)")
        file.execute("COMMIT")


def _keeper_put(address: str) -> Enqueue:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.connect(address)

    def put(number: int) -> None:
        x, y = apart(number)
        step = {"id": "r", "kind": "render", "quadrants": [[x, y]]}
        body = {"plan": {"id": f"p{number}", "steps": [step]}}
        socket.send_multipart(
            [SIGNATURE, msgpack.packb({"type": "publish", "id": f"{number}", "body": body})]
        )
        answer = msgpack.unpackb(socket.recv_multipart()[1])
        if answer["type"] != "accepted":
            raise RuntimeError(answer)

    return put


def _keeper_call(address: str) -> Enqueue:
    asker = Asker(address)

    def call(number: int) -> None:
        x, y = 4 * (number % COLUMN), 4 * (number // COLUMN)
        # In the open the model fills 2×2; three of them are padding, so that one PNG is put on the map.
        padding = [(x + 1, y), (x, y + 1), (x + 1, y + 1)]
        step = Step(id="g", quadrants=[(x, y)], padding=padding)
        asker.ask(Publish(plan=Plan(id=f"p{number}", steps=[step], prompt="a city")))

    return call


def _keeper_take(address: str, png: bytes) -> Take:
    asker = Asker(address)
    pictures = _pictures(png)
    # With the process that started anew its leases would be given back: each worker has a name of its own.
    me = f"w{uuid.uuid4().hex[:8]}"

    def take() -> bool:
        lease = asker.ask(Ready(worker=me, kinds=["generate"]))
        if isinstance(lease, Idle):
            return False
        assert isinstance(lease, Lease)
        ((x, y),) = lease.work.quadrants
        tile = TileImage(layer="generation", x=x, y=y, attachment=0)
        made = Made(worker=me, seconds=0.1)
        asker.ask(Ack(job=lease.job, token=lease.token, tiles=[tile], made=made), [next(pictures)])
        return True

    return take


def _pictures(png: bytes) -> Iterator[bytes]:
    """The picture, each time with another private chunk: other bytes, and as many."""
    while True:
        note = b"beNc" + uuid.uuid4().bytes
        chunk = struct.pack(">I", 16) + note + struct.pack(">I", zlib.crc32(note))
        yield png[:-END] + chunk + png[-END:]


def _png() -> bytes:
    chance = np.random.default_rng(1)
    blocks = chance.integers(0, 255, (64, 64, 3), dtype=np.uint8)
    content = io.BytesIO()
    Image.fromarray(np.kron(blocks, np.ones((8, 8, 1), dtype=np.uint8))).save(content, "PNG")
    return content.getvalue()
