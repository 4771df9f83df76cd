"""Ramps: water and green keep to colours of their own, which nothing else is drawn in.

Else a lake takes the blue of the parked cars, and a lawn the grey of the asphalt beside it.
"""

import numpy as np
from numpy.typing import NDArray

from services.passes import KINDS, Kind

REST, WATER, GREEN = 0, 1, 2
RAMPS = 3

COMMON = (72, 8, 28)
"""Colours of each ramp that come from k-means over its cells."""
ACCENTS = (8, 0, 4)
"""Colours more for bright hues too rare to get one that way; in the green, autumn and blossom."""
ENOUGH = 400
"""With fewer cells the first renders have as good as none of a ramp: then it has its BASIC colours, so that
the palette of a map that was begun in a street still knows the lake that comes later."""
BASIC = (
    "",
    "538dc2 5a99d1 67a2d3 77a9cd 7eb2d7 87bde2 89bfee a3d3f6",
    "1f2e26 2e412c 365431 48673b 8f4e3e 557a3d 678c50 55a33c 809f4e d3754a 8bb155 edae56 8ce342 fae96b",
)


def _ramps() -> NDArray[np.uint8]:
    table = np.full(256, REST, np.uint8)
    table[KINDS == Kind.WATER] = WATER
    table[KINDS == Kind.GREEN] = GREEN
    return table


RAMP = _ramps()
"""By material: the ramp that it is drawn in."""
