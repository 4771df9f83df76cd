"""The kinds of things that outlines tell apart, by the materials of the object plane."""

import numpy as np
from numpy.typing import NDArray

from services.planes import AWNING, CAR, TREE, WALL

FLAT, BUILDING, GREENERY, VEHICLE = 0, 1, 2, 3


def _kinds() -> NDArray[np.uint8]:
    kinds = np.full(256, FLAT, np.uint8)
    kinds[WALL : AWNING + 1] = BUILDING
    kinds[TREE] = GREENERY
    kinds[CAR] = VEHICLE
    return kinds


KIND = _kinds()
"""By material class: whether it lies flat, or which kind of thing it stands for."""
