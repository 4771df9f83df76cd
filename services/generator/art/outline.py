"""Outlines from object ids, depths and normals: ink behind what is nearer, light on the edges of roofs.

Nothing here looks at brightness, so shadows never get an outline. A cell sees its four neighbours only.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.generator.art.cells import Cells
from services.generator.art.material import BUILDING, FLAT, GREENERY, KIND
from services.planes import NORMAL_WALL_FIRST, ROOF, TRIM, nearer

MARGIN = 1
"""Cells that are lost on each side: the outermost have no neighbours."""
GAP = 128
"""How much nearer, in 1/256 m, the object next to a cell must be to be outlined: half a metre."""

INK = (0x22, 0x1C, 0x34)
INK_SHARE = 0.70
"""Ink is this much of INK and for the rest the cell's own colour, so that outlines keep their hue."""
LIGHT = (0xFF, 0xF6, 0xDE)
ROOF_EDGE = 0.30

# Strengths towards ink in 1/255.
OUTLINE = round(0.62 * 255)
OUTLINE_TREE = round(0.62 * 0.60 * 255)
FOOT = round(0.62 * 0.56 * 255)
SEAM = round(0.30 * 255)
CREASE = round(0.14 * 255)

Mask = NDArray[np.bool_]


class _Side(NamedTuple):
    """Cells and what the rules ask of them, as seen from one side."""

    whose: NDArray[np.uint32]
    kind: NDArray[np.uint8]
    normal: NDArray[np.uint8]
    depth: NDArray[np.int32]


def outline(cells: Cells, slope: int) -> NDArray[np.float32]:
    """The colours, as three planes, of all cells but the outermost ring.

    `slope` is by how much, in 1/256 m, one surface changes its depth from one row of cells to the next.
    """
    strength, edge = marks(cells, slope)
    ink = _strengths()[strength]
    colour = cells.colour[:, MARGIN:-MARGIN, MARGIN:-MARGIN].astype(np.float32)
    keep = np.float32(1) - ink
    for plane, towards_light, towards_ink in zip(colour, LIGHT, INK, strict=True):
        plane[edge] += (np.float32(towards_light) - plane[edge]) * np.float32(ROOF_EDGE)
        plane *= keep
        plane += ink * np.float32(towards_ink)
    return colour


def marks(cells: Cells, slope: int) -> tuple[NDArray[np.uint8], Mask]:
    """How strongly each cell but the outermost is inked, in 1/255, and which ones are lit as roof edges."""
    material = (cells.tag >> np.uint32(16)).astype(np.uint8)
    whole = _Side(
        whose=cells.tag & np.uint32(0xFFFF),
        kind=KIND[material],
        normal=(cells.tag >> np.uint32(24)).astype(np.uint8),
        depth=cells.depth,
    )
    here = _shift(whole, 0, 0)
    strength = np.zeros(here.kind.shape, np.uint8)
    flat = here.kind == FLAT
    for rows, columns in ((-1, 0), (0, -1), (0, 1), (1, 0)):
        there = _shift(whole, rows, columns)
        differs = here.whose != there.whose
        before = nearer(here.depth, there.depth)
        # Up and down the picture even level ground and walls change their depth; that is no gap.
        allowed = GAP + (slope if rows else 0)
        behind = before > allowed
        stands = there.kind != FLAT
        shade = np.where(there.kind == GREENERY, np.uint8(OUTLINE_TREE), np.uint8(OUTLINE))
        _deepen(strength, differs & behind & stands, shade)
        foot = flat & stands & ~behind & (there.kind != GREENERY)
        _deepen(strength, foot, FOOT)
        _deepen(strength, ~differs & behind & (there.kind == BUILDING), SEAM)
        if rows + columns > 0:
            # A line between equals is drawn once, on its upper or left side.
            level = ~behind & (before >= -allowed)
            both = stands & ~flat & level
            _deepen(strength, differs & both, SEAM)
            folded = (here.normal != there.normal) & (here.kind == BUILDING) & (there.kind == BUILDING)
            _deepen(strength, ~differs & folded & level, CREASE)
    top = material[MARGIN:-MARGIN, MARGIN:-MARGIN]
    below = _shift(whole, 1, 0)
    edge = (
        ((top == ROOF) | (top == TRIM))
        & (here.normal < NORMAL_WALL_FIRST)
        & (below.kind == BUILDING)
        & (below.normal >= NORMAL_WALL_FIRST)
        & (here.whose == below.whose)
    )
    strength[edge & (strength == CREASE)] = 0
    return strength, edge


def _strengths() -> NDArray[np.float32]:
    return (np.arange(256, dtype=np.float32) / np.float32(255)) * np.float32(INK_SHARE)


def _deepen(strength: NDArray[np.uint8], where: Mask, to: NDArray[np.uint8] | int) -> None:
    np.maximum(strength, where * np.asarray(to, np.uint8), out=strength)


def _shift(whole: _Side, rows: int, columns: int) -> _Side:
    """The inner cells' neighbours so many rows down and columns right."""
    height, width = whole.kind.shape
    down = slice(MARGIN + rows, height - MARGIN + rows)
    right = slice(MARGIN + columns, width - MARGIN + columns)
    return _Side(
        whose=whole.whose[down, right],
        kind=whole.kind[down, right],
        normal=whole.normal[down, right],
        depth=whole.depth[down, right],
    )
