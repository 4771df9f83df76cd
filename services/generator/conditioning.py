"""Conditioning images: passes of the renders, cut to the window that the model sees."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from services import passes
from services.generator.mosaic import Tiles, mosaic
from services.planes import Planes
from services.png import Prediction, png
from services.scene import Camera, Pass
from services.tiling.seam import Window


@dataclass(frozen=True)
class Conditioning:
    """The passes that an adapter takes, of the infill and all that surrounds it; drawn when it looks."""

    window: Window
    camera: Camera
    names: tuple[Pass, ...]
    objects: Tiles
    depths: Tiles

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of everything that decides what the pictures show."""
        digest = hashlib.sha256(f"{','.join(self.names)}|{self.camera.model_dump_json()}".encode())
        for tiles in (self.objects, self.depths):
            for (x, y), content in sorted(tiles.items()):
                digest.update(f"|{x},{y}:".encode() + hashlib.sha256(content).digest())
        return digest.hexdigest()

    def values(self, name: Pass) -> passes.Values:
        """The numbers of one pass."""
        return passes.values(name, self._planes, self.camera)

    def picture(self, name: Pass) -> NDArray[np.uint8]:
        """One pass as RGB, its pixels those of the template."""
        return passes.picture(name, self._planes, self.camera)

    def png(self, name: Pass) -> bytes:
        """The same as a PNG file, written for speed."""
        return png(self.picture(name), Prediction.LEFT)

    @cached_property
    def _planes(self) -> Planes:
        return Planes(
            pixels=self.window.box,
            object=mosaic(self.window, self.objects, "RGBA"),
            depth=mosaic(self.window, self.depths),
        )
