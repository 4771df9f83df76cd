"""The real browser with other cameras: the map lies where View says, and cuts agree all the same."""

import math
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from services.renderer.passes import Kind, classes, depth16
from services.renderer.renderer import Renderer
from services.renderer.settings import script
from services.renderer.site import Site
from services.scene import Camera, Scene
from services.tiling.camera import View
from services.tiling.quadrant import Box
from tests.renderer import golden
from tests.renderer.conftest import BUILT, CITY, opened
from tests.renderer.test_scene import overlap

pytestmark = pytest.mark.asyncio(loop_scope="module")

CAMERAS = [
    # Flat, from the south-east, finer; its origin is not the sample city's own.
    Camera(latitude=37.77, longitude=-122.45, azimuth=-50.0, elevation=-25.0, metres_per_pixel=0.2),
    Camera(azimuth=200.0, elevation=-90.0, metres_per_pixel=0.5),
]
CORNER = math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * 12_668 / 2**15)))), 5_240 / 2**15 * 360 - 180
"""The south-east corner of the sample city's data, which is that of its tile 15-5239-12667."""
NOTHING = 0
GARDEN = (16, 21, 24)
"""Materials of the ground: soil and patios, lawns, fences."""


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=CAMERAS, ids=["flat", "above"])
async def scene(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Renderer, Camera]]:
    site = Site(BUILT / "scene", CITY, script(request.param, Scene()))
    async for renderer in opened(site):
        yield renderer, request.param


async def test_cuts_of_the_same_pixels_agree_to_the_last_bit(scene: tuple[Renderer, Camera]) -> None:
    renderer, _ = scene
    frames = [
        await renderer.draw(1, Box(x, y, x + 300, y + 260))
        for x, y in ((400, -130), (300, -260), (511, -1), (420, -40))
    ]
    for index, frame in enumerate(frames):
        for other in frames[:index]:
            mine, theirs = overlap(frame, other)
            assert mine.size > 0
            assert (mine != theirs).any(axis=3).sum(axis=(1, 2)).tolist() == [0, 0, 0]


async def test_the_golden_place_looks_as_it_did(scene: tuple[Renderer, Camera], tmp_path: Path) -> None:
    renderer, camera = scene
    await golden.check(renderer, "flat" if camera is CAMERAS[0] else "above", 420, -200, tmp_path)


async def test_the_map_lies_where_the_camera_says(scene: tuple[Renderer, Camera]) -> None:
    renderer, camera = scene
    view = View(**camera.model_dump())
    x, y = (round(value) for value in view.pixel(*CORNER))
    frame = await renderer.draw(1, Box(x - 40, y - 40, x + 40, y + 40))
    places = [
        [view.place(column + 0.5, row + 0.5) for column in range(x - 40, x + 40)]
        for row in range(y - 40, y + 40)
    ]
    north, west = np.moveaxis(np.array(places), -1, 0)
    land = (north > CORNER[0]) & (west < CORNER[1])
    material = frame.object[..., 2]
    # Trees and eaves may hang over the edge; the ground itself ends in the very pixel.
    assert not land[material == NOTHING].any()
    assert land[np.isin(material, GARDEN)].all()
    assert min((material == NOTHING).sum(), np.isin(material, GARDEN).sum()) > 500


async def test_depth_is_metres_along_the_look(scene: tuple[Renderer, Camera]) -> None:
    renderer, camera = scene
    frame = await renderer.draw(1, Box(0, 0, 200, 200))
    high, middle, low = np.moveaxis(frame.depth[..., :3].astype(int), -1, 0)
    metres = (high * 65_536 + middle * 256 + low) / 256 - 16_384
    down = math.radians(-camera.elevation)
    rows = -(np.arange(200) + 0.5)[:, None] * camera.metres_per_pixel
    nearer = (rows / math.tan(down) - metres) * math.sin(down)
    flat = (frame.object[..., 2] >= 16) & (frame.object[..., 2] < 32)
    assert flat.sum() > 2_000
    # Streets and their markings lie up to a quarter of a metre above the ground.
    assert -0.01 < nearer[flat].min() < 0.02
    assert nearer[flat].max() < 0.26
    assert 3 < nearer.max() < 60
    # The pass says the same, counted along the look.
    along = depth16(frame, camera) / 64 * math.sin(down)
    assert np.abs(along - nearer.clip(min=0)).max() < 0.02
    kinds = classes(frame)
    assert {Kind.BUILDING, Kind.ROAD, Kind.GREEN} <= {Kind(kind) for kind in np.unique(kinds)}
