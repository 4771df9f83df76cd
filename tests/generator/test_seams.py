"""The offline model knows no seams: a world pixel comes out the same from whichever job."""

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from services.generator.art.cells import vote
from services.generator.art.outline import MARGIN
from services.generator.art.palette import Palette, make
from services.generator.compose import Template, cut
from services.generator.models.adapter import Request
from services.generator.models.pixel_art import (
    PixelArt,
    cells_of,
    colour_counts,
    gather,
    paint,
    slope,
)
from services.generator.rendered import Rendered
from services.model import Model
from services.scene import Camera
from services.tiling.quadrant import HALO, SIZE, Box
from services.tiling.region import grown, touched
from services.tiling.seam import Window
from services.worker import TryFailed
from tests.generator.city import depth_of, draw, layers

CAMERA = Camera()
CELL_SIZES = (1, 2, 4, 8, 16)


@pytest.fixture(scope="module")
def palette() -> bytes:
    here = Rendered((0, 0), layers((0, 0)), ("", "", ""))  # type: ignore[arg-type]
    return make(colour_counts(here, CAMERA)).dump()


async def renders(quadrants: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Rendered]:
    return {
        (x, y): Rendered((x, y), layers((x, y)), (f"{x},{y}", "object", "depth"))  # type: ignore[arg-type]
        for x, y in quadrants
    }


def adapter(cell: int) -> PixelArt:
    model = Model(name="Pixel art", model_id="pixel-art", provider="pixel-art", cell=cell)
    return PixelArt(model, CAMERA, asyncio.Semaphore(2))


async def edit(
    model: PixelArt, palette: bytes | None, infill: Sequence[tuple[int, int]], window: Window
) -> dict[tuple[int, int], NDArray[np.uint8]]:
    """The quadrants that one job makes."""

    async def stored() -> bytes | None:
        return palette

    template = Template(window, frozenset(infill), {}, {})
    request = Request(
        template=template,
        prompt="",
        negative_prompt="",
        deadline=asyncio.get_running_loop().time() + 60,
        renders=renders,
        palette=stored,
        say=lambda _: None,
    )
    picture = await model.edit(request)
    assert not isinstance(picture, bytes)
    return {quadrant: cut(picture, window, quadrant) for quadrant in infill}


@pytest.mark.parametrize("cell", [2, 4])
async def test_infill_window_and_order_leave_no_trace(cell: int, palette: bytes) -> None:
    jobs = [
        ([(-1, -1), (0, -1), (-1, 0), (0, 0)], Window(-SIZE, -SIZE)),
        ([(0, 0)], Window(-SIZE // 2, -SIZE // 2)),
        ([(-1, 0), (0, 0)], Window(-SIZE, -SIZE)),
        ([(-1, -1)], Window(-2 * SIZE, -SIZE)),
        ([(0, -1), (0, 0)], Window(0, -SIZE)),
    ]
    seen: dict[tuple[int, int], NDArray[np.uint8]] = {}
    for order in (jobs, jobs[::-1]):
        model = adapter(cell)
        for infill, window in order:
            for quadrant, pixels in (await edit(model, palette, infill, window)).items():
                assert np.count_nonzero(pixels != seen.setdefault(quadrant, pixels)) == 0
    assert len(seen) == 4


def crop(box: Box, cell: int, palette: Palette) -> NDArray[np.uint8]:
    """Painted from a render of the box and its halo alone, as if nothing else existed."""
    colour, objects, split = draw(grown(box, HALO))
    cells = vote(colour, objects, depth_of(split), cell)
    spare = HALO // cell - MARGIN
    inner = cells.cut(spare, spare, cells.shape[0] - spare, cells.shape[1] - spare)
    return paint(inner, box, cell, slope(CAMERA, cell), palette)


@pytest.mark.parametrize("cell", CELL_SIZES)
def test_overlapping_crops_agree_to_the_last_bit(cell: int, palette: bytes) -> None:
    colours = Palette.load(palette)
    large = crop(Box(-256, -192, 128, 160), cell, colours)
    for left, top, right, bottom in ((-256, -192, 0, 0), (-128, -64, 96, 96), (-32, -16, 32, 16)):
        part = crop(Box(left, top, right, bottom), cell, colours)
        same = large[top + 192 : bottom + 192, left + 256 : right + 256]
        assert np.count_nonzero(part != same) == 0


@pytest.mark.parametrize("cell", [2, 4])
def test_quadrants_put_together_are_the_crop_drawn_at_once(cell: int, palette: bytes) -> None:
    colours = Palette.load(palette)
    box = Box(-SIZE, 0, 0, SIZE)
    wide = grown(box, MARGIN * cell)
    tiles = {
        (x, y): cells_of(Rendered((x, y), layers((x, y)), ()), cell)  # type: ignore[arg-type]
        for x, y in touched(wide)
    }
    whole = paint(gather(wide, cell, tiles), box, cell, slope(CAMERA, cell), colours)
    assert np.array_equal(whole, crop(box, cell, colours))
    blocks = whole.reshape(SIZE // cell, cell, SIZE // cell, cell, 3)
    assert (blocks == blocks[:, :1, :, :1]).all()


async def test_a_map_without_a_palette_is_not_painted() -> None:
    with pytest.raises(TryFailed, match="no palette") as caught:
        await edit(adapter(2), None, [(0, 0)], Window(0, 0))
    assert (caught.value.error_class, caught.value.retry) == ("bug", False)
