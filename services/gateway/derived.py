"""Passes as layers of the map: worked out from the stored object and depth layers when somebody looks."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from protocol.message import Layer
from services.gateway.shelf import Picture, Shelf
from services.scene import Camera, Pass

WORKERS = 2

Fetched = Callable[[Layer, int, int], Awaitable[Picture | None]]
"""What stands at a quadrant of a stored layer now."""


@dataclass(frozen=True)
class Source:
    """The two stored pictures of a quadrant that all of its passes follow from."""

    x: int
    y: int
    objects: Picture
    depth: Picture


class Derived:
    """Passes of quadrants: as values, exactly, or as pictures that eyes can tell apart.

    Nothing is stored but what the passes follow from, so worlds that were drawn before passes were wanted
    have them too.
    """

    def __init__(self, camera: Camera, fetched: Fetched, shelf: Shelf) -> None:
        self.camera = camera
        self._fetched = fetched
        self._shelf = shelf
        self._workers = asyncio.Semaphore(WORKERS)

    async def source(self, x: int, y: int) -> Source | None:
        """What the passes of a quadrant follow from; None if nothing was rendered there."""
        objects, depth = await self._fetched("object", x, y), await self._fetched("depth", x, y)
        return Source(x, y, objects, depth) if objects and depth else None

    def etag(self, name: Pass, source: Source, *, shown: bool) -> str:
        """The name of exactly these pixels."""
        parts = (name, str(shown), self.camera.model_dump_json(), source.objects.etag, source.depth.etag)
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()

    async def picture(self, name: Pass, source: Source, *, shown: bool) -> Picture:
        """The pass as a PNG file: its values, or, to be `shown`, RGB."""
        etag = self.etag(name, source, shown=shown)
        kept = self._shelf.get(etag)
        if kept is None:
            async with self._workers:
                content = await asyncio.to_thread(_file, name, source, self.camera, shown)
            kept = Picture(etag, content)
            self._shelf.put(etag, kept)
        return kept


def _file(name: Pass, source: Source, camera: Camera, shown: bool) -> bytes:
    # Imported here: arrays take a fifth of a start, and most maps are looked at without passes.
    from services import passes
    from services.planes import Planes
    from services.png import Prediction, png

    planes = Planes.read((source.x, source.y), source.objects.png, source.depth.png)
    made = passes.picture(name, planes, camera) if shown else passes.values(name, planes, camera)
    return png(made, Prediction.ABOVE if name == "depth16" else Prediction.LEFT)
