"""A person chooses among two local models and a remote one, and the map remembers which painted what."""

import asyncio
import json

import pytest
from playwright.async_api import async_playwright, expect

from protocol.message import Layer
from services.renderer.chromium import programs
from tests.generator.city import layers
from tests.provider import FakeProvider
from tests.studio.desk import Desk
from tests.system.conftest import Founder
from tests.system.painter import Painter
from tests.system.world import TREE, World

KEY = "CANARY-2b9d41"
CHOICES = {"pixel-art": (-4, -1), "pixel-art-chunky": (-1, -1), "remote": (1, -1)}
"""Where each model is to paint: two quadrants, one below the other, that touch no others."""


def drawn(layer: Layer, x: int, y: int) -> bytes:
    return layers((x, y))[layer]


async def test_the_dropdown_decides_which_model_paints(
    found: Founder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TILEWRIGHT_TEST_KEY", KEY)
    async with FakeProvider(key=KEY) as provider:
        remote = {
            "name": "Remote",
            "model_id": "remote",
            "provider": "openai",
            "endpoint": provider.endpoint("openai"),
            "api_key": "${TILEWRIGHT_TEST_KEY}",
            "prompt": "ink and wash",
        }
        local = json.loads((TREE / "app_config.json").read_text())["models"][:2]
        world = found(models=[*local, remote], services={"renderer": 0, "generator": 1})
        await asyncio.to_thread(world.start)
        async with Painter(world.data, drawn):
            await chooses(world, provider)
        jobs = (await asyncio.to_thread(world.get, "/api/queue?kind=generate"))["jobs"]
        assert [(job["model_id"], job["state"]) for job in jobs] == [(id, "complete") for id in CHOICES]
        for model_id, (x, y) in CHOICES.items():
            for cell in (f"{x}/{y}", f"{x}/{y + 1}"):
                versions = (await asyncio.to_thread(world.get, f"/api/quadrants/{cell}"))["versions"]
                made = [version for version in versions if version["layer"] == "generation"]
                assert [version["model_id"] for version in made] == [model_id], cell
        assert len(provider.asked()) == 1
        assert await asyncio.to_thread(world.stop) == 0


async def chooses(world: World, provider: FakeProvider) -> None:
    """Generate with one model after the other, and look at what each has made."""
    async with async_playwright() as playwright:
        chromium = next(iter(programs(None, playwright.chromium.executable_path)))
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": 1440, "height": 900})
        desk = await Desk(page, world.address).open()
        provider.open.clear()
        for model_id, (x, y) in CHOICES.items():
            await desk.drag((x, y), (x, y + 1))
            await desk.pick(model_id)
            await desk.act("generate")
            if model_id == "remote":
                # While it is at work, the queue's entry says which model has it.
                await provider.hears(1)
                entry = page.locator("section[aria-label=Working] [data-kind=generate]")
                await expect(entry).to_have_attribute("data-model-id", "remote")
                provider.open.set()
            await desk.sees_all([(x, y), (x, y + 1)], "generated")
        await page.click("[data-tab=quadrant]")
        names = {"pixel-art": "Pixel art", "pixel-art-chunky": "Pixel art, chunky", "remote": "Remote"}
        for model_id, (x, y) in CHOICES.items():
            await desk.drag((x, y), (x, y))
            how = page.locator(f"[data-inspector='{x},{y}']")
            await expect(how.locator("[data-fact=model]")).to_have_text(names[model_id])
        assert desk.errors == []
        await browser.close()
