"""The main job with nothing standing in for anything: a person, a browser, every process, the real city."""

import asyncio

from playwright.async_api import async_playwright, expect

from services.renderer.chromium import programs
from tests.studio.desk import Desk
from tests.system.conftest import Founder

BLOCK = [(1, 1), (2, 1), (1, 2), (2, 2)]
STRIP = [(3, 1), (3, 2)]
"""With what the model sees around them they lie in six frames."""


async def test_a_person_generates_with_the_second_model_and_the_map_fills_by_itself(found: Founder) -> None:
    world = await asyncio.to_thread(found().start)
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
    assert await asyncio.to_thread(world.stop) == 0
