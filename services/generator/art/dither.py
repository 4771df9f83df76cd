"""Ordered dither: which colour of its ramp a cell gets, by its own and its place in the world."""

import numpy as np
from numpy.typing import NDArray

from services.generator.art.palette import Palette, bins

STRENGTH = 0.12
BAYER = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]], np.float32)


def dither(
    colour: NDArray[np.float32], ramp: NDArray[np.uint8], row: int, column: int, palette: Palette
) -> NDArray[np.uint8]:
    """The RGB picture of three planes whose first cell is the world's cell (row, column).

    `ramp` says which of the palette's ramps each cell keeps to.
    """
    _, height, width = colour.shape
    rows = (row + np.arange(height)) & 3
    columns = (column + np.arange(width)) & 3
    offsets = _offsets(len(palette.colours))[rows][:, columns]
    shifted = colour + offsets
    np.clip(shifted, 0, 255, out=shifted)
    picture: NDArray[np.uint8] = palette.colours[palette.table[ramp, bins(shifted.astype(np.uint8))]]
    return picture


def _offsets(colours: int) -> NDArray[np.float32]:
    # Shades of one surface lie about half as far apart as if the palette filled the cube evenly.
    step = 128.0 / colours ** (1 / 3)
    offsets: NDArray[np.float32] = (BAYER + np.float32(0.5)) / np.float32(16) - np.float32(0.5)
    return offsets * np.float32(STRENGTH * step)
