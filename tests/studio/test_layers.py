"""Another layer than the map in the studio: asked for, looked at, put back."""

from playwright.async_api import expect

from tests.gateway.painter import colour
from tests.studio.conftest import Desks
from tests.studio.painter import Painter

BLOCK = [(0, 0), (1, 0), (0, 1), (1, 1)]


async def test_what_is_under_way_in_a_layer_shows_in_it_alone(painter: Painter, desk: Desks) -> None:
    one = await desk()
    await one.drag((0, 0), (1, 1))
    await one.act("generate")
    await one.sees_all(BLOCK, "generated")
    await one.pick("night")
    painter.may_paint.clear()
    await one.act("generate")
    await one.sees_all(BLOCK, "processing")
    two = await desk()
    for page in (one, two):
        # The first was told of it by events, the second with the map as it stood.
        await page.page.keyboard.press("Escape")
        if page is one:
            await page.page.keyboard.press("l")
        await page.sees_all(BLOCK, "generated")
    await two.pick("night")
    await two.sees_all(BLOCK, "processing")
    painter.may_paint.set()
    await two.sees_all(BLOCK, "generated")


async def test_a_layer_is_drawn_and_shown_beside_the_map(painter: Painter, desk: Desks) -> None:
    one = await desk()
    await one.drag((0, 0), (1, 1))
    await one.act("generate")
    await one.sees_all(BLOCK, "generated")
    # To choose a model is to look at what it draws, where nothing stands yet.
    await one.pick("night")
    await expect(one.page.locator("[data-layer-button=dark]")).to_have_attribute("aria-pressed", "true")
    await one.sees_all(BLOCK, "rendered")
    await one.act("generate")
    await one.sees_all(BLOCK, "generated")
    await expect(one.page.locator("img[data-tile^='dark/']").first).to_be_visible()
    assert (await one.page.evaluate("location.hash")).endswith("/dark")
    await one.page.keyboard.press("Escape")

    async def seen() -> int:
        return (await one.pixel(0, 0))[2]

    night = await seen()
    await one.page.keyboard.press("l")
    await expect(one.page.locator("img[data-tile^='generation/']").first).to_be_visible()
    await expect(one.page.locator("img[data-tile^='dark/']")).to_have_count(0)
    assert (night, await seen()) == (colour("dark", 0, 0)[2], colour("generation", 0, 0)[2])
