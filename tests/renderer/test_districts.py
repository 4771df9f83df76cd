"""The real page on several sources: what it draws follows from the place and the source alone."""

import contextlib
import json
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from numpy.typing import NDArray

from services.renderer.browser import Browser
from services.renderer.page import Page
from services.renderer.scenes import BUILT
from services.renderer.settings import script
from services.renderer.site import Site
from services.renderer.sources.choice import opened
from services.renderer.sources.source import Description, Source, SourceFault, Tile
from services.scene import Camera, Scene
from services.tiling.quadrant import Box
from tests.renderer import archives

pytestmark = pytest.mark.asyncio(loop_scope="module")

ASTANA = archives.BUILT.parent / "node_modules" / "@mapbox" / "mvt-fixtures" / "real-world" / "osm-qa-astana"
BORDER = Box(-90, -110, 102, 82)
"""Four districts meet here, at the origin of the ground."""
BESIDE = Box(100, -140, 356, 116)
BROKEN = b"\x1a\x0f\x0a\x04road\x12\x05\x18\x02\x22\x01\x0c\x78\x02"
"""A tile that is whole, with a line that begins with a command that there is not."""
ACROSS = Box(-3640, 470, -3400, 600)
"""The roof of a house that lies in two source tiles."""
PLACES = (BORDER, BESIDE, ACROSS)


class Stage(Source):
    """Gives what the source on it gives, unless a tile was told to fail or to be another."""

    def __init__(self) -> None:
        self.source: Source | None = None
        self.reason = ""
        self.content: bytes | None = None

    def describe(self) -> Description:
        assert self.source is not None
        return self.source.describe()

    async def tile(self, column: int, row: int) -> Tile | None:
        assert self.source is not None
        if self.reason:
            raise SourceFault(f"https://tiles.example/{column}/{row} …", self.reason)
        if self.content is not None:
            return Tile(f"/maps/{column}/{row}.mvt", self.content)
        return await self.source.tile(column, row)


class Theatre:
    """One browser; a page for each source that is put on."""

    def __init__(self, page: Path, folder: Path) -> None:
        self.stage = Stage()
        self._page = page
        self._folder = folder
        self.site = Site(page, self.stage)
        self.browser: Browser | None = None

    async def open(self) -> None:
        await self.site.open()
        self.browser = Browser(self._folder / "chromium", None, self.site.origin)
        await self.browser.start()

    async def close(self) -> None:
        if self.browser is not None:
            await self.browser.close()
        await self.site.close()

    @contextlib.asynccontextmanager
    async def plays(
        self, beside: Path, *, place: tuple[float, float] | None = None, reason: str = "", **scene: object
    ) -> AsyncIterator[Page]:
        """A page that draws a scene whose origin lies at a latitude and longitude, with a reason to fail."""
        chosen = Scene.model_validate(scene)
        self.stage.source = opened(chosen, beside, BUILT / "cities", beside / "kept")
        self.stage.reason, self.stage.content = reason, None
        camera = Camera(latitude=place[0], longitude=place[1]) if place else Camera()
        self.site._settings = script(camera, chosen)
        assert self.browser is not None
        page = await Page.open(self.browser, self.site)
        # Nothing hangs here, and nobody draws again what was only slow.
        page.vigil.busy_seconds = 60.0
        yield page
        await page.close()
        await self.stage.source.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def theatre(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Theatre]:
    page = tmp_path_factory.mktemp("built") / "scene"
    shutil.copytree(BUILT / "scene", page)
    folder = Path(tempfile.mkdtemp(prefix="tw-"))
    made = Theatre(page, folder)
    try:
        await made.open()
        yield made
    finally:
        await made.close()
        shutil.rmtree(folder, ignore_errors=True)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def drawn(theatre: Theatre, tmp_path_factory: pytest.TempPathFactory) -> dict[Box, NDArray[np.uint8]]:
    """The places as a page draws them that is asked for them in their order."""
    async with theatre.plays(tmp_path_factory.mktemp("sample"), source="san-francisco") as page:
        return {place: await planes(page, place) for place in PLACES}


async def planes(page: Page, place: Box) -> NDArray[np.uint8]:
    frame = await page.draw(1, place)
    return np.stack([frame.colour, frame.object, frame.depth])


