"""The object and depth planes that the renderer draws beside the colour: what their bytes say.

The page writes them (web/scene/main.ts, web/scene/material.ts); they are stored as layers without loss.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.tile import decode
from services.tiling.quadrant import Box, box

NOTHING = 0
WALL = 1
ROOF = 2
TRIM = 3
GLASS = 4
PROP = 5
AWNING = 6
GROUND = 16
ROAD = 17
PAVEMENT = 18
KERB = 19
MARKING = 20
GREEN = 21
WATER = 22
RAIL = 23
FENCE = 24
TREE = 32
CAR = 33

NORMAL_UP = 0
NORMAL_WALL_FIRST = 10
"""From here on a normal code is a wall; 1 to 8 are pitched roofs."""

FIRST_THING = 1_024
"""The lowest object id of a thing that stands; below it, ground has the number of its material."""

ROUND = 1 << 24
"""After so many steps depth begins anew, so two depths may be compared by their difference alone."""
STEPS = 256
"""Steps of depth per metre along the look."""
SHIFT = 16_384.0
"""Metres that are added to every depth."""


@dataclass(frozen=True)
class Planes:
    """World pixels `pixels` as rows from top to bottom."""

    pixels: Box
    object: NDArray[np.uint8]
    """R and G object id, B material, A normal code."""
    depth: NDArray[np.uint8]
    """R, G and B one number of 24 bits, R its high byte: larger is farther."""

    @staticmethod
    def read(quadrant: tuple[int, int], objects: bytes, depth: bytes) -> "Planes":
        """A quadrant out of the PNG files of its layers `object` and `depth`."""
        return Planes(box(quadrant), decode(objects, "RGBA", quadrant), decode(depth, "RGB", quadrant))


def distance(depth: NDArray[np.uint8]) -> NDArray[np.int32]:
    """The bytes of a depth plane as one number for each pixel."""
    split = depth.astype(np.int32)
    steps: NDArray[np.int32] = (split[..., 0] << 16) | (split[..., 1] << 8) | split[..., 2]
    return steps


def nearer(here: NDArray[np.int32], there: NDArray[np.int32]) -> NDArray[np.int32]:
    """By how many steps of depth `there` stands before `here`; less than 0 if it stands behind."""
    half = ROUND >> 1
    return ((here - there + half) & (ROUND - 1)) - half
