"""The template: which world pixels the model sees, and where the infill lies in them."""

from collections.abc import Collection

from services.tiling.quadrant import SIZE, Box
from services.tiling.region import pixels_of, touched
from services.tiling.seam import Window

BORDER = 2
"""Pixels of red border around the infill, drawn just outside of it."""


def infill_box(window: Window, infill: Collection[tuple[int, int]]) -> Box:
    """Where the infill lies in the window, in window pixels."""
    return _within(window, pixels_of(infill))


def quadrant_box(window: Window, quadrant: tuple[int, int]) -> Box:
    """Where one quadrant lies in the window, in window pixels; it may stick out of it."""
    return _within(window, pixels_of([quadrant]))


def context(window: Window, infill: Collection[tuple[int, int]]) -> list[tuple[int, int]]:
    """The finished quadrants that the model sees around the infill, row by row."""
    return [cell for cell in touched(window.box) if cell not in infill]


def _within(window: Window, pixels: Box) -> Box:
    return Box(
        pixels.left - window.x, pixels.top - window.y, pixels.right - window.x, pixels.bottom - window.y
    )


__all__ = ["BORDER", "SIZE", "context", "infill_box", "quadrant_box"]
