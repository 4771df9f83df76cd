"""The legality of a job on the map as it now is, repairs of its plan and scaffold included."""

from functools import lru_cache

from services.keeper import proof
from services.keeper.lifecycle import Job
from services.keeper.store import Store
from services.tiling.quadrant import SIZE
from services.tiling.region import bounding, named
from services.tiling.seam import Refusal, Window

AROUND = 2
"""Quadrants around a job beyond which nothing matters to it."""

Cells = frozenset[tuple[int, int]]


def look(store: Store, job: Job) -> Window | Refusal:
    """Where the job may be drawn now, or why nowhere. Renders and palettes may always."""
    window, inside = Window(job.x, job.y), job.infill
    if job.kind != "generate":
        return window
    x0, y0, x1, y1 = bounding(inside)
    tiles = store.tiles
    finished = tiles.finished(job.layer, x0 - AROUND, y0 - AROUND, x1 + AROUND, y1 + AROUND, plan=job.plan)
    if job.candidate:
        # What another candidate of the comparison put there gives way to whichever is chosen after it.
        finished -= store.versions.standing_of(job.plan, job.layer, job.kept)
    if job.input_layer not in ("", "render"):
        box = (x0, y0, x1, y1)
        if lacking := set(job.quadrants) - tiles.finished(job.input_layer, *box):
            return Refusal(
                f"There is nothing to draw it from: {named(lacking)} of {job.input_layer} has been taken off "
                "the map. Bring it back or draw it there again, then retry."
            )
    # The rules are the same everywhere, and even a city has few kinds of neighbourhood.
    seen = Window(job.x - x0 * SIZE, job.y - y0 * SIZE)
    found = _still(seen, _moved(inside, x0, y0), _moved(finished, x0, y0))
    if isinstance(found, Window):
        return Window(found.x + x0 * SIZE, found.y + y0 * SIZE)
    # Said again with the names that people know the quadrants by.
    return proof.still(window, inside, finished)


@lru_cache(maxsize=10_000)
def _still(window: Window, inside: Cells, finished: Cells) -> Window | Refusal:
    return proof.still(window, inside, finished)


def _moved(cells: Cells | set[tuple[int, int]], x0: int, y0: int) -> Cells:
    return frozenset([(x - x0, y - y0) for x, y in cells])


def moved(job: Job, window: Window) -> Job:
    """The job in this window: another one than was proved, if the map has changed but still allows it."""
    return job if (job.x, job.y) == (window.x, window.y) else job._replace(x=window.x, y=window.y)
