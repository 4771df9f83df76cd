"""The real page on ground that is not level: everything stands on it, and cuts of the same place agree."""

import contextlib
import json
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from numpy.typing import NDArray
from PIL import Image

from services.passes import depth16
from services.planes import TREE, WALL, Planes
from services.renderer.answer import Incomplete
from services.renderer.browser import Browser
from services.renderer.frame import Frame
from services.renderer.page import Page
from services.renderer.scenes import BUILT
from services.renderer.settings import script
from services.renderer.site import Site
from services.renderer.sources.choice import opened
from services.scene import Camera, Scene
from services.tiling.quadrant import Box
from tests.renderer import golden, hills

pytestmark = pytest.mark.asyncio(loop_scope="module")

CORNER = Box(-90, -110, 102, 82)
"""Four districts, and as many blocks, meet here on level ground."""
HOUSES = Box(420, 300, 676, 556)


class Stages:
    """One browser, and a page for each scene."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._page = folder / "scene"
        shutil.copytree(BUILT / "scene", self._page)

    @contextlib.asynccontextmanager
    async def plays(self, beside: Path, **scene: object) -> AsyncIterator[Page]:
        chosen = Scene.model_validate(scene)
        source = opened(chosen, beside, BUILT / "cities", None)
        await source.open()
        site = Site(self._page, source, script(Camera(), chosen))
        await site.open()
        browser = Browser(self._folder / "chromium", None, site.origin)
        try:
            await browser.start()
            page = await Page.open(browser, site)
            # Nothing hangs here, and nobody draws again what was only slow.
            page.vigil.busy_seconds = 60.0
            yield page
        finally:
            await browser.close()
            await site.close()
            await source.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stages() -> AsyncIterator[Stages]:
    folder = Path(tempfile.mkdtemp(prefix="tw-"))
    try:
        yield Stages(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def stacked(frame: Frame) -> NDArray[np.uint8]:
    return np.stack([frame.colour, frame.object, frame.depth])


def over_level(frame: Frame) -> NDArray[np.float64]:
    """Metres of all that is drawn over the map's level."""
    steps = depth16(Planes(frame.pixels, frame.object, frame.depth[..., :3]), Camera())
    return steps / 64 * np.sin(np.radians(45))


async def test_cuts_of_hills_agree_in_whatever_order_they_are_drawn(stages: Stages, tmp_path: Path) -> None:
    place = hills.folder(tmp_path / "dem", hills.tiles())
    terrain = hills.terrain(place, base=-200)
    async with stages.plays(tmp_path, terrain=terrain) as page:
        whole = await page.draw(1, Box(-200, -220, 1100, 260))
        corner = stacked(await page.draw(2, CORNER))
        houses = await page.draw(3, HOUSES)
        rows, columns = slice(110, 302), slice(110, 302)
        assert (stacked(whole)[:, rows, columns] == corner).all()
        await golden_picture(houses, tmp_path)
    # Another page in another browser, which has drawn nothing around them, draws the same.
    async with stages.plays(tmp_path, terrain=terrain) as page:
        assert (stacked(await page.draw(1, HOUSES)) == stacked(houses)).all()
        assert (stacked(await page.draw(2, CORNER)) == corner).all()
    # Finer heights are others; the same ones in the other encoding are not, but for their rounding.
    shutil.rmtree(tmp_path / "dem")
    hills.folder(tmp_path / "dem", hills.tiles(encoding="terrarium"))
    async with stages.plays(tmp_path, terrain={**terrain, "encoding": "terrarium"}) as page:
        again = await page.draw(1, HOUSES)
        assert np.abs(over_level(again) - over_level(houses)).mean() < 0.5
        assert golden.unlike(golden.reduced(again.colour), golden.reduced(houses.colour)) == ""


async def golden_picture(frame: Frame, made: Path) -> None:
    picture = golden.FOLDER / "hills.png"
    now = golden.reduced(frame.colour)
    if golden.KEEP:
        Image.fromarray(now).save(picture, optimize=True)
    before = np.asarray(Image.open(picture).convert("RGB"))
    assert (why := golden.unlike(before, now)) == "", why


async def test_ground_lies_where_its_heights_say_and_a_house_stands_on_it(
    stages: Stages, tmp_path: Path
) -> None:
    place = hills.folder(tmp_path / "dem", hills.tiles(hills.slope))
    dx, dy = 10 / 88_000, 10 / 111_000
    corners = ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))
    ring = [[hills.ORIGIN[1] + x * dx, hills.ORIGIN[0] + y * dy] for x, y in corners]
    house = {
        "type": "Feature",
        "properties": {"height": 4},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    (tmp_path / "mine.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [house]}))
    terrain = hills.terrain(place, base=0)
    # The level of the map lies 100 m under the house, which is therefore drawn so much higher up.
    up = round(100 * np.cos(np.radians(45)) / Camera().metres_per_pixel)
    async with stages.plays(tmp_path, source="geojson", file="mine.geojson", terrain=terrain) as page:
        frame = await page.draw(1, Box(-128, -up - 128, 128, -up + 128))
    height = over_level(frame)
    material = frame.object[..., 2]
    ids = frame.object[..., 0].astype(int) * 256 + frame.object[..., 1]
    built = ids >= 16_384
    assert len(np.unique(ids[built])) == 1
    # Its height and its row say where on the slope a pixel shows it.
    rows, columns = np.mgrid[0:256, 0:256] + 0.5
    right = (columns - 128) * Camera().metres_per_pixel
    away = -(rows - 128 - up) * Camera().metres_per_pixel / np.sin(np.radians(45)) - height
    turn = np.radians(-15)
    east = right * np.cos(turn) + away * np.sin(turn)
    north = -right * np.sin(turn) + away * np.cos(turn)
    ground = ~built & (material != TREE) & (material != 0)
    expected = hills.slope(east, north)
    assert np.abs(height - expected)[ground].max() < 0.6, "the layers of the ground lie close on it"
    # The foot of a wall is at the ground: no ground shows under it, and none is seen through the house.
    feet = 0
    for column in np.nonzero((material == WALL).any(axis=0))[0]:
        foot = np.nonzero(built[:, column])[0].max()
        if material[foot, column] == WALL and ground[foot + 1, column]:
            feet += 1
            assert abs(height[foot, column] - height[foot + 1, column]) < 1.0
    assert feet > 20
    # Its roof clears the upper side, though the house is lower than the ground rises under it.
    roof = height[built].max()
    assert roof > expected[built].max() + 1.5


async def test_a_frame_whose_heights_cannot_be_had_is_not_drawn(stages: Stages, tmp_path: Path) -> None:
    made = hills.tiles()
    some = {tile: content for tile, content in made.items() if tile != min(made)}
    place = hills.folder(tmp_path / "dem", some)
    async with stages.plays(tmp_path, terrain=hills.terrain(place)) as page:
        with pytest.raises(Incomplete, match="height of the ground is not known"):
            await page.draw(1, CORNER)
