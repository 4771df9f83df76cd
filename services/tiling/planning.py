"""Steps that fill a rectangle of free ground: the pattern of period 3, legal in every order."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from services.tiling.quadrant import Quadrant
from services.tiling.region import Region, bounding, check_size, is_rectangle, named, rectangle, ring
from services.tiling.seam import Refusal

ISLAND, STRIP, CROSSING = 1, 2, 3


@dataclass(frozen=True)
class PlannedStep:
    """One model call: what it puts on the map, what it keeps as scaffold, and the steps it waits for."""

    id: str
    quadrants: tuple[Quadrant, ...]
    scaffold: tuple[Quadrant, ...]
    after: tuple[str, ...]
    wave: int
    padding: tuple[Quadrant, ...] = field(default=())

    @property
    def infill(self) -> frozenset[Quadrant]:
        """Everything that the model fills."""
        return frozenset((*self.quadrants, *self.scaffold, *self.padding))


@dataclass(frozen=True)
class Map:
    """What a plan finds: quadrants that are finished, that others have reserved, that failed before.

    Reserved ones (with their halo) are never drawn, not even as scaffold; failed ones only where the region asks for them.
    """

    finished: Collection[tuple[int, int]] = frozenset()
    reserved: Collection[tuple[int, int]] = frozenset()
    failed: Collection[tuple[int, int]] = frozenset()


@dataclass(frozen=True)
class Planning:
    """Steps in a legal order, why each quadrant left out is, and the finished ones that are drawn anew."""

    steps: tuple[PlannedStep, ...]
    left_out: Mapping[Quadrant, str]
    repaired: tuple[Quadrant, ...] = ()


def plan(region: Collection[tuple[int, int]], ground: Map, *, repair: bool = False) -> Planning:
    """The steps that fill a region as far as that is possible without a seam; raises BadRegion."""
    check_size(len(region))
    free = sorted(Quadrant(x, y) for x, y in region if (x, y) not in ground.finished)
    if is_rectangle(free):
        found = fill(*bounding(free), {*ground.finished, *ground.reserved})
        if not isinstance(found, Refusal):
            return Planning(tuple(found), {})
    return Planning((), {cell: "The planner cannot fill this yet." for cell in free})


def calls(width: int, height: int) -> int:
    """Model calls for a free rectangle: seg(w)·seg(h) with seg(n) = 2⌊n/3⌋ + (1 if n mod 3 else 0)."""
    return _segments(width) * _segments(height)


def fill(
    x0: int, y0: int, x1: int, y1: int, occupied: Collection[tuple[int, int]]
) -> list[PlannedStep] | Refusal:
    """The steps that fill every quadrant between the corners, or why this ground is not free.

    2×2 islands touch nothing; strips join them; crossings close the holes. Where an island overhangs
    the rectangle, what lies outside is scaffold. Three waves, however large the rectangle.
    """
    wanted = rectangle(x0, y0, x1, y1)
    left, top, right, bottom = bounding(wanted)
    columns = _spans(left, right)
    rows = _spans(top, bottom)
    drawn = rectangle(columns[0][0], rows[0][0], columns[-1][1], rows[-1][1])
    hindering = sorted(cell for cell in drawn | _against(drawn) if cell in occupied)
    if hindering:
        return Refusal(
            f"Fill needs free ground: {named(hindering)} in or against the rectangle are finished."
        )
    steps: list[PlannedStep] = []
    for wave in (ISLAND, STRIP, CROSSING):
        for j, (row_first, row_last) in enumerate(rows):
            for i, (first, last) in enumerate(columns):
                if 1 + i % 2 + j % 2 != wave:
                    continue
                infill = sorted(rectangle(first, row_first, last, row_last), key=lambda c: (c.y, c.x))
                steps.append(
                    PlannedStep(
                        id=_name(i, j),
                        quadrants=tuple(cell for cell in infill if cell in wanted),
                        scaffold=tuple(cell for cell in infill if cell not in wanted),
                        after=_after(i, j, len(columns), len(rows)),
                        wave=wave,
                    )
                )
    return steps


def _against(region: Region) -> Region:
    """The quadrants around a region that share an edge with it."""
    return frozenset(
        cell
        for cell in ring(region)
        if any((cell.x + i, cell.y + j) in region for i, j in ((-1, 0), (1, 0), (0, -1), (0, 1)))
    )


def _segments(length: int) -> int:
    return 2 * (length // 3) + (1 if length % 3 else 0)


def _spans(first: int, last: int) -> list[tuple[int, int]]:
    """Islands of two and bridges of one by turns; the last island may overhang `last` by one."""
    spans: list[tuple[int, int]] = []
    at = first
    while at <= last:
        width = 2 if len(spans) % 2 == 0 else 1
        spans.append((at, at + width - 1))
        at += width
    return spans


def _name(column: int, row: int) -> str:
    return f"s{column},{row}"


def _after(i: int, j: int, columns: int, rows: int) -> tuple[str, ...]:
    """Every earlier step that finishes a quadrant in the window or against the infill of this one."""
    horizontal = [i - 1, i + 1] if i % 2 else []
    vertical = [j - 1, j + 1] if j % 2 else []
    if i % 2 and j % 2:
        around = [(a, b) for b in (j - 1, j, j + 1) for a in (i - 1, i, i + 1) if (a, b) != (i, j)]
    else:
        around = [(a, j) for a in horizontal] + [(i, b) for b in vertical]
    return tuple(_name(a, b) for a, b in around if 0 <= a < columns and 0 <= b < rows)
