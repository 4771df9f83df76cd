"""Repair: which finished quadrants to draw anew, so that the ones left out beside them can be filled."""

from collections.abc import Callable, Collection, Iterator

from services.tiling.field import Field
from services.tiling.growth import Growth
from services.tiling.quadrant import Quadrant
from services.tiling.reach import unreachable
from services.tiling.region import ring

Cell = tuple[int, int]
Grow = Callable[[set[Quadrant], set[Quadrant]], Growth]
"""Grows a part of a region, given what is finished."""

ROUNDS = 12
NEARBY = 3
"""Quadrants around a gap that are looked at to judge what is in its way."""
THOROUGH = 12
"""Up to so many openings each is tried without, so that nothing is drawn anew in vain."""


def repaired(
    part: set[Quadrant], finished: Collection[Cell], closed: Collection[Cell], grow: Grow
) -> tuple[Growth, set[Quadrant]]:
    """The growth that leaves least of a part out, and the finished quadrants that it draws anew.

    `closed` are the quadrants that must not be drawn; only finished ones beside a gap are ever opened.
    """
    stands = {Quadrant(x, y) for x, y in finished}
    opened: set[Quadrant] = set()
    kept = {Quadrant(x, y) for x, y in closed}
    growth = best = grow(part, stands)
    best_opened: set[Quadrant] = set()
    for _ in range(ROUNDS):
        gaps = {growth.field.quadrant(i) for i in growth.left_out} - kept
        if stuck := gaps & opened:
            # It could not be drawn anew either: it stays as it is, and is not opened again.
            kept |= stuck
            opened -= stuck
            growth = grow(part | opened, stands - opened)
            continue
        if len(growth.left_out) < len(best.left_out):
            best, best_opened = growth, set(opened)
        more = {
            cell for gap in _gaps(gaps) for cell in _in_the_way(gap, part | opened, stands - opened, kept)
        }
        if not more:
            break
        opened |= more
        growth = grow(part | opened, stands - opened)
    return _thrifty(part, stands, best, best_opened, grow)


def _thrifty(
    part: set[Quadrant], finished: set[Quadrant], best: Growth, opened: set[Quadrant], grow: Grow
) -> tuple[Growth, set[Quadrant]]:
    """The same with as few opened as can be told in reasonable time."""
    if len(opened) <= THOROUGH:
        for cell in sorted(opened):
            fewer = opened - {cell}
            growth = grow(part | fewer, finished - fewer)
            if len(growth.left_out) <= len(best.left_out):
                best, opened = growth, fewer
    return best, opened


def _in_the_way(
    gap: set[Quadrant], part: set[Quadrant], finished: set[Quadrant], kept: set[Quadrant]
) -> set[Quadrant]:
    """The finished quadrant beside a gap without which most of it is in reach; all of them if none helps."""
    candidates = sorted((ring(gap) & finished) - kept)
    if not candidates:
        return set()

    around = {(x + i, y + j) for x, y in gap for i in _NEAR for j in _NEAR}

    def lost(*opened: Quadrant) -> int:
        wanted = gap.union(opened)
        land = Field(wanted | (part & around), finished.difference(opened), kept)
        return len({land.place(cell) for cell in wanted}.intersection(unreachable(land)))

    best = min(candidates, key=lost)
    return {best} if lost(best) < lost() else set(candidates)


def _gaps(cells: set[Quadrant]) -> Iterator[set[Quadrant]]:
    """The cells in groups that touch, at an edge or a corner."""
    left = set(cells)
    while left:
        frontier = [min(left)]
        gap: set[Quadrant] = set()
        while frontier:
            cell = frontier.pop()
            if cell in left:
                left.remove(cell)
                gap.add(cell)
                frontier += ring([cell]) & left
        yield gap


_NEAR = range(-NEARBY, NEARBY + 1)
