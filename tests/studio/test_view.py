"""What the studio shows: the place, the connection, small screens, long queues."""

import re
import signal

import pytest
from playwright.async_api import Route, expect

from tests.gateway.house import House, until
from tests.studio.conftest import Desks
from tests.studio.painter import Painter

BLOCK = [(0, 0), (1, 0), (0, 1), (1, 1)]
TOUCH_PX = 44


async def test_the_place_is_in_the_address(desk: Desks) -> None:
    one = await desk("#-3/12/-7")
    await expect(one.page.locator(".percent")).to_have_text("12.5 %")
    await one.page.keyboard.press("+")
    await expect(one.page.locator(".percent")).to_have_text("25 %")
    await one.page.keyboard.press("l")
    await expect(one.page.locator("[data-layer-button=render]")).to_have_attribute("aria-pressed", "true")
    shared = await one.page.evaluate("location.hash")
    assert shared.startswith("#-2/") and shared.endswith("/render")
    other = await desk(shared)
    await expect(other.page.locator(".percent")).to_have_text("25 %")
    await expect(other.page.locator("[data-layer-button=render]")).to_have_attribute("aria-pressed", "true")
    assert await other.page.evaluate("location.hash") == shared
    await other.page.keyboard.press("p")
    await expect(other.page.locator("[data-layer-button=class]")).to_have_attribute("aria-pressed", "true")
    await other.page.keyboard.press("p")
    assert await other.page.evaluate("location.hash") == f"{shared}/depth16"
    await other.page.reload()
    await expect(other.page.locator("[data-layer-button=depth16]")).to_have_attribute("aria-pressed", "true")
    assert await one.kept() == []


async def test_where_nothing_stands_between_far_places_no_error_is_met(
    house: House, painter: Painter, desk: Desks
) -> None:
    await house.post("/api/render", {"quadrants": [[0, 0], [3_000, 0]]})
    one = await desk()
    await expect(one.page.locator(".minimap")).to_contain_text("8 renders")
    missing: list[str] = []
    one.page.on("response", lambda answer: missing.append(answer.url) if answer.status >= 400 else None)
    async with one.page.expect_response(lambda answer: answer.status == 204 and "/tiles/" in answer.url):
        await one.page.reload()
    # What stands is shown, and all that was asked for has been answered.
    await one.page.wait_for_load_state("networkidle")
    # A pass of the renders is shown in their place, and they come back.
    await one.page.keyboard.press("p")
    shown = one.page.locator("img[data-tile^='class/']")
    await expect(shown.first).to_have_attribute("src", re.compile(r"^/tiles/class/\d/.*&as=picture$"))
    await one.page.click("[data-layer-button=render]")
    await expect(shown).to_have_count(0)
    await expect(one.page.locator("img[data-tile^='render/']").first).to_be_visible()
    assert missing == []


async def test_the_keyboard_selects_and_renders(painter: Painter, desk: Desks) -> None:
    one = await desk("#-2/0.5/0.5")
    await one.page.focus(".map")
    await one.page.keyboard.press("Enter")
    await one.page.keyboard.press("Shift+ArrowRight")
    await expect(one.page.locator("[data-selected='2']")).to_be_visible()
    await one.page.keyboard.press("r")
    await one.sees_all([(0, 0), (1, 0), (0, 1), (1, 1)], "rendered")
    await one.page.keyboard.press("Escape")
    await expect(one.page.locator(".action-bar")).to_have_count(0)


@pytest.mark.parametrize("house", [House], indirect=True)
async def test_a_gateway_that_comes_back_finds_the_page_waiting(
    house: House, painter: Painter, desk: Desks
) -> None:
    one = await desk()
    await expect(one.page.locator("[data-health=open]")).to_be_visible()
    painter.may_paint.clear()
    await one.drag((0, 0), (1, 1))
    await one.act("generate")
    await one.sees_all(BLOCK, "processing")
    house.end("gateway", signal.SIGKILL)
    await expect(one.page.locator("[data-banner=lost]")).to_contain_text("No connection since")
    painter.may_paint.set()
    await house.open("gateway")
    await one.sees_all(BLOCK, "generated")
    await expect(one.page.locator("[data-banner]")).to_have_count(0)
    assert await one.pictured()


