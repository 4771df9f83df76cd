"""The template: the 1024 px picture that a model gets, renders to replace among finished pixels to match."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from services.generator.conditioning import Conditioning
from services.generator.mosaic import Tiles, mosaic
from services.generator.preprocess import prepared
from services.model import Preprocess
from services.png import Prediction, png
from services.tiling.quadrant import WINDOW, Box
from services.tiling.region import pixels_of
from services.tiling.seam import Window
from services.tiling.template import BORDER, infill_box, quadrant_box

RED = (255, 0, 0)
PREDICTIONS = (Prediction.NONE, Prediction.ABOVE)
BAND = 16
"""Rows that tell how the others are packed best."""


@dataclass(frozen=True)
class Template:
    """What goes into the picture; it is drawn when somebody looks, for a local model never does."""

    window: Window
    infill: frozenset[tuple[int, int]]
    renders: Tiles
    context: Tiles
    conditioning: Conditioning | None = None
    """What an adapter that takes passes is shown besides; None for one that takes none."""
    preprocess: Preprocess | None = None
    """What is done to the renders before they are shown."""

    @property
    def box(self) -> Box:
        """Where the infill lies in the picture."""
        return infill_box(self.window, self.infill)

    @property
    def world(self) -> Box:
        """The world pixels of the infill."""
        return pixels_of(self.infill)

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of everything that decides what the model is shown."""
        digest = hashlib.sha256(f"{self.window.x},{self.window.y}".encode())
        for tiles in (self.renders, self.context):
            for (x, y), content in sorted(tiles.items()):
                digest.update(f"|{x},{y}:".encode() + hashlib.sha256(content).digest())
        if self.conditioning is not None:
            digest.update(f"|{self.conditioning.digest}".encode())
        if self.preprocess is not None:
            digest.update(f"|{self.preprocess.model_dump_json()}".encode())
        return digest.hexdigest()

    def around(self) -> NDArray[np.uint8]:
        """The finished quadrants alone, as they stand on the map; no red line, zeros in the infill."""
        return mosaic(self.window, self.context)

    def pixels(self) -> NDArray[np.uint8]:
        """The picture: renders inside the infill, finished quadrants around it, a red line between them."""
        picture = mosaic(self.window, {**self.context, **self.renders})
        left, top, right, bottom = self.box
        if self.preprocess is not None:
            inside = picture[top:bottom, left:right]
            inside[:] = prepared(inside, self.world, self.preprocess)
        _frame(picture, self.box)
        return picture

    def png(self) -> bytes:
        """The picture as a PNG file; it is sent once and stored nowhere, so it is written for speed."""
        return png(self.pixels(), Prediction.ABOVE)


def encode(picture: NDArray[np.uint8]) -> bytes:
    """An RGB picture as a PNG file: flat colours pack best as they are, painted ones by what lies above.

    Which of both it is a band through the middle tells, in a tenth of the time of an encoder that tries
    every filter on every row.
    """
    middle = len(picture) // 2
    band = picture[middle - BAND // 2 : middle + BAND // 2]
    return png(picture, min(PREDICTIONS, key=lambda prediction: len(png(band, prediction))))


def cut(picture: NDArray[np.uint8], window: Window, quadrant: tuple[int, int]) -> NDArray[np.uint8]:
    """The pixels of one quadrant of the infill in a picture of the whole window."""
    left, top, right, bottom = quadrant_box(window, quadrant)
    return picture[top:bottom, left:right]


def _frame(picture: NDArray[np.uint8], box: Box) -> None:
    """Draw the border just outside the infill, as far as the picture has room for it."""
    left, top = max(box.left - BORDER, 0), max(box.top - BORDER, 0)
    right, bottom = min(box.right + BORDER, WINDOW), min(box.bottom + BORDER, WINDOW)
    picture[top : box.top, left:right] = RED
    picture[box.bottom : bottom, left:right] = RED
    picture[top:bottom, left : box.left] = RED
    picture[top:bottom, box.right : right] = RED
