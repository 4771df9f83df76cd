"""A remote model that takes a second: a whole map with 16 calls at once, and one step at a time.

Both on a whole running system, on renders that are there already: drawn by the bench, before the clock runs.
One step at a time is measured on a smaller rectangle of the same pattern and reckoned up by its calls.
"""

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.figure import Figure
from protocol.message import Layer
from tests.generator.city import layers
from tests.system.painter import Painter
from tests.system.world import TREE, World

LATENCY_SECONDS = 1.0
AT_ONCE = 16
GENERATORS = 1
WHOLE = (0, 0, 19, 19)
PART = (0, 0, 4, 4)
"""What is filled one step at a time."""


def figures() -> Iterator[Figure]:
    """Seconds by the keeper's own clock, from the plan's acceptance to its last commit."""
    with provider() as address:
        fast, calls, quadrants = asyncio.run(filled(address, WHOLE, AT_ONCE))
        slow, few, _ = asyncio.run(filled(address, PART, 1))
    alone = slow / few * calls
    yield Figure(
        "remote_fill_seconds",
        fast,
        "s",
        note=f"{quadrants} quadrants, {calls} calls of {LATENCY_SECONDS:g} s, {AT_ONCE} at once by "
        f"{GENERATORS} generator, renders made before",
    )
    yield Figure(
        "remote_one_at_a_time_seconds",
        alone,
        "s",
        note=f"the same {calls} calls, reckoned from {few} calls that took {slow:.1f} s",
    )
    yield Figure("remote_speedup", alone / fast, "×", ">= 8", "one step at a time against 16 calls at once")


@contextmanager
def provider(seconds: float = LATENCY_SECONDS) -> Iterator[str]:
    """The address of a fake provider that takes so long, which runs as long as it is needed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.provider", str(seconds)],
        cwd=TREE,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdin.close()
        process.wait()


async def filled(address: str, bounds: tuple[int, int, int, int], at_once: int) -> tuple[float, int, int]:
    """Seconds, calls and quadrants of one fill, in a world of its own."""
    model = {
        "name": "Remote",
        "model_id": "remote",
        "provider": "oxen",
        "endpoint": address,
        "api_key": "on-loopback",
        "max_concurrency": at_once,
        # The same picture for every call has little to do with what surrounds its infill.
        "drift_limit": 1.0,
    }
    x0, y0, x1, y1 = bounds
    around = [[x, y] for y in range(y0 - 2, y1 + 4) for x in range(x0 - 2, x1 + 4)]
    renders = {"id": "renders", "steps": [{"id": "r", "kind": "render", "quadrants": around}]}
    with tempfile.TemporaryDirectory(prefix="tw-bench-") as folder:
        services = {"renderer": 0, "generator": GENERATORS}
        world = World(Path(folder), models=[model], default_model_id="remote", services=services)
        try:
            await asyncio.to_thread(world.start)
            async with Painter(world.data, drawn):
                await asyncio.to_thread(world.publish, renders)
                await asyncio.to_thread(world.settled, "renders")
            await asyncio.to_thread(world.publish, {"id": "fill", "rectangle": list(bounds)})
            # Seldom asked, for every answer is work for the keeper.
            view = await asyncio.to_thread(world.settled, "fill", pause=1.0)
            jobs = await asyncio.to_thread(world.get, "/api/queue?plan=fill&kind=generate&limit=500")
        finally:
            await asyncio.to_thread(world.kill)
    assert view["quadrants_done"] == view["quadrants_total"]
    last = max(job["finished_at"] for job in jobs["jobs"])
    return last - view["created_at"], len(jobs["jobs"]), view["quadrants_done"]


def drawn(layer: Layer, x: int, y: int) -> bytes:
    """One of sixteen quadrants of a drawn city: as much work to read as any, and no time to draw."""
    return layers((x % 4, y % 4))[layer]
