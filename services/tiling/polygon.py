"""Polygons in world pixels, and the quadrants that their area overlaps."""

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from services.tiling import outline
from services.tiling.outline import Corner, Point
from services.tiling.quadrant import SIZE, Quadrant
from services.tiling.region import REGION_LIMIT, BadRegion, Region

PARTS = 1 << 16
"""Points are kept to this part of a world pixel, so that all that follows is done in whole numbers."""
SIDE = SIZE * PARTS
FARTHEST = 1_000_000
"""The quadrant farthest from the origin, in either direction."""
POINT_LIMIT = 100_000
"""Points of the largest polygon, all rings together."""
CROSSING_LIMIT = 12_000_000
"""Rows and columns that the edges may run through, all added up: 10,000 spikes over a large region do."""
TOO_MANY = f"The polygon covers more than {REGION_LIMIT:,} quadrants. Fill it in parts."

SHIFT = 22
LOW = (1 << SHIFT - 1) - 1


def quadrants_of(rings: Sequence[Sequence[tuple[float, float]]]) -> Region:
    """Every quadrant that the polygon's area overlaps; the first ring is the outer one, the others are holes.

    Rings run either way round and may be closed or not. Raises BadRegion.
    """
    cleaned = _cleaned(rings)
    outline.check(cleaned)
    points = [[corner.point for corner in ring] for ring in cleaned]
    _check_extent(points)
    rows = _covered(points)
    return frozenset(Quadrant(x, y) for y, columns in rows.items() for x in columns)


def _cleaned(rings: Sequence[Sequence[tuple[float, float]]]) -> list[list[Corner]]:
    """The rings in whole numbers, without points that repeat the one before."""
    if not rings:
        raise BadRegion("The polygon has no ring.")
    if (points := sum(len(ring) for ring in rings)) > POINT_LIMIT:
        raise BadRegion(f"The polygon has {points:,} points; {POINT_LIMIT:,} is the most. Simplify it.")
    return [_ring(number, ring) for number, ring in enumerate(rings)]


def _ring(number: int, ring: Sequence[tuple[float, float]]) -> list[Corner]:
    corners: list[Corner] = []
    for place, (x, y) in enumerate(ring):
        # Written so that NaN is refused as well.
        if not (abs(x) <= FARTHEST * SIZE and abs(y) <= FARTHEST * SIZE):
            raise BadRegion(
                f"Point {place} of {outline.name(number)} does not lie within ±{FARTHEST:,} quadrants."
            )
        point = (round(x * PARTS), round(y * PARTS))
        if not corners or corners[-1].point != point:
            corners.append(Corner(point, place))
    if len(corners) > 1 and corners[-1].point == corners[0].point:
        corners.pop()
    if len(corners) < 3:
        raise BadRegion(f"{outline.name(number).capitalize()} has fewer than 3 different points.")
    if _flat([corner.point for corner in corners]):
        raise BadRegion(f"{outline.name(number).capitalize()} has no area: its points lie on one line.")
    return corners


def _flat(points: list[Point]) -> bool:
    (ax, ay), (bx, by) = points[:2]
    return all((bx - ax) * (y - ay) == (by - ay) * (x - ax) for x, y in points)


def _check_extent(rings: list[list[Point]]) -> None:
    """Raise BadRegion where the region is too large, as far as that is seen without looking at quadrants."""
    columns = _length(min(x for x, _ in rings[0]), max(x for x, _ in rings[0]))
    rows = _length(min(y for _, y in rings[0]), max(y for _, y in rings[0]))
    area = abs(_twice_area(rings[0])) - sum(abs(_twice_area(ring)) for ring in rings[1:])
    # An area in one piece has a quadrant in every row and in every column between its ends.
    if max(columns, rows, -(-area // (2 * SIDE * SIDE))) > REGION_LIMIT:
        raise BadRegion(TOO_MANY)
    crossed = sum(
        _length(*sorted((ax, bx))) + _length(*sorted((ay, by))) for (ax, ay), (bx, by) in _edges(rings)
    )
    if crossed > CROSSING_LIMIT:
        raise BadRegion("The polygon's outline goes to and fro too often. Simplify it, or fill it in parts.")


def _length(first: int, last: int) -> int:
    """The rows or columns that have more than a border between the two."""
    return -(-last // SIDE) - first // SIDE


def _twice_area(ring: list[Point]) -> int:
    return sum(ax * by - bx * ay for (ax, ay), (bx, by) in _edges([ring]))


def _edges(rings: list[list[Point]]) -> Iterator[tuple[Point, Point]]:
    for ring in rings:
        yield from zip(ring, [*ring[1:], ring[0]], strict=True)


def _covered(rings: list[list[Point]]) -> dict[int, set[int]]:
    """The columns of each row that the area overlaps.

    A quadrant that an edge runs through is one of them; every other one is inside or outside as a whole,
    which the edges to its left tell.
    """
    left = min(x for x, _ in rings[0]) // SIDE
    top = min(y for _, y in rings[0]) // SIDE
    height = -(-max(y for _, y in rings[0]) // SIDE) - top
    notes = [array("q") for _ in range(height)]
    for a, b in _edges([[(x - left * SIDE, y - top * SIDE) for x, y in ring] for ring in rings]):
        _follow(min(a, b), max(a, b), notes)
    rows: dict[int, set[int]] = {}
    quadrants = 0
    for row, noted in enumerate(notes):
        columns = rows[top + row] = _columns(Counter(noted), left)
        quadrants += len(columns)
        if quadrants > REGION_LIMIT:
            raise BadRegion(TOO_MANY)
    return rows


def _follow(a: Point, b: Point, notes: "list[array[int]]") -> None:
    """Note in each row that an edge runs through, from its left end to its right one, in which columns."""
    (ax, ay), (bx, by) = a, b
    if ay == by:
        if ay % SIDE:
            notes[ay // SIDE].append(ax // SIDE << SHIFT | -(-bx // SIDE) << 1)
        return
    ends = sorted((ay, by))
    rows = range(ends[0] // SIDE, -(-ends[1] // SIDE))
    if ay < by:
        height, border = by - ay, (rows[0] + 1) * SIDE - ay
    else:
        rows, height = rows[::-1], ay - by
        border = ay - rows[0] * SIDE
    # Where it comes to the next row, in columns, is whole + rest / below.
    below = SIDE * height
    whole, rest = divmod(ax * height + (bx - ax) * border, below)
    step_whole, step_rest = divmod((bx - ax) * SIDE, below)
    column = ax // SIDE
    for row in rows[:-1]:
        notes[row].append(column << SHIFT | whole + (rest > 0) << 1 | 1)
        column = whole
        whole += step_whole
        rest += step_rest
        if rest >= below:
            whole += 1
            rest -= below
    notes[rows[-1]].append(column << SHIFT | -(-bx // SIDE) << 1 | 1)
    for row in {rows[0], rows[-1]}:
        if not ends[0] <= row * SIDE + SIDE // 2 < ends[1]:
            notes[row][-1] -= 1


def _columns(notes: Mapping[int, int], left: int) -> set[int]:
    """The columns that a row has of the area.

    A note holds the first column that an edge runs through, the one right of the last, and whether the edge
    passes the middle of the row.
    """
    columns: set[int] = set()
    turns: set[int] = set()
    for note, times in notes.items():
        end = note >> 1 & LOW
        columns.update(range(left + (note >> SHIFT), left + end))
        if times % 2 and note & 1:
            turns ^= {end}
    between = sorted(turns)
    for first, end in zip(between[::2], between[1::2], strict=True):
        columns.update(range(left + first, left + end))
    return columns
