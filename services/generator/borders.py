"""Borders: how well an infill meets what is finished around it, as one figure for each of its quadrants.

The figure compares the step across a border with steps like it nearby: 1 is no worse than the strongest lines
of the picture itself. Measured on finished maps it is below 1.0, of two pictures that have nothing to do
with each other 2 to 2.7.
"""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from services.tiling.quadrant import WINDOW, Box
from services.tiling.seam import Window
from services.tiling.template import quadrant_box

REACH = 64
"""Pixels on either side of a border whose lines it is compared with."""
STRONGEST = 16
"""So many lines: where the cells of the art are large, few lines have any step at all."""
FAINT = 0.5
"""Levels added below, so that nothing is divided by the silence of a flat picture."""
TONE = 1.5
"""So much less a step of a whole line in one direction counts: roofs and streets have such, too."""


def seams(
    picture: NDArray[np.uint8],
    window: Window,
    infill: Collection[tuple[int, int]],
    quadrants: Collection[tuple[int, int]],
) -> list[float | None]:
    """The worst border of each of these quadrants of the infill; None where nothing finished lies against it.

    The picture is what stands on the map, with the infill put in.
    """
    return [_worst(picture, window, infill, quadrant) for quadrant in quadrants]


def _worst(
    picture: NDArray[np.uint8],
    window: Window,
    infill: Collection[tuple[int, int]],
    quadrant: tuple[int, int],
) -> float | None:
    x, y = quadrant
    at = quadrant_box(window, quadrant)
    sides = (
        ((x - 1, y), _lines(picture, at, at.left)),
        ((x + 1, y), _lines(picture, at, at.right)),
        ((x, y - 1), _lines(picture.swapaxes(0, 1), _turned(at), at.top)),
        ((x, y + 1), _lines(picture.swapaxes(0, 1), _turned(at), at.bottom)),
    )
    found = [score(lines) for beyond, lines in sides if beyond not in infill and lines is not None]
    return max(found, default=None)


def score(lines: NDArray[np.uint8]) -> float:
    """How strong the step in the middle of a band of lines is, beside the strongest others in it."""
    steps = np.diff(lines.astype(np.int16), axis=1)
    middle = steps.shape[1] // 2
    edges = _beside(np.abs(steps).mean(axis=(0, 2)), middle)
    tones = _beside(np.abs(steps.mean(axis=(0, 2))), middle)
    return max(edges, tones / TONE)


def _beside(strengths: NDArray[np.float64], middle: int) -> float:
    others = np.sort(np.delete(strengths, middle))[-STRONGEST:]
    return float(strengths[middle] / (others.mean() + FAINT))


def _lines(picture: NDArray[np.uint8], at: Box, edge: int) -> NDArray[np.uint8] | None:
    """The columns on both sides of a border as long as a quadrant; None if it is the window's edge."""
    if not 0 < edge < WINDOW:
        return None
    return picture[max(at.top, 0) : min(at.bottom, WINDOW), max(edge - REACH, 0) : min(edge + REACH, WINDOW)]


def _turned(at: Box) -> Box:
    return Box(at.top, at.left, at.bottom, at.right)
