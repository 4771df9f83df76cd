"""The real browser on the real city: pixels depend on their place in the world and on nothing else."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from services import passes
from services.planes import NORMAL_WALL_FIRST, ROOF, WALL, Planes
from services.renderer import leftovers
from services.renderer.frame import Frame
from services.renderer.outbox import Outbox
from services.renderer.renderer import Renderer
from services.scene import Camera
from services.tiling.quadrant import Box, frame_box
from tests.renderer import golden

pytestmark = pytest.mark.asyncio(loop_scope="module")

LAKE = Box(-1_020, 2_590, -956, 2_654)
BRICK_HOUSES = Box(-444, 2_398, -194, 2_588)
"""Three of them, with flat roofs and walls that stand askew to the eye, among lower ones."""


def planes(frame: Frame) -> NDArray[np.uint8]:
    return np.stack([frame.colour, frame.object, frame.depth])


def overlap(frame: Frame, other: Frame) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """What both frames show, of each."""
    a, b = frame.pixels, other.pixels
    left, top = max(a.left, b.left), max(a.top, b.top)
    right, bottom = min(a.right, b.right), min(a.bottom, b.bottom)
    return (
        planes(frame)[:, top - a.top : bottom - a.top, left - a.left : right - a.left],
        planes(other)[:, top - b.top : bottom - b.top, left - b.left : right - b.left],
    )


@pytest.mark.parametrize(("x", "y"), [(512, 0), (-300, 411), (-2_061, -1_537)])
async def test_a_shifted_frame_agrees_to_the_last_bit(scene: Renderer, x: int, y: int) -> None:
    shifted = await scene.draw(1, Box(x, y, x + 1_024, y + 1_024))
    for frame in {(x // 1_024, y // 1_024), ((x + 1_023) // 1_024, (y + 1_023) // 1_024)}:
        mine, theirs = overlap(shifted, await scene.draw(2, frame_box(frame)))
        assert mine.size > 0
        differing = (mine != theirs).any(axis=3).sum(axis=(1, 2))
        assert differing.tolist() == [0, 0, 0]


async def test_a_tree_at_the_border_of_its_chunk_is_drawn_by_who_shows_its_last_pixels(
    scene: Renderer,
) -> None:
    strip = await scene.draw(1, Box(-1_776, -2_230, -1_768, -2_102))
    mine, theirs = overlap(strip, await scene.draw(2, Box(-1_840, -2_230, -1_712, -2_102)))
    assert (mine == theirs).all()


async def test_a_frame_shows_the_city(scene: Renderer) -> None:
    frame = await scene.draw(1, frame_box((0, 0)))
    assert len(np.unique(frame.colour.reshape(-1, 4), axis=0)) > 500
    ids = frame.object[..., 0].astype(int) * 256 + frame.object[..., 1]
    assert len(np.unique(ids)) > 20
    assert (frame.depth[..., 3] == 255).all()
    assert frame.source.startswith("state mvt-fixtures ")


async def test_ground_without_data_is_a_frame_like_any_other(scene: Renderer) -> None:
    left, top, right, bottom = scene.page.info.bounds
    for x, y in ((200_000, 200_000), (-512_000_000, 511_999_488)):
        far = await scene.draw(1, Box(x, y, x + 512, y + 512))
        assert (far.colour[..., 3] == 255).all()
    # The city is a turned rectangle: the corners of the box around it are empty, too.
    for x, y in ((left, top), (right, bottom), (left, bottom), (right, top)):
        corner = Box(int(x) - 256, int(y) - 256, int(x) + 256, int(y) + 256)
        assert (await scene.draw(1, corner)).pixels == corner


async def test_passes_say_what_stands_at_known_places(scene: Renderer) -> None:
    camera = Camera()
    frame = await scene.draw(1, LAKE)
    lake = Planes(frame.pixels, frame.object, frame.depth)
    assert (passes.classes(lake) == passes.Kind.WATER).all()
    assert passes.depth16(lake, camera).max() < passes.DEPTH_STEPS
    assert (passes.normals(lake, camera) == (128, 218, 218)).all()

    frame = await scene.draw(1, BRICK_HOUSES)
    houses = Planes(frame.pixels, frame.object, frame.depth)
    kinds, ids, depth = passes.classes(houses), passes.object_id(houses), passes.depth16(houses, camera)
    assert set(np.unique(kinds).tolist()) >= {passes.Kind.BUILDING, passes.Kind.ROAD, passes.Kind.GREEN}
    material, normal = houses.object[..., 2], houses.object[..., 3]
    wall, roof = (material == WALL) & (normal >= NORMAL_WALL_FIRST), material == ROOF
    # Every wall that is seen faces the eye and down the picture; none looks away.
    facing = passes.normals(houses, camera)[wall].astype(int)
    assert facing[:, 1].max() < 127 < facing[:, 2].min()
    # One row up a wall is 0.293 m / (sin 45° · cos 45°) nearer than the ground behind it; bays stand out.
    above, below = depth[:-1].astype(int), depth[1:].astype(int)
    going_up = (wall[:-1] & wall[1:] & (ids[:-1] == ids[1:]) & (normal[:-1] == normal[1:])).nonzero()
    step = 2 * camera.metres_per_pixel * passes.DEPTH_STEPS
    assert (np.abs((above - below)[going_up] - step) < 1).mean() > 0.99
    # A flat roof lies behind the parapet that its wall ends in, and higher houses have higher ones.
    tops = [
        (int(depth[wall & (ids == one)].max()), int(np.median(depth[roof & (ids == one)])))
        for one in np.unique(ids[wall])
        if min((wall & (ids == one)).sum(), (roof & (ids == one)).sum()) > 400
    ]
    assert len(tops) >= 3
    assert all(20 < top - flat < 120 for top, flat in tops)
    assert sorted(flat for _, flat in tops) == [flat for _, flat in sorted(tops)]


@pytest.mark.parametrize(
    ("name", "x", "y"),
    [("houses", 0, -128), ("lot", -1_830, -420), ("pond", -3_420, -1_930), ("courts", -2_860, -1_780)],
)
async def test_the_golden_places_look_as_they_did(
    scene: Renderer, name: str, x: int, y: int, tmp_path: Path
) -> None:
    await golden.check(scene, name, x, y, tmp_path)


async def test_a_frame_is_the_same_left_in_the_file_or_posted(
    scene: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Box(100, 100, 400, 300)
    count = """() => {
        const send = window.fetch;
        window.posted = 0;
        window.fetch = (...words) => { window.posted += words[1]?.method === "POST"; return send(...words); };
    }"""
    await scene.page.tab.evaluate(count)
    left = await scene.draw(1, here)
    assert await scene.page.tab.evaluate("() => window.posted") == 0
    monkeypatch.setattr(Outbox, "take", lambda _, length: None)
    posted = await scene.draw(1, here)
    assert await scene.page.tab.evaluate("() => window.posted") == 1
    assert (planes(left) == planes(posted)).all()


async def test_a_gpu_process_killed_while_the_city_is_drawn_costs_no_pixel(scene: Renderer) -> None:
    pixels = Box(-512, 0, 512, 1_024)
    before = await scene.draw(1, pixels)
    begun = asyncio.Event()
    drawing = asyncio.create_task(scene.draw(2, pixels, begun.set))
    await begun.wait()
    for process in leftovers.find(scene.browser.folder / "profile"):
        if "--type=gpu-process" in process.cmdline():
            process.kill()
    assert (planes(await drawing) == planes(before)).all()