async def asked(page: Page, place: Box) -> list[dict[str, str]]:
    """What the page says that it could not load for a place; it must not send a frame then."""
    request = {
        "job": "none",
        "x": place.left,
        "y": place.top,
        "width": place.right - place.left,
        "height": place.bottom - place.top,
        "url": "/frames/nobody-waits",
    }
    said: dict[str, Any] = await page.tab.evaluate("request => window.tilewright.draw(request)", request)
    failed: list[dict[str, str]] = said["failed"]
    return failed


async def test_another_order_and_another_form_draw_the_same(
    theatre: Theatre, drawn: dict[Box, NDArray[np.uint8]], tmp_path: Path
) -> None:
    archives.mbtiles(tmp_path / "city.mbtiles", archives.sample_tiles())
    async with theatre.plays(tmp_path, source="vector-tiles", tiles="city.mbtiles", tallest=64) as page:
        for place in reversed(PLACES):
            assert (await planes(page, place) == drawn[place]).all()


async def test_a_house_across_two_source_tiles_is_one(drawn: dict[Box, NDArray[np.uint8]]) -> None:
    _, tag, _ = drawn[ACROSS]
    ids = tag[..., 0].astype(int) * 256 + tag[..., 1]
    west, east = ids[26, 65], ids[84, 122]
    assert west == east >= 16_384


async def test_what_cannot_be_loaded_is_named_and_not_drawn_as_empty_ground(
    theatre: Theatre, drawn: dict[Box, NDArray[np.uint8]], tmp_path: Path
) -> None:
    far = Box(2_000, 1_500, 2_128, 1_628)
    reason = "the server answered with status 503"
    async with theatre.plays(tmp_path, reason=reason, source="san-francisco") as page:
        failed = await asked(page, far)
        assert {failure["reason"] for failure in failed} == {reason}
        assert "https://tiles.example/5239/12667 …" in {failure["address"] for failure in failed}
        theatre.stage.reason, theatre.stage.content = "", BROKEN
        assert "Feature 0 of its layer road is broken" in (await asked(page, far))[0]["reason"]
        theatre.stage.content = None
        # The same page draws it once it can be had, like any other.
        assert (await planes(page, PLACES[0]) == drawn[PLACES[0]]).all()
        # Where the source has nothing, nothing can fail.
        theatre.stage.reason = reason
        bare = await page.draw(1, Box(200_000, 200_000, 200_128, 200_128))
        assert (bare.colour[..., 3] == 255).all()


async def test_a_second_city_with_levels_is_drawn_without_a_change(theatre: Theatre, tmp_path: Path) -> None:
    shutil.copy(ASTANA / "12-2860-1367.mvt", tmp_path)
    scene = {"source": "vector-tiles", "tiles": "{z}-{x}-{y}.mvt"}
    async with theatre.plays(tmp_path, place=(51.186, 71.40), **scene) as page:
        frame = await page.draw(1, Box(0, 0, 256, 256))
        ids = frame.object[..., 0].astype(int) * 256 + frame.object[..., 1]
        assert len(np.unique(ids[ids >= 16_384])) > 2, "houses"


async def test_footprints_stand_where_they_were_measured(theatre: Theatre, tmp_path: Path) -> None:
    # 40 m to each side of the origin, so its front wall falls on these pixels.
    dx, dy = 40 / 88_000, 40 / 111_000
    ring = [[-122.4481 + x * dx, 37.7664 + y * dy] for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))]
    house = {
        "type": "Feature",
        "properties": {"building:levels": 6},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    (tmp_path / "mine.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [house]}))
    async with theatre.plays(tmp_path, source="geojson", file="mine.geojson") as page:
        frame = await page.draw(1, Box(-256, -256, 256, 256))
        ids = frame.object[..., 0].astype(int) * 256 + frame.object[..., 1]
        rows, columns = np.nonzero(ids >= 16_384)
        assert len(np.unique(ids[rows, columns])) == 1
        # 80 m turned by 15 degrees are 98 m across; the roof is six storeys, 46 pixels, above its ground.
        assert abs((columns.max() - columns.min()) * 0.293 - 98) < 3
        assert abs((rows.max() - rows.min()) - (98 * 0.7071 / 0.293 + 50)) < 12
