"""A worker that draws frames without a city: noise in blocks, the same for a quadrant whoever draws it."""

import asyncio
import functools
from pathlib import Path
from typing import Self

import numpy as np

from protocol.message import Layer
from protocol.work import RenderWork
from services.config import Sockets
from services.png import Prediction, png
from services.tiling.quadrant import SIZE
from services.worker import Result, Task, Worker

BLOCK = 32
CHANNELS: dict[Layer, int] = {"render": 3, "object": 4, "depth": 3}


class Painter:
    """A renderer for tests of what comes after the render."""

    def __init__(self, data: Path) -> None:
        self._stop = asyncio.Event()
        self._worker = Worker(Sockets(data).address("work"), "painter-1", ["render"], draw, slots=4)
        self._working: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._working = asyncio.create_task(self._worker.run(self._stop))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        assert self._working is not None
        await self._working


async def draw(task: Task) -> Result:
    """The frame that a job asks for."""
    work = task.lease.work
    assert isinstance(work, RenderWork)
    return Result(tiles=[(layer, x, y, tile(layer, x, y)) for x, y in work.quadrants for layer in CHANNELS])


@functools.cache
def tile(layer: Layer, x: int, y: int) -> bytes:
    """One layer of one quadrant as a PNG file."""
    chance = np.random.default_rng([x + 1_000, y + 1_000] if layer == "render" else 0)
    blocks = chance.integers(0, 256, (SIZE // BLOCK, SIZE // BLOCK, CHANNELS[layer]), np.uint8)
    return png(blocks.repeat(BLOCK, axis=0).repeat(BLOCK, axis=1), Prediction.ABOVE)
