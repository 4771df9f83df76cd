"""The real browser on small tile sets (3D Tiles): every box where it stands on earth."""

import asyncio
import math
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from services.renderer.renderer import Renderer
from services.renderer.scenes import BUILT
from services.renderer.settings import script
from services.renderer.site import Site
from services.renderer.sources import server as asking
from services.renderer.sources.choice import opened as source_of
from services.renderer.sources.google import GoogleTiles
from services.renderer.sources.quota import Quota
from services.renderer.sources.source import Source
from services.renderer.sources.tileserver import TileSetServer
from services.renderer.sources.tileset import TileSetFolder
from services.scene import Camera, Scene
from services.tiling.camera import View
from services.tiling.quadrant import Box
from services.worker import TryFailed
from tests.renderer import solids, tilesets
from tests.renderer.conftest import opened
from tests.renderer.test_scene import overlap
from tests.renderer.tileservers import KEY, Files, Google

pytestmark = pytest.mark.asyncio(loop_scope="module")

CAMERA = Camera(
    latitude=tilesets.LATITUDE - 0.0006, longitude=tilesets.LONGITUDE + 0.0004, metres_per_pixel=0.5
)
VIEW = View(**CAMERA.model_dump())
RISE = math.cos(math.radians(45)) / 0.5


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def boxes(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Renderer]:
    """A renderer on the tile set in a folder."""
    folder = tmp_path_factory.mktemp("tiles")
    tilesets.written(folder / "boxes", tilesets.files())
    scene = Scene.model_validate({"source": "3d-tiles", "tileset": "boxes", "tallest": 20})
    page = tmp_path_factory.mktemp("built") / "scene"
    shutil.copytree(BUILT / "scene", page)
    source = source_of(scene, folder, BUILT / "cities", None)
    async for renderer in opened(Site(page, source, script(CAMERA, scene))):
        yield renderer


def top_of(column: int, row: int) -> tuple[float, float]:
    """The world pixel of the middle of a box's roof."""
    x, y = VIEW.pixel(*tilesets.place(column, row))
    return x, y - tilesets.height_of(column, row) * RISE


async def test_every_box_stands_where_it_is_on_earth(boxes: Renderer) -> None:
    frame = await boxes.draw(1, Box(-400, -700, 400, 300))
    tops = 0
    for row in range(tilesets.SIDES):
        for column in range(tilesets.SIDES):
            roof = (frame.colour[..., :3] == tilesets.colour_of(column, row)).all(axis=2) & (
                frame.object[..., 3] == 0
            )
            x, y = top_of(column, row)
            rows, columns = np.nonzero(roof)
            assert len(rows) > 0
            assert abs(columns.mean() + 0.5 - 400 - x) < 1
            assert abs(rows.mean() + 0.5 - 700 - y) < 1
            tops += 1
    assert tops == 16


async def test_a_shifted_frame_agrees_to_the_last_bit_in_any_order(boxes: Renderer) -> None:
    cuts = [Box(-300, -300, 100, 100), Box(-180, -411, 220, 23), Box(-60, -120, 340, 150)]
    first = [await boxes.draw(1, cut) for cut in cuts]
    # A new page knows nothing of the tiles that were loaded before.
    assert await boxes.stage.recycle()
    again = await asyncio.gather(*(boxes.draw(2, cut) for cut in reversed(cuts)))
    for a in first:
        for b in again:
            mine, theirs = overlap(a, b)
            assert mine.size > 0
            assert (mine != theirs).any(axis=3).sum() == 0


WEST, EAST = Box(-270, -160, -150, -50), Box(100, -250, 260, -50)
"""Around leaf 0-1, and leaves in another block, where it casts no shadow."""
LEAF = "leaves/0-1.glb"


async def turned_to(boxes: Renderer, source: Source) -> None:
    """Let a new page draw another source, which it need not draw as the one before."""
    boxes.stage.site._source = source
    boxes.stage._last = None
    assert await boxes.stage.recycle()


async def test_a_server_is_drawn_like_a_folder_and_what_it_lacks_is_named(
    boxes: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "TIMEOUT_SECONDS", 4.0)
    west, east = await boxes.draw(1, WEST), await boxes.draw(1, EAST)
    server = Files(tilesets.files())
    await server.web.start_server()
    source = TileSetServer(f"{server.origin}/tileset.json", None, attribution="")
    faults = {
        "missing": r"\(the server answered with status 404\)",
        "broken": r"\(the server answered with status 500\)",
        "corrupt": r"\(it cannot be read: .*\)",
        "stalls": r"\(no answer within 4 s\)",
    }
    replaced = boxes.stage.replaced
    for fault, reason in faults.items():
        server.faults[LEAF] = fault
        await turned_to(boxes, source)
        with pytest.raises(
            TryFailed, match=rf"not complete here: could not load .*leaves/0-1\.glb.*{reason}"
        ):
            await boxes.draw(2, WEST)
        # Others go on, and it is asked for again.
        assert (await boxes.draw(3, EAST)).differing(east) == 0
        server.faults[LEAF] = "late"
        server.late_seconds = 0.3
        assert (await boxes.draw(4, WEST)).differing(west) == 0
    assert boxes.stage.replaced == replaced
    await source.close()
    await server.web.close()


