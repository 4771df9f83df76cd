"""A worker that draws frames without a city: noise in blocks, the same for a quadrant whoever draws it."""

import asyncio
import functools
from collections.abc import Callable
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


Tile = Callable[[Layer, int, int], bytes]
"""One layer of one quadrant as a PNG file."""


class Painter:
    """A renderer for tests of what comes after the render."""

    def __init__(self, data: Path, tile: Tile | None = None) -> None:
        self._tile = tile or noise
        self._stop = asyncio.Event()
        self._worker = Worker(Sockets(data).address("work"), "painter-1", ["render"], self._draw, slots=4)
        self._working: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._working = asyncio.create_task(self._worker.run(self._stop))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        assert self._working is not None
        await self._working

    async def _draw(self, task: Task) -> Result:
        work = task.lease.work
        assert isinstance(work, RenderWork)
        return Result(tiles=[(la, x, y, self._tile(la, x, y)) for x, y in work.quadrants for la in CHANNELS])


@functools.cache
def noise(layer: Layer, x: int, y: int) -> bytes:
    """A picture of its own for each quadrant; what is in the other layers, no remote model looks at."""
    chance = np.random.default_rng([x + 1_000, y + 1_000] if layer == "render" else 0)
    blocks = chance.integers(0, 256, (SIZE // BLOCK, SIZE // BLOCK, CHANNELS[layer]), np.uint8)
    return png(blocks.repeat(BLOCK, axis=0).repeat(BLOCK, axis=1), Prediction.ABOVE)
