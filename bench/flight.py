"""Many calls under way: one generator process keeps 64 calls of two seconds at a remote model in flight.

The keeper is one on paper, which hands out jobs and takes pictures as fast as they come, so that what is
measured is the generator: it draws the template, sends it, reads the answer, keeps it, inspects it, cuts it.
"""

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psutil
import zmq

from bench.figure import Figure
from bench.remote import provider
from protocol.errors import Code, ProtocolError
from protocol.message import Message
from protocol.work import (
    WORK,
    Ack,
    Acked,
    Farewell,
    Fetch,
    FetchAsset,
    GenerateWork,
    Goodbye,
    Lease,
    Nack,
    PixelRef,
    Pixels,
    Ready,
    Touched,
)
from services.actor import Letter, Mailbox
from services.config import GENERATOR_SLOTS, Sockets
from services.tiling.seam import Window, place
from tests.generator.city import layers
from tests.system.world import TREE

LATENCY_SECONDS = float(os.environ.get("BENCH_LATENCY", "2"))
IN_FLIGHT = 64
WARM_SECONDS = 4 + 2 * LATENCY_SECONDS
SECONDS = float(os.environ.get("BENCH_SECONDS", "20"))
LEASE_SECONDS = 60.0


class Paper:
    """Hands out islands without end, none beside another, and counts what comes back."""

    def __init__(self) -> None:
        self.done = 0
        self.failed: list[str] = []
        self._numbers = count(1)

    def on_batch(self, letters: list[Letter]) -> None:
        for letter in letters:
            body = letter.envelope.body
            if isinstance(body, Fetch):
                letter.reply(*self._fetched(body))
            elif isinstance(body, FetchAsset):
                letter.refuse(ProtocolError(Code.UNKNOWN_TILE, "There is none."))
            else:
                letter.reply(self._answer(body))

    def _answer(self, body: Message) -> Message:
        match body:
            case Ready():
                return self._lease(next(self._numbers))
            case Ack():
                self.done += 1
                return Acked(job=body.job)
            case Nack():
                self.failed.append(body.reason)
                raise RuntimeError(f"a call failed: {body.reason}")
            case Goodbye():
                return Farewell(returned=0)
        return Touched(expires_in=LEASE_SECONDS)

    def _lease(self, number: int) -> Lease:
        x = 4 * number
        infill = frozenset([(x, 0), (x + 1, 0), (x, 1), (x + 1, 1)])
        window = place(infill, {})
        assert isinstance(window, Window)
        return Lease(
            job=number,
            token=number,
            plan="flight",
            step=f"s{number}",
            attempt=1,
            expires_in=LEASE_SECONDS,
            work=GenerateWork(
                x=window.x, y=window.y, quadrants=sorted(infill), model_id="remote", prompt="ink"
            ),
        )

    def _fetched(self, body: Fetch) -> tuple[Message, list[bytes]]:
        if body.layer == "generation":
            return Pixels(tiles=[]), []
        tiles = [
            PixelRef(layer=body.layer, x=x, y=y, version=1, sha256="", attachment=place)
            for place, (x, y) in enumerate(body.quadrants)
        ]
        return Pixels(tiles=tiles), [layers((x % 4, y % 4))[body.layer] for x, y in body.quadrants]


def figures() -> Iterator[Figure]:
    """What one generator process gets done of what so many calls at once could."""
    with provider(LATENCY_SECONDS) as address:
        rate, megabytes, milliseconds = asyncio.run(flown(address))
    ideal = IN_FLIGHT / LATENCY_SECONDS
    cores = os.cpu_count() or 1
    note = (
        f"{GENERATOR_SLOTS} slots, calls of {LATENCY_SECONDS:g} s with 1.4 MB out and 2 MB in, {cores} cores"
    )
    yield Figure(
        "flight_share",
        rate / ideal,
        "of ideal",
        ">= 0.95",
        f"{rate:.1f} calls/s of {ideal:g}; {note}",
    )
    yield Figure("flight_calls", rate * LATENCY_SECONDS, "calls in flight", "", note)
    yield Figure("flight_megabytes", megabytes, "MB", "<= 400", "the most that the process held")
    yield Figure("flight_cpu", milliseconds, "ms/call", "", "processor time of the generator")


async def flown(address: str) -> tuple[float, float, float]:
    """Calls per second, the most megabytes held, and processor milliseconds per call."""
    with tempfile.TemporaryDirectory(prefix="tw-bench-") as folder:
        data, config = Path(folder) / "world", Path(folder) / "app_config.json"
        data.mkdir()
        model = {"name": "Remote", "model_id": "remote", "provider": "oxen", "endpoint": address}
        config.write_text(json.dumps({"models": [{**model, "api_key": "on-loopback"}]}))
        sockets = Sockets(data)
        sockets.prepare()
        paper, context = Paper(), zmq.Context[zmq.Socket[bytes]]()
        mailbox = Mailbox(context, sockets.address("work"), WORK, paper.on_batch)
        mailbox.open()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "services.generator",
            *("--name", "generator-1", "--config", str(config), "--data", str(data)),
            cwd=TREE,
            stdout=asyncio.subprocess.DEVNULL,
        )
        try:
            return await watched(paper, psutil.Process(process.pid))
        finally:
            process.terminate()
            await process.wait()
            mailbox.close()
            context.term()


async def watched(paper: Paper, process: psutil.Process) -> tuple[float, float, float]:
    """The same, from when the calls have come to be spread over time."""
    await asyncio.sleep(WARM_SECONDS)
    began, done, busy, most = time.monotonic(), paper.done, spent(process), 0
    while time.monotonic() < began + SECONDS:
        await asyncio.sleep(0.1)
        most = max(most, process.memory_info().rss)
    calls = paper.done - done
    seconds = time.monotonic() - began
    return calls / seconds, most / 1e6, (spent(process) - busy) / max(calls, 1) * 1e3


def spent(process: psutil.Process) -> float:
    """Processor seconds of a process."""
    times = process.cpu_times()
    return times.user + times.system
