"""The grid of map tiles: squares of Web Mercator, columns and rows counted from the north-west corner.

Of zoom z there are 2 ** z by 2 ** z (OGC 17-083r2, WebMercatorQuad); web/scene/place.ts has the same.
"""

import math

Range = tuple[int, int, int, int]
"""The first and the last column and row of tiles: x0, y0, x1, y1."""
ROUNDING = 1e-4
"""Parts of a tile; files give their bounds in 1e-7 degrees at best."""
NORTHMOST = 85.0511
"""Degrees; there the world ends, which makes it a square."""


def tiles_under(zoom: int, west: float, south: float, east: float, north: float) -> Range:
    """The tiles under a box of degrees; those that it only touches, rounding aside, are not counted."""
    (left, top), (right, bottom) = tile_at(zoom, west, north), tile_at(zoom, east, south)
    left, top, right, bottom = left + ROUNDING, top + ROUNDING, right - ROUNDING, bottom - ROUNDING
    last = (1 << zoom) - 1

    def held(value: int) -> int:
        return max(0, min(last, value))

    return (
        held(math.floor(left)),
        held(math.floor(top)),
        held(max(math.floor(left), math.floor(right))),
        held(max(math.floor(top), math.floor(bottom))),
    )


def tile_at(zoom: int, longitude: float, latitude: float) -> tuple[float, float]:
    """Column and row of a zoom, fractions of a tile included."""
    phi = math.radians(max(-NORTHMOST, min(NORTHMOST, latitude)))
    size = float(1 << zoom)
    return (longitude / 360 + 0.5) * size, (0.5 - math.asinh(math.tan(phi)) / (2 * math.pi)) * size
