"""Drift: how much of what surrounds the infill a model has changed, which it was to leave as it was."""

import numpy as np
from numpy.typing import NDArray

from services.generator.alignment import Grey, Shift
from services.tiling.quadrant import WINDOW, Box

BLOCK = 32
GRAIN = 4
"""Grain is not content: what is compared are means over so many pixels squared."""
LEVELS = 14.0
"""By how much, in levels of brightness, the middle of a kept block may differ."""
ALIKE = 0.5
"""How far, from -1 to 1, the pattern of a kept block correlates, where its levels differ by more."""
UNTOUCHED = 1.0
"""Levels that an answer may differ by on average to count as sent back as it was."""
SIDE = WINDOW // BLOCK
CELLS = BLOCK // GRAIN


def untouched(sent: NDArray[np.uint8], came: NDArray[np.uint8], around: list[Box]) -> bool:
    """Whether the surroundings are those that were sent, looked at here and there, at next to no cost."""
    for left, top, right, bottom in around:
        a, b = sent[top:bottom:7, left:right], came[top:bottom:7, left:right]
        # The difference of unsigned numbers, without making them larger ones first.
        if float((np.maximum(a, b) - np.minimum(a, b)).mean()) > UNTOUCHED:
            return False
    return True


def changed(sent: Grey, came: Grey, infill: Box, by: Shift) -> float:
    """The share of the blocks around the infill that show something else, in an answer that was put back.

    Colours may shift, edges may blur, grain may come and go: a block is kept if its pattern is.
    """
    looked_at = _outside(infill, by)
    if not looked_at.any():
        return 0.0
    a, b = _cells(sent)[looked_at], _cells(came)[looked_at]
    # As it is or in the same tone: where much was painted anew the tone of the whole says little.
    level = np.minimum(np.abs(a - b).mean(axis=1), np.abs(a - _in_tone_of(a, b)).mean(axis=1))
    a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
    pattern = (a * b).sum(axis=1) / np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1) + 1e-6)
    return float(np.mean((level > LEVELS) & (pattern < ALIKE)))


def _cells(plane: Grey) -> NDArray[np.float32]:
    """The grain's means of each block: a row of them for every block, by row and column of blocks."""
    means: NDArray[np.float32] = plane.reshape(WINDOW // GRAIN, GRAIN, WINDOW // GRAIN, GRAIN).mean(
        axis=(1, 3), dtype=np.float32
    )
    return means.reshape(SIDE, CELLS, SIDE, CELLS).swapaxes(1, 2).reshape(SIDE, SIDE, CELLS * CELLS)


def _in_tone_of(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """`b` as bright and with as much contrast, on the whole, as `a`; not more than double or half of it."""
    contrast = float(np.clip(a.std() / max(float(b.std()), 1e-3), 0.5, 2.0))
    toned: NDArray[np.float32] = (b - b.mean()) * np.float32(contrast) + a.mean()
    return toned


def _outside(infill: Box, by: Shift) -> NDArray[np.bool_]:
    """The blocks that lie neither in the infill, nor against it, nor in what was pushed out of sight."""
    blocks = np.ones((SIDE, SIDE), bool)
    left, top, right, bottom = (edge // BLOCK for edge in infill)
    blocks[max(top - 1, 0) : bottom + 1, max(left - 1, 0) : right + 1] = False
    for distance, lines in zip(by, (blocks.T, blocks), strict=True):
        if distance:
            lines[-1 if distance > 0 else 0] = False
    return blocks
