"""What the renderer drew of one quadrant: colour, object and depth, decoded when somebody looks."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from protocol.message import Layer
from protocol.work import PixelRef
from services.planes import distance
from services.task import Task, TryFailed
from services.tile import decode
from services.tiling.region import named

LAYERS: tuple[Layer, ...] = ("render", "object", "depth")


@dataclass(frozen=True)
class Rendered:
    """The three layers of one quadrant as PNG, and the hashes that name them."""

    quadrant: tuple[int, int]
    png: dict[Layer, bytes]
    sha256: tuple[str, ...]

    @cached_property
    def colour(self) -> NDArray[np.uint8]:
        """RGB."""
        return decode(self.png["render"], "RGB", self.quadrant)

    @property
    def objects(self) -> NDArray[np.uint8]:
        """R and G object id, B material, A normal code."""
        return decode(self.png["object"], "RGBA", self.quadrant)

    @property
    def depth(self) -> NDArray[np.int32]:
        """The 24 bits as one number: larger is farther, 256 to a metre."""
        return distance(decode(self.png["depth"], "RGB", self.quadrant))


class Renders:
    """The renders that one job has asked for; each is fetched once. All of them must be there."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._found: dict[Layer, dict[tuple[int, int], tuple[PixelRef, bytes]]] = {}

    async def layer(
        self, layer: Layer, quadrants: Sequence[tuple[int, int]]
    ) -> dict[tuple[int, int], tuple[PixelRef, bytes]]:
        """One layer of these quadrants; one that is missing is the fault of whoever leased the job out."""
        found = self._found.setdefault(layer, {})
        wanted = [cell for cell in quadrants if cell not in found]
        if wanted:
            found.update(await self._task.fetch(layer, wanted))
        if lacking := [cell for cell in quadrants if cell not in found]:
            raise TryFailed("bug", f"There is no {layer} layer of {named(lacking)} yet.", retry=False)
        return {cell: found[cell] for cell in quadrants}

    @property
    def digest(self) -> str:
        """The SHA-256 over every render that was asked for, by layer and place."""
        digest = hashlib.sha256()
        for layer, found in sorted(self._found.items()):
            for (x, y), (ref, _) in sorted(found.items()):
                digest.update(f"|{layer},{x},{y}:{ref.sha256}".encode())
        return digest.hexdigest()

    async def whole(self, quadrants: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Rendered]:
        """All three layers of these quadrants."""
        layers = {layer: await self.layer(layer, quadrants) for layer in LAYERS}
        return {
            cell: Rendered(
                quadrant=cell,
                png={layer: found[cell][1] for layer, found in layers.items()},
                sha256=tuple(found[cell][0].sha256 for found in layers.values()),
            )
            for cell in quadrants
        }
