"""The main job with nothing standing in for anything: a person, a browser, every process, the real city."""

import asyncio
import io
import json
import urllib.request

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.async_api import async_playwright, expect

from services.passes import Kind
from services.renderer.chromium import programs
from services.scene import PASSES, Pass
from services.tiling.quadrant import SIZE, WINDOW
from services.tiling.region import touched
from services.tiling.seam import Window, place
from tests.generator.fake_oxen import FakeOxen, picture_in
from tests.studio.desk import Desk
from tests.system.conftest import Founder
from tests.system.world import World

BLOCK = [(1, 1), (2, 1), (1, 2), (2, 2)]
STRIP = [(3, 1), (3, 2)]
EDGE = [(4, 1), (4, 2)]
"""With what the model sees around them they lie in six frames."""


async def test_a_person_generates_with_the_second_model_and_the_map_fills_by_itself(
    found: Founder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TILEWRIGHT_TEST_KEY", "CANARY-77aa01")
    async with FakeOxen() as oxen:
        remote = {
            "name": "Remote",
            "model_id": "remote",
            "provider": "oxen",
            "endpoint": oxen.url,
            "api_key": "${TILEWRIGHT_TEST_KEY}",
            "conditioning": {name: f"control_{name}" for name in PASSES},
        }
        world = found(passes=list(PASSES))
        settings = json.loads(world.config.read_text())
        world.config.write_text(json.dumps({**settings, "models": [*settings["models"], remote]}))
        await asyncio.to_thread(world.start)
        await fills(world)
        await asyncio.to_thread(
            world.publish, {"id": "edge", "model_id": "remote", "rectangle": [4, 1, 4, 2]}
        )
        await asyncio.to_thread(world.settled, "edge")
        await asyncio.to_thread(sees_the_passes_of_the_map, world, oxen)
        assert await asyncio.to_thread(world.stop) == 0


def sees_the_passes_of_the_map(world: World, oxen: FakeOxen) -> None:
    """What the remote model was sent is, pixel by pixel, what the map's layers show in its window."""
    window = place(EDGE, [*BLOCK, *STRIP])
    assert isinstance(window, Window)
    (asked,) = oxen.asked
    for name in PASSES:
        shown = np.zeros((WINDOW, WINDOW, 3), np.uint8)
        for x, y in touched(window.box):
            left, top = x * SIZE - window.x, y * SIZE - window.y
            tile = layer(world, name, x, y, "?as=picture")[max(-top, 0) :, max(-left, 0) :]
            there = shown[max(top, 0) : top + SIZE, max(left, 0) : left + SIZE]
            there[:] = tile[: there.shape[0], : there.shape[1]]
        assert np.array_equal(picture_in(asked[f"control_{name}"]), shown), name
    kinds = layer(world, "class", 4, 1)
    assert set(np.unique(kinds).tolist()) >= {Kind.BUILDING, Kind.ROAD, Kind.GREEN}
    assert np.median(layer(world, "depth16", 4, 1)[kinds == Kind.BUILDING]) > 64 * 4


def layer(world: World, name: Pass, x: int, y: int, form: str = "") -> NDArray[np.uint8]:
    with urllib.request.urlopen(f"{world.address}/tiles/{name}/0/{x}/{y}{form}", timeout=20) as answer:
        return np.asarray(Image.open(io.BytesIO(answer.read())))


async def fills(world: World) -> None:
    """A person fills two regions and finds them again."""
    async with async_playwright() as playwright:
        chromium = next(iter(programs(None, playwright.chromium.executable_path)))
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": 1440, "height": 900})
        desk = await Desk(page, world.address).open()
        await page.evaluate("window.loadedOnce = true")
        await desk.drag(BLOCK[0], BLOCK[-1])
        await desk.pick("pixel-art-chunky")
        await desk.act("generate")
        await desk.sees_all(BLOCK, "generated")
        await desk.drag(STRIP[0], STRIP[-1])
        await desk.act("generate")
        await desk.sees_all(STRIP, "generated")
        await expect(page.locator("[data-headline]")).not_to_contain_text("failed")
        pictures = await desk.pictured()
        assert await page.evaluate("window.loadedOnce"), "the page was loaded again"
        before = await desk.states()

        await page.reload()
        await page.wait_for_selector(".studio[data-loaded=true]")
        await desk.sees_all([*BLOCK, *STRIP], "generated")
        assert await desk.states() == before
        assert await desk.pictured() == pictures
        assert await desk.kept() == []
        assert desk.errors == []
        await browser.close()
    jobs = (await asyncio.to_thread(world.get, "/api/queue?kind=generate"))["jobs"]
    assert [(job["model_id"], job["state"]) for job in jobs] == [("pixel-art-chunky", "complete")] * 2
