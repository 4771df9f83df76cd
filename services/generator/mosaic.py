"""The window put together from the quadrants that it touches."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from services.tile import decode
from services.tiling.quadrant import WINDOW
from services.tiling.seam import Window
from services.tiling.template import quadrant_box

Tiles = Mapping[tuple[int, int], bytes]
"""PNG files by quadrant."""


def mosaic(window: Window, tiles: Tiles, mode: str = "RGB") -> NDArray[np.uint8]:
    """As much of the quadrants as lies in the window; nothing, i.e. zeros, where there is none."""
    picture = np.zeros((WINDOW, WINDOW, len(mode)), np.uint8)
    for quadrant, content in tiles.items():
        at = quadrant_box(window, quadrant)
        left, top = max(at.left, 0), max(at.top, 0)
        right, bottom = min(at.right, WINDOW), min(at.bottom, WINDOW)
        tile = decode(content, mode, quadrant)
        picture[top:bottom, left:right] = tile[
            top - at.top : bottom - at.top, left - at.left : right - at.left
        ]
    return picture
