"""A worker that paints every quadrant in colours of its own, so that a test knows each pixel."""

import asyncio
import functools
import io

import numpy

from protocol.message import Layer
from protocol.work import GenerateWork, PaletteWork, RenderWork
from services.png import Prediction
from services.png import png as encoded
from services.tiling.quadrant import SIZE
from services.worker import Perform, Result, Task, Worker
from tests.gateway.house import House

CORNER = 64
"""The top left corner of each picture is white, so that a turned or mirrored one is noticed."""


def colour(layer: str, x: int, y: int) -> tuple[int, int, int]:
    """The colour of a quadrant."""
    return (40 + 8 * (x % 16), 60 + 8 * (y % 16), {"generation": 200, "dark": 20}.get(layer, 100))


@functools.cache
def png(layer: str, x: int, y: int) -> bytes:
    """The picture of a quadrant."""
    shade = (*colour(layer, x, y), 0) if layer == "object" else colour(layer, x, y)
    picture = numpy.full((SIZE, SIZE, len(shade)), shade, numpy.uint8)
    picture[:CORNER, :CORNER] = 255
    return encoded(picture, Prediction.ABOVE)


async def paint(task: Task) -> Result:
    """Do any kind of job."""
    match task.lease.work:
        case RenderWork() as work:
            layers: tuple[Layer, ...] = ("render", "object", "depth")
            return Result(tiles=[(la, x, y, png(la, x, y)) for x, y in work.quadrants for la in layers])
        case GenerateWork() as work:
            kept = [*work.quadrants, *work.scaffold]
            return Result(tiles=[(work.layer, x, y, png(work.layer, x, y)) for x, y in kept])
        case PaletteWork():
            file = io.BytesIO()
            numpy.savez(file, palette=numpy.zeros((4, 3), numpy.uint8))
            return Result(palette=file.getvalue())


class Painter:
    """The worker, running until the test is over."""

    def __init__(self, house: House, perform: Perform = paint) -> None:
        self._stop = asyncio.Event()
        worker = Worker(
            house.sockets.address("work"), "painter-1", ["render", "palette", "generate"], perform, slots=2
        )
        self._task = asyncio.create_task(worker.run(self._stop))

    async def close(self) -> None:
        """Finish what runs and go."""
        self._stop.set()
        await self._task
