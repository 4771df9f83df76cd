"""Alignment: by how many pixels a model has moved what it was sent, and how that is undone.

Phase correlation (Kuglin and Hines, 1975) of the surroundings proposes; what the surroundings then look like
decides, since a repainted picture has false peaks.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from services.tiling.quadrant import WINDOW, Box

Grey = NDArray[np.float32]
Shift = tuple[int, int]
"""How far right and down the answer lies of where it belongs."""

REACH = 16
"""A picture that lies farther away is another picture."""
GUARD = 16
"""Pixels next to the infill that are not looked at: there runs the red border, and there models blend."""
PROPOSALS = 4
CLEARLY = 0.01
"""By how much the surroundings must look more alike, from -1 to 1, before a picture is moved."""
AKIN = 0.3
"""What does not look more alike than this in any place is another picture, and stays where it is."""
ROWS = 5
"""Of so many rows one is compared; odd, since pixel art repeats its rows in twos and fours."""


def grey(picture: NDArray[np.uint8]) -> Grey:
    """The brightness of each pixel."""
    wide = picture[..., 1].astype(np.float32)
    wide *= 2
    wide += picture[..., 0]
    wide += picture[..., 2]
    wide *= 0.25
    return wide


def surroundings(infill: Box) -> list[Box]:
    """The window without the infill and what lies next to it, in rectangles that do not overlap."""
    left, top = infill.left - GUARD, infill.top - GUARD
    right, bottom = infill.right + GUARD, infill.bottom + GUARD
    inner, outer = max(top, 0), min(bottom, WINDOW)
    found = (
        Box(0, 0, WINDOW, top),
        Box(0, bottom, WINDOW, WINDOW),
        Box(0, inner, left, outer),
        Box(right, inner, WINDOW, outer),
    )
    return [box for box in found if box.right - box.left > 2 * REACH and box.bottom - box.top > 2 * REACH]


def shift(sent: Grey, came: Grey, infill: Box) -> Shift:
    """How far the answer has moved; (0, 0) unless another shift explains its surroundings clearly better."""
    around = surroundings(infill)
    if not around:
        return 0, 0
    known = {(0, 0): likeness(sent, came, around, (0, 0))}
    for proposed in _proposals(_halved(_only(sent, around)), _halved(_only(came, around))):
        _climb(proposed, known, lambda by: likeness(sent, came, around, by))
    best = max(known, key=lambda by: known[by])
    return best if known[best] > max(AKIN, known[0, 0] + CLEARLY) else (0, 0)


def moved(picture: NDArray[np.uint8], by: Shift) -> NDArray[np.uint8]:
    """The picture put back; what was pushed out of it is made up of what lies next to it, mirrored."""
    if by == (0, 0):
        return picture
    columns, rows = (_mirrored(np.arange(WINDOW) + distance) for distance in by)
    return picture[rows[:, None], columns[None, :]]


def lost(by: Shift, infill: Box) -> int:
    """The pixels by which the infill reaches into what was pushed out of the picture."""
    right, down = by
    return max(
        0,
        -right - infill.left,
        infill.right + right - WINDOW,
        -down - infill.top,
        infill.bottom + down - WINDOW,
    )


def likeness(sent: Grey, came: Grey, around: list[Box], by: Shift) -> float:
    """How the surroundings correlate, from -1 to 1, if the answer has moved so; 0 where all is flat."""
    a, b = (
        np.concatenate([_strip(sent, box, (0, 0)) for box in around]),
        np.concatenate([_strip(came, box, by) for box in around]),
    )
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt(np.dot(a, a) * np.dot(b, b)))
    return float(np.dot(a, b)) / scale if scale > len(a) else 0.0


def _strip(plane: Grey, box: Box, by: Shift) -> Grey:
    """Some of the pixels of a box, so far from the window's edge that every shift stays within it."""
    right, down = by
    top, bottom = max(box.top, REACH) + down, min(box.bottom, WINDOW - REACH) + down
    left, end = max(box.left, REACH) + right, min(box.right, WINDOW - REACH) + right
    return plane[top:bottom:ROWS, left:end].ravel()


def _only(plane: Grey, around: list[Box]) -> Grey:
    """The surroundings around their own mean, nothing elsewhere."""
    kept = np.zeros_like(plane)
    for box in around:
        part = plane[box.top : box.bottom, box.left : box.right]
        kept[box.top : box.bottom, box.left : box.right] = part - part.mean()
    return kept


def _halved(plane: Grey) -> Grey:
    """At half the size: a quarter of the work, and what differs in single pixels counts less."""
    halved: Grey = plane[::2, ::2] + plane[1::2, ::2]
    halved += plane[::2, 1::2]
    halved += plane[1::2, 1::2]
    return halved


def _proposals(sent: Grey, came: Grey) -> list[Shift]:
    """The shifts within reach at which the phases of both agree best, at half the size."""
    product = np.fft.rfft2(came)
    product *= np.conj(np.fft.rfft2(sent))
    # Frequencies that neither picture has would bring nothing but noise.
    size = np.abs(product)
    product /= size + (1e-3 * float(size.mean()) + 1e-9)
    reach = REACH // 2
    near = np.roll(np.fft.irfft2(product, s=sent.shape), (reach, reach), (0, 1))[: REACH + 1, : REACH + 1]
    best = np.argsort(near, axis=None)[: -PROPOSALS - 1 : -1]
    return [
        (2 * (int(place) % (REACH + 1)) - REACH, 2 * (int(place) // (REACH + 1)) - REACH) for place in best
    ]


def _climb(at: Shift, known: dict[Shift, float], alike: Callable[[Shift], float]) -> None:
    """Go from a shift to better ones beside it, as long as there are any."""
    while True:
        near = [
            (at[0] + right, at[1] + down)
            for right, down in ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))
            if abs(at[0] + right) <= REACH and abs(at[1] + down) <= REACH
        ]
        for by in near:
            if by not in known:
                known[by] = alike(by)
        best = max(near, key=lambda by: known[by])
        if best == at:
            return
        at = best


def _mirrored(places: NDArray[np.int64]) -> NDArray[np.int64]:
    inside = np.abs(places)
    return np.where(inside < WINDOW, inside, 2 * (WINDOW - 1) - inside)
