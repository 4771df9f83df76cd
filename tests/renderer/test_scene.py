"""The real browser on the real city: pixels depend on their place in the world and on nothing else."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from services.renderer import leftovers
from services.renderer.frame import Frame
from services.renderer.outbox import Outbox
from services.renderer.renderer import Renderer
from services.tiling.quadrant import Box, frame_box
from tests.renderer import golden

pytestmark = pytest.mark.asyncio(loop_scope="module")


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


async def test_a_frame_shows_the_city(scene: Renderer) -> None:
    frame = await scene.draw(1, frame_box((0, 0)))
    assert len(np.unique(frame.colour.reshape(-1, 4), axis=0)) > 500
    ids = frame.object[..., 0].astype(int) * 256 + frame.object[..., 1]
    assert len(np.unique(ids)) > 20
    assert (frame.depth[..., 3] == 255).all()
    assert frame.source.startswith("state mvt-fixtures ")


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


async def test_ground_without_data_is_a_frame_like_any_other(scene: Renderer) -> None:
    left, top, right, bottom = scene.page.info.bounds
    for x, y in ((200_000, 200_000), (-512_000_000, 511_999_488)):
        far = await scene.draw(1, Box(x, y, x + 512, y + 512))
        assert (far.colour[..., 3] == 255).all()
    # The city is a turned rectangle: the corners of the box around it are empty, too.
    for x, y in ((left, top), (right, bottom), (left, bottom), (right, top)):
        corner = Box(int(x) - 256, int(y) - 256, int(x) + 256, int(y) + 256)
        assert (await scene.draw(1, corner)).pixels == corner


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
