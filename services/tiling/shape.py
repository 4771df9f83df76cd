"""The four shapes of an infill, and what the model sees of each in every neighbourhood.

The planner asks thousands of times; each answer comes from `seam.place` and is remembered.
"""

from dataclasses import dataclass, field

from services.tiling.region import rectangle
from services.tiling.seam import Refusal, place
from services.tiling.template import context

Offset = tuple[int, int]
Seen = tuple[Offset, ...]

AROUND: tuple[Offset, ...] = ((-1, -1), (0, -1), (1, -1), (-1, 0), (1, 0), (-1, 1), (0, 1), (1, 1))
"""The neighbours of a quadrant; bit n of its neighbourhood says that neighbour n is finished."""


class Views(dict[int, Seen | None]):
    """What the model sees of the finished quadrants around a shape; None where the shape may not be laid.

    The key joins the neighbourhood of the shape's top left quadrant (low 8 bits) and that of its bottom
    right one (high 8 bits). A corner beside a 2×2 that neither holds never matters to legality.
    """

    def __init__(self, width: int, height: int) -> None:
        super().__init__()
        self._infill = rectangle(0, 0, width - 1, height - 1)
        self._last = (width - 1, height - 1)

    def __missing__(self, key: int) -> Seen | None:
        finished = _decoded(key & 255, (0, 0)) | _decoded(key >> 8, self._last)
        window = place(self._infill, finished)
        seen = None if isinstance(window, Refusal) else tuple(context(window, self._infill))
        self[key] = seen
        return seen


@dataclass(frozen=True)
class Shape:
    """An infill of `width` × `height` quadrants; its place is that of its top left quadrant."""

    width: int
    height: int
    views: Views = field(compare=False, repr=False)

    @property
    def cells(self) -> tuple[Offset, ...]:
        """Its quadrants, row by row, as offsets from its place."""
        return tuple((x, y) for y in range(self.height) for x in range(self.width))

    @property
    def corners(self) -> tuple[tuple[Offset, Offset], ...]:
        """Its corner quadrants, each with the way that points out of the shape there."""
        right, bottom = self.width - 1, self.height - 1
        return tuple(
            ((x, y), (way_x, way_y))
            for x, way_x in ((0, -1), (right, 1))
            for y, way_y in ((0, -1), (bottom, 1))
        )


def _shape(width: int, height: int) -> Shape:
    return Shape(width, height, Views(width, height))


SHAPES = (_shape(2, 2), _shape(2, 1), _shape(1, 2), _shape(1, 1))
"""The largest first."""


def _decoded(bits: int, cell: Offset) -> set[Offset]:
    return {(cell[0] + x, cell[1] + y) for n, (x, y) in enumerate(AROUND) if bits >> n & 1}
