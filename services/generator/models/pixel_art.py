"""The offline model: pixel art by arithmetic on world cells, so that it knows no seams.

What it makes of a world pixel depends on the renders around that pixel, on the pixel's place in the world
and on the map's palette, and on nothing else: not on the infill, the window or the order of the jobs.
"""

import asyncio
import hashlib
import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from services.generator.art.cells import Cells, vote
from services.generator.art.dither import dither
from services.generator.art.grade import grade
from services.generator.art.outline import MARGIN, outline
from services.generator.art.palette import BadPalette, Palette, count
from services.generator.art.ramp import RAMP
from services.generator.models.adapter import Adapter, Picture, Request, Shared
from services.generator.pictures import apart
from services.generator.rendered import Rendered
from services.generator.shelf import Shelf
from services.model import Model
from services.scene import Camera
from services.task import TryFailed
from services.tiling.quadrant import SIZE, WINDOW, Box
from services.tiling.region import grown, touched

PALETTE_CELL = 2
"""The cell at which colours are counted for the palette, whichever models then use it."""


def slope(camera: Camera, cell: int) -> int:
    """By how much, in 1/256 m, one surface changes its depth from one row of cells to the next, at most.

    Downwards level ground comes nearer, upwards a wall does, and more so the more steeply the camera looks.
    Where walls are a quarter of their height on screen they may be inked, so that roofs keep their outlines.
    """
    steepness = math.tan(math.radians(-camera.elevation))
    return round(256 * cell * camera.metres_per_pixel * max(1 / steepness, min(steepness, 4.0)))


def cells_of(rendered: Rendered, cell: int) -> Cells:
    """One quadrant in cells."""
    return vote(rendered.colour, rendered.objects, rendered.depth, cell)


def gather(box: Box, cell: int, tiles: Mapping[tuple[int, int], Cells]) -> Cells:
    """The cells of a box of world pixels, out of those of the quadrants that it touches."""
    side = SIZE // cell
    left, top = box.left // cell, box.top // cell
    right, bottom = box.right // cell, box.bottom // cell
    gathered = Cells.blank(bottom - top, right - left)
    for x, y in touched(box):
        rows = max(top, y * side), min(bottom, (y + 1) * side)
        columns = max(left, x * side), min(right, (x + 1) * side)
        part = tiles[x, y].cut(
            rows[0] - y * side, columns[0] - x * side, rows[1] - y * side, columns[1] - x * side
        )
        gathered.paste(part, rows[0] - top, columns[0] - left)
    return gathered


def paint(cells: Cells, box: Box, cell: int, slope: int, palette: Palette) -> NDArray[np.uint8]:
    """The picture of a box of world pixels from its cells and MARGIN cells more on every side."""
    colour = grade(outline(cells, slope))
    return enlarge(dither(colour, ramps(cells), box.top // cell, box.left // cell, palette), cell)


def ramps(cells: Cells) -> NDArray[np.uint8]:
    """The ramp of all cells but the outermost."""
    inner = cells.tag[MARGIN:-MARGIN, MARGIN:-MARGIN]
    kept: NDArray[np.uint8] = RAMP[(inner >> np.uint32(16)) & np.uint32(0xFF)]
    return kept


def enlarge(picture: NDArray[np.uint8], cell: int) -> NDArray[np.uint8]:
    """Every pixel as a square of `cell` by `cell`."""
    height, width, _ = picture.shape
    wide = np.repeat(picture, cell, axis=1)
    tall = np.broadcast_to(wide[:, None], (height, cell, width * cell, 3))
    return tall.reshape(height * cell, width * cell, 3)


def colour_counts(rendered: Rendered, camera: Camera) -> NDArray[np.int64]:
    """How often each colour occurs in each ramp of a quadrant before it is limited to a palette."""
    cells = cells_of(rendered, PALETTE_CELL)
    shades = grade(outline(cells, slope(camera, PALETTE_CELL)))
    return count(np.clip(shades, 0, 255).astype(np.uint8), ramps(cells))


class PixelArt(Adapter):
    """One model of this kind, i.e. one size of cell. It paints when `turn` lets it."""

    def __init__(self, model: Model, camera: Camera, turn: asyncio.Semaphore) -> None:
        self._turn = turn
        self._cell = model.cell
        self._slope = slope(camera, model.cell)
        self._shelf: Shelf[tuple[str, ...], Cells] = Shelf(64)
        self._palette: tuple[str, Palette] | None = None

    @property
    def source(self) -> str:
        """The cell, and which palette."""
        palette = f", palette {self._palette[0][:12]}" if self._palette else ""
        return f"pixel art, cell {self._cell}{palette}"

    @property
    def parameters(self) -> Mapping[str, object]:
        """The cell, and the palette that was used last."""
        return {"cell": self._cell, **({"palette": self._palette[0]} if self._palette else {})}

    async def edit(self, request: Request) -> Picture:
        """The window with the infill painted and the rest left black: nobody looks there."""
        palette = await self._load(await request.palette())
        world = request.template.world
        renders = await request.renders(touched(grown(world, MARGIN * self._cell)))
        async with self._turn:
            request.say("painting")
            return await apart(self._edit, world, request.template.box, renders, palette)

    def _edit(
        self, world: Box, at: Box, renders: Mapping[tuple[int, int], Rendered], palette: Palette
    ) -> NDArray[np.uint8]:
        tiles = {quadrant: self._cells(rendered) for quadrant, rendered in renders.items()}
        cells = gather(grown(world, MARGIN * self._cell), self._cell, tiles)
        picture = np.zeros((WINDOW, WINDOW, 3), np.uint8)
        picture[at.top : at.bottom, at.left : at.right] = paint(
            cells, world, self._cell, self._slope, palette
        )
        return picture

    def _cells(self, rendered: Rendered) -> Cells:
        return self._shelf.get(rendered.sha256, lambda: cells_of(rendered, self._cell))

    async def _load(self, content: bytes | None) -> Palette:
        """The palette, decoded once for as long as it stays the same."""
        if content is None:
            raise TryFailed("bug", "The map has no palette yet.", retry=False)
        sha256 = hashlib.sha256(content).hexdigest()
        if self._palette is None or self._palette[0] != sha256:
            try:
                self._palette = sha256, await apart(Palette.load, content)
            except BadPalette as error:
                raise TryFailed("bug", f"The map's palette cannot be read. {error}", retry=False) from error
        return self._palette[1]


def adapter(model: Model, shared: Shared) -> Adapter:
    """One size of cell."""
    return PixelArt(model, shared.camera, shared.turn)
