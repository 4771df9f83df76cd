"""Sets of quadrants: rectangles, what touches them, what they need rendered."""

from collections.abc import Iterable

from services.tiling.quadrant import HALO, SIZE, Box, Quadrant, frame_of

Region = frozenset[Quadrant]

REGION_LIMIT = 1_000_000
"""Quadrants in the largest region that is planned at once."""
NAMED = 4
"""Quadrants that a sentence names one by one."""


class BadRegion(ValueError):
    """Raised for a region that is empty, too large or no region at all; says why in one sentence."""


def check_size(quadrants: int) -> None:
    """Raise BadRegion if a region of so many quadrants is not planned."""
    if not quadrants:
        raise BadRegion("The region holds no quadrants.")
    if quadrants > REGION_LIMIT:
        raise BadRegion(
            f"The region holds {quadrants:,} quadrants; {REGION_LIMIT:,} is the most. Fill it in parts."
        )


def named(quadrants: Iterable[tuple[int, int]]) -> str:
    """The quadrants as a sentence names them, in order: `3,4, 5,6 and 2 more`."""
    names = [f"{x},{y}" for x, y in sorted(quadrants)]
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")


def rectangle(x0: int, y0: int, x1: int, y1: int) -> Region:
    """All quadrants between two corners, both included, in whichever order the corners are given."""
    left, right = sorted((x0, x1))
    top, bottom = sorted((y0, y1))
    return frozenset(Quadrant(x, y) for y in range(top, bottom + 1) for x in range(left, right + 1))


def bounding(quadrants: Iterable[tuple[int, int]]) -> tuple[int, int, int, int]:
    """The smallest rectangle around the quadrants as (x0, y0, x1, y1), corners included."""
    cells = list(quadrants)
    xs = [x for x, _ in cells]
    ys = [y for _, y in cells]
    return min(xs), min(ys), max(xs), max(ys)


def is_rectangle(quadrants: Iterable[tuple[int, int]]) -> bool:
    """Whether the quadrants are a full rectangle."""
    cells = {Quadrant(x, y) for x, y in quadrants}
    return bool(cells) and cells == rectangle(*bounding(cells))


def ring(quadrants: Iterable[tuple[int, int]]) -> Region:
    """The quadrants around a set, diagonals included, the set itself excluded."""
    cells = {Quadrant(x, y) for x, y in quadrants}
    around = {Quadrant(x + i, y + j) for x, y in cells for i in (-1, 0, 1) for j in (-1, 0, 1)}
    return frozenset(around - cells)


def touched(pixels: Box) -> list[Quadrant]:
    """The quadrants that have a world pixel in the box, row by row."""
    columns = range(pixels.left // SIZE, -(-pixels.right // SIZE))
    rows = range(pixels.top // SIZE, -(-pixels.bottom // SIZE))
    return [Quadrant(x, y) for y in rows for x in columns]


def pixels_of(quadrants: Iterable[tuple[int, int]]) -> Box:
    """The bounding box of the quadrants in world pixels."""
    x0, y0, x1, y1 = bounding(quadrants)
    return Box(x0 * SIZE, y0 * SIZE, (x1 + 1) * SIZE, (y1 + 1) * SIZE)


def grown(pixels: Box, margin: int = HALO) -> Box:
    """The box with `margin` more world pixels on each side."""
    return Box(pixels.left - margin, pixels.top - margin, pixels.right + margin, pixels.bottom + margin)


def needed_renders(infill: Iterable[tuple[int, int]]) -> list[Quadrant]:
    """The quadrants whose renders a generate step needs: its infill and the halo around it."""
    return touched(grown(pixels_of(infill)))


def frames(quadrants: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The canonical frames that draw the quadrants, row by row."""
    return sorted({frame_of(quadrant) for quadrant in quadrants}, key=lambda frame: (frame[1], frame[0]))
