"""Legality: whether a model call can fill quadrants without leaving a seam, and from which window.

The three conditions: the infill lies in the window and none of it is finished; every other quadrant
that the window touches is finished; and on every side of the infill with a finished quadrant against
it the window reaches past the infill, so that the model sees what it must match.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from services.tiling.quadrant import SIZE, WINDOW, Box, Quadrant
from services.tiling.region import bounding, is_rectangle, named, pixels_of, rectangle, touched

HALF = SIZE // 2


@dataclass(frozen=True)
class Window:
    """A legal position: the top left world pixel of the 1024×1024 px that the model sees."""

    x: int
    y: int

    @property
    def box(self) -> Box:
        """The world pixels of the window."""
        return Box(self.x, self.y, self.x + WINDOW, self.y + WINDOW)


@dataclass(frozen=True)
class Refusal:
    """Why there is no legal position, in one sentence."""

    reason: str


@dataclass(frozen=True)
class Padded:
    """A legal way to fill the quadrants asked for: with padding, if exactly they cannot be filled alone."""

    window: Window
    padding: tuple[Quadrant, ...] = ()


def place(infill: Collection[tuple[int, int]], finished: Collection[tuple[int, int]]) -> Window | Refusal:
    """The legal window that sees most finished pixels, or the sentence that says why there is none.

    `infill` holds everything that the model fills, padding and scaffold included.
    """
    if not infill or not is_rectangle(infill):
        return Refusal("The quadrants are not one full rectangle.")
    x0, y0, x1, y1 = bounding(infill)
    if x1 - x0 > 1 or y1 - y0 > 1:
        return Refusal("A model call fills at most 2 × 2 quadrants.")
    done = [cell for cell in infill if cell in finished]
    if done:
        return Refusal(f"{named(done)} {'is' if len(done) == 1 else 'are'} already finished.")
    sides = _finished_sides(x0, y0, x1, y1, finished)
    best: Window | None = None
    best_context = -1
    for window in positions(pixels_of(infill)):
        if not _reaches_past(window, pixels_of(infill), sides):
            continue
        around = [cell for cell in touched(window.box) if cell not in infill]
        if all(cell in finished for cell in around) and len(around) > best_context:
            best, best_context = window, len(around)
    return best or Refusal(_why_not(infill, finished, sides))


def place_padded(
    quadrants: Collection[tuple[int, int]],
    finished: Collection[tuple[int, int]],
    avoid: Collection[tuple[int, int]] = (),
) -> Padded | Refusal:
    """A legal way to fill these quadrants, with as little padding as possible and none on what to avoid."""
    exact = place(quadrants, finished)
    if isinstance(exact, Window):
        return Padded(exact)
    if not quadrants or not is_rectangle(quadrants):
        return exact
    asked = {Quadrant(x, y) for x, y in quadrants}
    x0, y0, x1, y1 = bounding(asked)
    larger = [
        rectangle(left, top, left + width, top + height)
        for width, height in ((1, 0), (0, 1), (1, 1))
        for top in range(y1 - height, y0 + 1)
        for left in range(x1 - width, x0 + 1)
    ]
    for infill in sorted(larger, key=lambda region: (len(region), sorted(region))):
        if not asked < infill or any(cell in avoid for cell in infill):
            continue
        window = place(infill, finished)
        if isinstance(window, Window):
            return Padded(window, tuple(sorted(infill - asked)))
    return exact


def positions(infill: Box) -> Iterator[Window]:
    # Half a quadrant is the finest step that the rules ever need: a single quadrant between
    # finished ones on opposite sides sits in the middle of its window.
    for y in range(infill.bottom - WINDOW, infill.top + 1, HALF):
        for x in range(infill.right - WINDOW, infill.left + 1, HALF):
            yield Window(x, y)


def _finished_sides(
    x0: int, y0: int, x1: int, y1: int, finished: Collection[tuple[int, int]]
) -> dict[str, bool]:
    return {
        "left": any((x0 - 1, y) in finished for y in range(y0, y1 + 1)),
        "right": any((x1 + 1, y) in finished for y in range(y0, y1 + 1)),
        "top": any((x, y0 - 1) in finished for x in range(x0, x1 + 1)),
        "bottom": any((x, y1 + 1) in finished for x in range(x0, x1 + 1)),
    }


def _reaches_past(window: Window, infill: Box, sides: dict[str, bool]) -> bool:
    seen = window.box
    return (
        (not sides["left"] or seen.left < infill.left)
        and (not sides["right"] or seen.right > infill.right)
        and (not sides["top"] or seen.top < infill.top)
        and (not sides["bottom"] or seen.bottom > infill.bottom)
    )


def _why_not(
    infill: Collection[tuple[int, int]], finished: Collection[tuple[int, int]], sides: dict[str, bool]
) -> str:
    against = [side for side, is_finished in sides.items() if is_finished]
    fewest: list[Quadrant] | None = None
    for window in positions(pixels_of(infill)):
        if _reaches_past(window, pixels_of(infill), sides):
            missing = [c for c in touched(window.box) if c not in infill and c not in finished]
            if fewest is None or len(missing) < len(fewest):
                fewest = missing
    if fewest is None:
        where = " and ".join(against)
        return (
            f"It would leave a seam: finished quadrants lie against its {where}, outside what the model sees."
        )
    return f"It would leave a seam: the model would see {named(fewest)} still empty."
