"""The quadrant: the cell of 512×512 world pixels that the map is made of."""

from typing import NamedTuple

SIZE = 512
"""World pixels along one side of a quadrant."""
WINDOW = 2 * SIZE
"""World pixels along one side of the window that a model sees."""
FRAME = 2
"""Quadrants along one side of a canonical render frame."""
HALO = 32
"""World pixels around its infill that a model may need renders of; two cells of the largest cell size."""


class Quadrant(NamedTuple):
    """A cell of the grid: x runs right, y runs down, (0, 0) has world pixel (0, 0) at its top left."""

    x: int
    y: int


class Box(NamedTuple):
    """A rectangle of world pixels, the far edges excluded."""

    left: int
    top: int
    right: int
    bottom: int


def box(quadrant: tuple[int, int]) -> Box:
    """The world pixels of a quadrant."""
    x, y = quadrant
    return Box(x * SIZE, y * SIZE, (x + 1) * SIZE, (y + 1) * SIZE)


def frame_of(quadrant: tuple[int, int]) -> tuple[int, int]:
    """The canonical frame that draws a quadrant, counted in frames from the one at (0, 0)."""
    return quadrant[0] // FRAME, quadrant[1] // FRAME


def frame_box(frame: tuple[int, int]) -> Box:
    """The world pixels of a canonical frame."""
    side = FRAME * SIZE
    return Box(frame[0] * side, frame[1] * side, (frame[0] + 1) * side, (frame[1] + 1) * side)


def frame_quadrants(frame: tuple[int, int]) -> list[Quadrant]:
    """The quadrants cut from a canonical frame, row by row."""
    return [Quadrant(frame[0] * FRAME + x, frame[1] * FRAME + y) for y in range(FRAME) for x in range(FRAME)]
