"""The field of a plan: the quadrants around a region as flat arrays, and what is finished in it.

Place i = y·width + x counts from the corner of the field; the field is wider than its region on every
side, so that no look at a neighbour needs a bound.
"""

from collections.abc import Collection, Iterable

from services.tiling.quadrant import Quadrant
from services.tiling.region import bounding
from services.tiling.shape import AROUND

MARGIN = 8
"""Quadrants around a region, which must not lie beyond the world: room for scaffold, and for looking."""
EDGE = 3
"""Of these, the outermost that are never drawn."""

NEVER, WANTED, SPARE = 0, 1, 2
"""What may be done with a quadrant: never draw it, put it on the map, use it as scaffold."""

Cell = tuple[int, int]


class Field:
    """Which quadrants are finished, which may be drawn and for what, and their neighbourhoods."""

    def __init__(
        self,
        region: Collection[Cell],
        finished: Iterable[Cell],
        reserved: Iterable[Cell] = (),
        failed: Iterable[Cell] = (),
    ) -> None:
        x0, y0, x1, y1 = bounding(region)
        self.left, self.top = x0 - MARGIN, y0 - MARGIN
        self.width, self.height = x1 - x0 + 1 + 2 * MARGIN, y1 - y0 + 1 + 2 * MARGIN
        size = self.width * self.height
        self.finished = bytearray(size)
        self.near = bytearray(size)
        """The neighbourhood of every place: bit n says that its neighbour n is finished."""
        self.use = bytearray(size)
        self.around = tuple(dy * self.width + dx for dx, dy in AROUND)
        inner = bytes([SPARE]) * (self.width - 2 * EDGE)
        for y in range(EDGE, self.height - EDGE):
            self.use[y * self.width + EDGE : (y + 1) * self.width - EDGE] = inner
        for place in self._places((*failed, *reserved)):
            self.use[place] = NEVER
        forbidden = set(self._places(reserved))
        for place in self._places(region):
            if place not in forbidden:
                self.use[place] = WANTED
        for place in self._places(finished):
            self.use[place] = NEVER
            self.finish(place)

    def place(self, cell: Cell) -> int:
        """The place of a quadrant in the field."""
        return (cell[1] - self.top) * self.width + cell[0] - self.left

    def quadrant(self, place: int) -> Quadrant:
        """The quadrant at a place."""
        y, x = divmod(place, self.width)
        return Quadrant(x + self.left, y + self.top)

    def finish(self, place: int) -> None:
        """The quadrant stands."""
        self.finished[place] = 1
        near = self.near
        # Seen from neighbour n, this place is the neighbour opposite: 7 − n.
        bit = 128
        for offset in self.around:
            near[place + offset] |= bit
            bit >>= 1

    def clear(self, place: int) -> None:
        """The quadrant does not stand any more."""
        self.finished[place] = 0
        near = self.near
        bit = 128
        for offset in self.around:
            near[place + offset] &= ~bit
            bit >>= 1

    def bits(self, places: bytearray | bytes) -> int:
        """A set of places as one integer: bit i is set where `places[i]` is 1."""
        return int(places[::-1].translate(_DIGITS).decode(), 2)

    def _places(self, cells: Iterable[Cell]) -> Iterable[int]:
        """The places of those quadrants that lie well in the field."""
        left, top = self.left, self.top
        for x, y in cells:
            if 1 <= x - left < self.width - 1 and 1 <= y - top < self.height - 1:
                yield (y - top) * self.width + x - left


_DIGITS = bytes(48 + (n == 1) for n in range(256))
