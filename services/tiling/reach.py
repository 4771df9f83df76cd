"""The reach of a map: which quadrants any order of steps could fill at best.

Found by leaving out what makes steps hinder each other: a window is taken as soon as everything it
touches may be finished at some time. Whatever lies beyond that reach can never be filled; the rest
may still be out of it, since real steps do hinder each other. Maps are bit sets in one integer.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from services.tiling.field import NEVER, Field
from services.tiling.region import pixels_of, rectangle, touched
from services.tiling.seam import positions
from services.tiling.shape import SHAPES

Offset = tuple[int, int]


@dataclass(frozen=True)
class _Sight:
    """One shape in one window: what must be finished, and past which sides the window does not reach."""

    infill: tuple[Offset, ...]
    context: tuple[Offset, ...]
    unseen: tuple[Offset, ...]


def unreachable(land: Field) -> list[int]:
    """The places that may be drawn but that no order of steps could fill, in order."""
    drawable = land.bits(bytes(use != NEVER for use in land.use))
    lost = drawable & ~reach(land.width, land.bits(land.finished), drawable, _outside(land))
    found = []
    while lost:
        lowest = lost & -lost
        found.append(lowest.bit_length() - 1)
        lost ^= lowest
    return found


def reach(width: int, finished: int, drawable: int, outside: int) -> int:
    """The quadrants that are finished or may ever be.

    Quadrant (x, y) is bit y·width + x. What is `outside` is taken as reachable, since nothing is known of it.
    """
    reached = finished | outside
    open_sights = [(_places(sight, width, finished, drawable), sight) for sight in _SIGHTS]
    while True:
        before = reached
        for places, sight in open_sights:
            for offset in sight.context:
                places &= _shifted(reached, width, offset)
                if not places:
                    break
            for offset in sight.infill:
                reached |= _shifted(places, width, (-offset[0], -offset[1]))
        if reached == before:
            return reached


def _outside(land: Field) -> int:
    """The outermost two columns and rows of a field."""
    width, size = land.width, len(land.use)
    row, column = (1 << 2 * width) - 1, 0b11 | 0b11 << width - 2
    found = row | row << size - 2 * width
    for y in range(land.height):
        found |= column << y * width
    return found


def _places(sight: _Sight, width: int, finished: int, drawable: int) -> int:
    """Where the infill may lie at all: nothing of it drawn yet, nothing finished on a side left unseen."""
    places = drawable
    for offset in sight.infill:
        places &= _shifted(drawable, width, offset)
    for offset in sight.unseen:
        places &= ~_shifted(finished, width, offset)
    return places


def _shifted(bits: int, width: int, offset: Offset) -> int:
    """The set of places from which `offset` leads into the given set."""
    by = offset[1] * width + offset[0]
    return bits >> by if by >= 0 else bits << -by


def _sights() -> Iterator[_Sight]:
    for shape in SHAPES:
        infill = rectangle(0, 0, shape.width - 1, shape.height - 1)
        pixels = pixels_of(infill)
        for window in positions(pixels):
            seen = window.box
            unseen: list[Offset] = []
            if seen.left == pixels.left:
                unseen += [(-1, y) for y in range(shape.height)]
            if seen.right == pixels.right:
                unseen += [(shape.width, y) for y in range(shape.height)]
            if seen.top == pixels.top:
                unseen += [(x, -1) for x in range(shape.width)]
            if seen.bottom == pixels.bottom:
                unseen += [(x, shape.height) for x in range(shape.width)]
            context = tuple((x, y) for x, y in touched(seen) if (x, y) not in infill)
            yield _Sight(tuple(sorted(infill)), context, tuple(unseen))


_SIGHTS = tuple(_sights())
