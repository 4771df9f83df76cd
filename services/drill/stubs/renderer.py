"""A renderer without a browser: `python -m services.drill.stubs.renderer`."""

import asyncio

from protocol.work import RenderWork
from services.drill.picture import picture
from services.drill.stubs.scribe import Scribe, work
from services.process import Process, run
from services.worker import Result, Task

DRAWING_SECONDS = 0.005
SLOTS = 3
OBJECT, DEPTH = picture(alpha=True), picture()


async def draw(task: Task) -> Result:
    """Pictures that say where they belong; what lies in the other layers, nobody looks at."""
    lease, job = task.lease, task.lease.work
    assert isinstance(job, RenderWork)
    await asyncio.sleep(DRAWING_SECONDS)
    result = Result()
    for x, y in job.quadrants:
        note = {"x": x, "y": y, "job": lease.job, "token": lease.token}
        result.tiles += [("render", x, y, picture(note)), ("object", x, y, OBJECT), ("depth", x, y, DEPTH)]
    return result


async def serve(process: Process) -> None:
    """Work until stopped."""
    await work(process, Scribe(process, ["render"], draw, slots=SLOTS))


if __name__ == "__main__":
    run("renderer", serve)
