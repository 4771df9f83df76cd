"""The legality of a job on the map as it now is, repairs of its plan and scaffold included."""

from services.keeper import proof
from services.keeper.lifecycle import Job
from services.keeper.store import Store
from services.tiling.region import bounding
from services.tiling.seam import Refusal, Window

AROUND = 2
"""Quadrants around a job beyond which nothing matters to it."""


def look(store: Store, job: Job) -> Window | Refusal:
    """Where the job may be drawn now, or why nowhere. Renders and palettes may always."""
    if job.kind != "generate":
        return Window(job.x, job.y)
    x0, y0, x1, y1 = bounding(job.infill)
    finished = store.tiles.finished(x0 - AROUND, y0 - AROUND, x1 + AROUND, y1 + AROUND, plan=job.plan)
    return proof.still(Window(job.x, job.y), job.infill, finished)


def moved(job: Job, window: Window) -> Job:
    """The job in this window: another one than was proved, if the map has changed but still allows it."""
    return job._replace(x=window.x, y=window.y)