async def test_google_is_drawn_with_neither_key_nor_session_in_the_page(boxes: Renderer) -> None:
    server = Google(tilesets.files())
    await server.web.start_server()
    source = GoogleTiles(KEY, server.origin, Quota(None, 1), None)
    await turned_to(boxes, source)
    frame = await boxes.draw(5, WEST)
    assert (frame.colour[..., :3] == tilesets.colour_of(0, 1)).all(axis=2).sum() > 400
    asked = await boxes.page.tab.evaluate(
        "() => performance.getEntriesByType('resource').map(({name}) => name)"
    )
    assert any("leaves/0-1.glb" in name for name in asked)
    assert not any(KEY in name or "session" in name for name in asked)
    assert server.sessions == ["S0"]
    assert sorted(boxes.stage.site.thanks.split(", ")) == ["Another", "Google", "Somebody"]
    await source.close()
    await server.web.close()


@pytest.mark.parametrize("draco", [False, True])
async def test_pictures_keep_their_colours_also_where_shapes_are_packed(
    boxes: Renderer, tmp_path: Path, draco: bool
) -> None:
    colours = [(250, 10, 20), (30, 240, 40), (50, 60, 230), (255, 200, 90)]
    made = tilesets.alone(tilesets.poster(colours, draco=draco))
    await turned_to(boxes, TileSetFolder(tilesets.written(tmp_path, made), attribution=""))
    x, y = VIEW.pixel(tilesets.LATITUDE, tilesets.LONGITUDE)
    frame = await boxes.draw(7, Box(int(x) - 100, int(y) - 100, int(x) + 100, int(y) + 100))
    for (east, north), colour in zip([(-10, 10), (10, 10), (-10, -10), (10, -10)], colours, strict=True):
        dx, dy = VIEW.project(east, north)
        assert tuple(frame.colour[int(100 + dy), int(100 + dx), :3]) == colour


async def test_what_cannot_be_read_is_said(boxes: Renderer, tmp_path: Path) -> None:
    needs = {"extensionsUsed": ["KHR_texture_basisu"], "extensionsRequired": ["KHR_texture_basisu"]}
    textures = {
        "textures": [{"extensions": {"KHR_texture_basisu": {"source": 0}}}],
        "images": [{"uri": "a.ktx2"}],
        "materials": [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}],
    }
    made = tilesets.alone(tilesets.glb([((-5, -5, 0), (5, 5, 5), (9, 9, 9))], **needs, **textures))
    await turned_to(boxes, TileSetFolder(tilesets.written(tmp_path, made), attribution=""))
    with pytest.raises(TryFailed, match=r"one\.glb \(its textures are in KTX2"):
        await boxes.draw(8, WEST)


async def test_cityjson_is_drawn_as_walls_and_roofs_of_whole_buildings(
    boxes: Renderer, tmp_path: Path
) -> None:
    spots = [tilesets.place(0, 1), tilesets.place(1, 1)]
    solids.written(
        tmp_path / "houses.json", [solids.house(f"h{i}", *at, 412.0) for i, at in enumerate(spots)]
    )
    scene = Scene.model_validate({"source": "cityjson", "file": "houses.json", "ground": 412, "tallest": 20})
    boxes.stage.site._settings = script(CAMERA, scene)
    await turned_to(boxes, source_of(scene, tmp_path, tmp_path, None))
    frame = await boxes.draw(6, Box(-300, -200, 0, 0))
    ids = frame.object[..., 0].astype(int) * 256 + frame.object[..., 1]
    numbers = set()
    for place in spots:
        x, y = VIEW.pixel(*place)
        column, row = int(x) + 300, int(y - solids.TALL * RISE) + 200
        roof = (ids == ids[row, column]) & (frame.object[..., 2] == 2)
        rows, columns = np.nonzero(roof)
        assert abs(columns.mean() + 0.5 - 300 - x) < 1
        assert abs(rows.mean() + 0.5 - 200 - (y - solids.TALL * RISE)) < 1
        assert set(np.unique(frame.object[ids == ids[row, column]][:, 2])) == {1, 2}
        numbers.add(int(ids[row, column]))
    assert len(numbers) == 2
    # The sun comes from the left: paper beside a wall that it does not reach lies in shadow.
    paper = frame.colour[frame.object[..., 2] == 0][:, :3]
    assert len(np.unique(paper, axis=0)) == 2
