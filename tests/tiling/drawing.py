"""Maps drawn as text: `G` finished, `S` to be filled, `.` free; the first row is y = 0."""

from services.tiling.quadrant import Quadrant


def cells(drawing: str, letter: str) -> set[Quadrant]:
    """Where a letter stands."""
    rows = [row.split() for row in drawing.strip().splitlines()]
    return {Quadrant(x, y) for y, row in enumerate(rows) for x, found in enumerate(row) if found == letter}
