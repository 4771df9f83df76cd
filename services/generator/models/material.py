"""What the object plane says: material classes and normal codes, as `web/scene/material.ts` gives them."""

import numpy as np
from numpy.typing import NDArray

NOTHING = 0
WALL = 1
ROOF = 2
TRIM = 3
GLASS = 4
PROP = 5
AWNING = 6
GROUND_FIRST, GROUND_LAST = 16, 31
"""Everything that lies flat: soil, roads, pavements, kerbs, markings, lawns, water, rails, fences."""
TREE = 32
CAR = 33

NORMAL_UP = 0
NORMAL_WALL_FIRST = 10
"""From here on a normal code is a wall; 1 to 8 are pitched roofs."""

FLAT, BUILDING, GREENERY, VEHICLE = 0, 1, 2, 3


def _kinds() -> NDArray[np.uint8]:
    kinds = np.full(256, FLAT, np.uint8)
    kinds[WALL : AWNING + 1] = BUILDING
    kinds[TREE] = GREENERY
    kinds[CAR] = VEHICLE
    return kinds


KIND = _kinds()
"""By material class: whether it lies flat, or which kind of thing it stands for."""
