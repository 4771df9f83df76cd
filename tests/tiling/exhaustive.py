"""The fewest quadrants that any order of steps leaves out, found by trying them all."""

from collections.abc import Collection, Iterator

from services.tiling.field import NEVER, WANTED, Field
from services.tiling.reach import reach
from services.tiling.seam import Window, place
from services.tiling.shape import SHAPES

Cell = tuple[int, int]
ROOM = 2
"""Quadrants around the region in which scaffold is tried."""


class TooMany(Exception):
    """Raised when there are more orders than can be tried."""


class Legal:
    """Whether a step is legal, by what is finished around it."""

    def __init__(self, land: Field, places: list[int]) -> None:
        self._land = land
        self._infill = [land.quadrant(i) for i in places]
        self._known: dict[int, bool] = {}

    def __call__(self, near: int) -> bool:
        if near not in self._known:
            finished = {self._land.quadrant(i) for i in range(near.bit_length()) if near >> i & 1}
            self._known[near] = isinstance(place(self._infill, finished), Window)
        return self._known[near]


def fewest_left_out(
    region: Collection[Cell], finished: Collection[Cell], *, at_most: int, most_maps: int
) -> int:
    """How many quadrants of the region stay empty at best; `at_most` if no order leaves fewer.

    Steps may lay scaffold up to ROOM quadrants from the region. Raises TooMany after `most_maps` maps.
    """
    land = Field(region, finished)
    wanted = sum(1 << i for i, use in enumerate(land.use) if use == WANTED)
    room = {
        land.place((x + i, y + j))
        for x, y in region
        for i in range(-ROOM, ROOM + 1)
        for j in range(-ROOM, ROOM + 1)
    }
    drawable = sum(1 << i for i in room if land.use[i] != NEVER)
    steps = list(_steps(land, drawable))
    best = at_most
    seen: set[int] = set()
    frontier = [land.bits(land.finished)]
    while frontier:
        done = frontier.pop()
        best = min(best, (wanted & ~done).bit_count())
        reached = reach(land.width, done, drawable & ~done, 0)
        if (wanted & ~reached).bit_count() >= best:
            continue
        if len(seen) > most_maps:
            raise TooMany
        for infill, near, views in steps:
            if not infill & done and infill & reached == infill:
                after = done | infill
                if after not in seen and views(done & near):
                    seen.add(after)
                    frontier.append(after)
    return best


def _steps(land: Field, drawable: int) -> Iterator[tuple[int, int, Legal]]:
    for shape in reversed(SHAPES):
        for at in range(len(land.use)):
            places = [at + y * land.width + x for x, y in shape.cells]
            infill = sum(1 << i for i in places)
            if infill & drawable == infill:
                around = {i + offset for i in places for offset in land.around} - set(places)
                yield infill, sum(1 << i for i in around), Legal(land, places)
