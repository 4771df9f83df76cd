"""The starter plan: 48 quadrants from published to all committed, on a whole running system."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.figure import Figure
from tests.system.world import World

WIDTH, HEIGHT = 8, 6


def figures() -> Iterator[Figure]:
    """Seconds by the keeper's own clock, from the plan's acceptance to its last commit."""
    with tempfile.TemporaryDirectory(prefix="tw-bench-") as folder:
        world = World(Path(folder), starter_plan={"width": WIDTH, "height": HEIGHT})
        try:
            world.start()
            view = world.settled("starter")
            jobs = world.get("/api/queue?plan=starter&limit=500")["jobs"]
        finally:
            world.kill()
    seconds = max(job["finished_at"] for job in jobs) - view["created_at"]
    renders = sum(job["kind"] == "render" for job in jobs)
    calls = sum(job["kind"] == "generate" for job in jobs)
    yield Figure(
        "starter_plan_seconds",
        seconds,
        "s",
        "<= 60",
        f"{view['quadrants_done']} quadrants, {calls} model calls, {renders} frames",
    )
    yield Figure("starter_plan_committed", view["quadrants_done"], "quadrants", f"== {WIDTH * HEIGHT}")