async def test_a_picture_that_could_not_be_had_is_asked_for_again(painter: Painter, desk: Desks) -> None:
    one = await desk()
    refused: list[str] = []

    async def refuse_twice(route: Route) -> None:
        address = route.request.url
        if refused.count(address) < 2:
            refused.append(address)
            await route.abort()
        else:
            await route.continue_()

    await one.page.route("**/tiles/generation/**", refuse_twice)
    await one.drag((0, 0), (1, 1))
    await one.act("generate")
    await one.sees_all(BLOCK, "generated")
    assert await one.pictured()
    assert refused


@pytest.mark.parametrize("house", [House], indirect=True)
async def test_a_keeper_that_is_away_is_said(house: House, desk: Desks) -> None:
    one = await desk()
    await expect(one.page.locator("[data-health=open]")).to_be_visible()
    house.end("keeper", signal.SIGKILL)
    await expect(one.page.locator("[data-banner=down]")).to_contain_text("The keeper has not answered")
    house.start("keeper")
    await expect(one.page.locator("[data-banner]")).to_have_count(0)


async def test_a_phone_selects_renders_and_reads_the_queue(painter: Painter, desk: Desks) -> None:
    one = await desk("#-2/0.5/0.5", phone=True)
    await one.act("own-plan")
    await one.page.touchscreen.tap(*await one.spot(-1, -1))
    bar = one.page.locator(".action-bar")
    await expect(bar).to_be_visible()
    for button in await bar.locator("button").all():
        box = await button.bounding_box()
        assert box is not None and box["height"] >= TOUCH_PX
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390
    await bar.locator("[data-act=render]").tap()
    await expect(one.page.locator("[data-quadrant][data-selected=true]")).to_have_attribute(
        "data-state", "rendered"
    )
    panel = one.page.locator(".panel")
    await expect(panel).to_have_attribute("data-stop", "1")
    await one.page.locator("[data-act=grip]").click()
    await expect(panel).to_have_attribute("data-stop", "2")
    await expect(one.page.locator("[data-headline]")).to_be_in_viewport()


async def test_ten_thousand_waiting_jobs_are_paged_and_the_map_goes_on(house: House, desk: Desks) -> None:
    # One frame each: jobs by the thousand without plans of thousands of steps.
    frames = [[2 * x, 2 * y] for x in range(58) for y in range(58)]
    for left in (100, 300, 500):
        status, answer = await house.post("/api/render", {"quadrants": [[left + x, y] for x, y in frames]})
        assert status == 202, answer
    status, answer = await house.post("/api/fill", {"rectangle": [0, 0, 9, 9], "name": "District"})
    assert status == 202, answer

    async def all_there() -> bool:
        counts = (await house.get("/api/status"))[1]["counts"]
        return bool(counts["pending"] + counts["blocked"] > 10_000)

    await until(all_there, "more than 10,000 jobs")
    one = await desk()
    rows = one.page.locator("section[aria-label=Waiting] [data-job]")
    await expect(rows).to_have_count(3)
    await one.page.click("[data-act=show-more]")
    await expect(rows).to_have_count(53)
    await one.sees(0, 0, "pending")
    await one.drag((-4, -2), (-3, -1))
    await expect(one.page.locator("[data-selected='4']")).to_be_visible()
    await one.page.keyboard.press("Escape")
    for _ in range(3):
        await one.act("zoom-out")
    await expect(one.page.locator("[data-labels]")).to_have_attribute("data-labels", "too many")
    await one.page.click("[data-open=queue-more]")
    await one.act("ask-clear")
    await one.act("clear-queue")
    await one.headline("0 working, 0 waiting")
    await expect(rows).to_have_count(0)
