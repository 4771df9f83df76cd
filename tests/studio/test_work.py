"""The main job at the studio: select, choose a model, generate, watch it arrive."""

from playwright.async_api import expect

from tests.gateway.house import House
from tests.studio.conftest import Desks
from tests.studio.painter import Painter

BLOCK = [(0, 0), (1, 0), (0, 1), (1, 1)]


async def test_a_selection_is_generated_with_the_second_model_and_arrives_by_event(
    house: House, painter: Painter, desk: Desks
) -> None:
    one = await desk()
    await one.page.evaluate("window.loadedOnce = true")
    painter.may_paint.clear()
    await one.drag((0, 0), (1, 1))
    await expect(one.page.locator("[data-selected='4']")).to_be_visible()
    await one.pick("chunky")
    await one.page.click("[data-open=prompt]")
    await one.page.fill("[data-field=prompt]", "at dusk")
    await one.page.keyboard.press("Escape")
    await one.act("generate")
    # On its way from the waiting to the working it may stand in both lists for a moment.
    row = one.page.locator("[data-kind=generate][data-job]").first
    await expect(row).to_have_attribute("data-model-id", "chunky")
    await one.sees_all(BLOCK, "processing")
    await one.headline("1 working, 0 waiting")

    painter.may_paint.set()
    await one.sees_all(BLOCK, "generated")
    pictures = await one.pictured()
    assert pictures
    assert await one.page.evaluate("window.loadedOnce"), "the page was loaded again"

    _, queue, _ = await house.get("/api/queue?kind=generate")
    assert [(job["model_id"], job["prompt"], job["state"]) for job in queue["jobs"]] == [
        ("chunky", "at dusk", "complete")
    ]

    before = await one.states()
    await one.page.reload()
    await one.page.wait_for_selector(".studio[data-loaded=true]")
    await one.sees_all(BLOCK, "generated")
    assert await one.states() == before
    assert await one.pictured() == pictures
    assert await one.page.locator("[data-chosen-model]").get_attribute("data-chosen-model") == "pixel-art"
    assert await one.kept() == []


async def test_two_pages_show_the_same_truth(painter: Painter, desk: Desks) -> None:
    one, other = await desk(), await desk()
    painter.may_paint.clear()
    await one.drag((0, 0), (1, 1))
    await one.act("generate")
    await other.sees_all(BLOCK, "processing")
    await one.sees_all(BLOCK, "processing")
    await other.headline("1 working")
    painter.may_paint.set()
    await other.sees_all(BLOCK, "generated")
    await one.sees_all(BLOCK, "generated")
    await one.page.keyboard.press("Escape")
    assert await one.states() == await other.states()
    assert await one.pictured() == await other.pictured()


async def test_a_seam_is_refused_with_its_reason(painter: Painter, desk: Desks) -> None:
    one = await desk()
    await one.drag((0, 0), (1, 1))
    await one.act("generate")
    await one.sees_all(BLOCK, "generated")
    await one.drag((2, 0), (3, 1))
    await one.act("generate")
    word = one.page.locator("[data-say=refused]")
    await expect(word).to_contain_text("Generate would leave a seam.")
    await expect(word).to_contain_text("Finished quadrants lie against its left")
    await one.drag((-4, 0), (-1, 1))
    await expect(one.page.locator("[data-act=generate]")).to_have_attribute("aria-disabled", "true")
    await expect(word).to_contain_text("at most 2 × 2")


async def test_a_failure_says_why_and_can_be_tried_again(painter: Painter, desk: Desks) -> None:
    one = await desk()
    painter.failures.append("Picture came back 1000 × 1024.")
    await one.drag((0, 0), (1, 1))
    await one.act("generate")
    await one.sees_all(BLOCK, "failed")
    row = one.page.locator("[data-job][data-state=error]")
    await expect(row).to_contain_text("Picture came back 1000 × 1024.")
    await one.page.mouse.move(*await one.spot(0, 0))
    await expect(one.page.locator("[role=tooltip]")).to_contain_text("Picture came back 1000 × 1024.")
    await row.locator("[data-act=retry]").click()
    await one.sees_all(BLOCK, "generated")
    await expect(row).to_have_count(0)


async def test_work_in_progress_can_be_called_off(house: House, painter: Painter, desk: Desks) -> None:
    one = await desk()
    painter.may_paint.clear()
    await one.drag((0, 0), (1, 1))
    await one.act("generate")
    await one.sees_all(BLOCK, "processing")
    await one.page.click("[data-kind=generate] [data-act=cancel]")
    await one.sees_all(BLOCK, "rendered")
    await one.headline("0 working, 0 waiting")
    painter.may_paint.set()
    _, queue, _ = await house.get("/api/queue?kind=generate")
    assert [job["state"] for job in queue["jobs"]] == ["cancelled"]


async def test_fill_shows_its_order_before_it_is_asked_for(
    house: House, painter: Painter, desk: Desks
) -> None:
    one = await desk()
    await one.drag((-3, -2), (0, 1))
    await one.act("fill")
    await expect(one.page.locator("[data-planned]")).to_contain_text(
        "model calls in 3 waves fill 16 quadrants"
    )
    assert (await house.get("/api/plans"))[1]["plans"] == []
    await one.page.fill("[data-field=plan-name]", "By the park")
    await one.act("add-plan")
    await one.sees_all([(x, y) for x in range(-3, 1) for y in range(-2, 2)], "generated")
    await one.page.click(".done-plans summary")
    card = one.page.locator("[data-plan]")
    await expect(card).to_contain_text("By the park")
    await expect(card).to_contain_text("16 of 16")


async def test_an_empty_world_begins_with_one_button(painter: Painter, desk: Desks) -> None:
    one = await desk("")
    await expect(one.page.locator("[data-welcome]")).to_contain_text("Start with 48 quadrants")
    await one.act("start")
    await one.sees_all([(-4, -3), (3, 2), (0, 0)], "generated")
    await expect(one.page.locator("[data-welcome]")).to_have_count(0)
    await expect(one.page.locator("[data-finished='48']")).to_be_visible()


async def test_a_model_that_cannot_be_called_says_why_and_cannot_be_picked(house: House, desk: Desks) -> None:
    one = await desk()
    await one.page.click("[data-open=model]")
    keyless = one.page.locator("[data-model=keyless]")
    await expect(keyless).to_contain_text("NO_SUCH_KEY is not set.")
    await expect(keyless).to_have_attribute("aria-disabled", "true")
    await keyless.click(force=True)
    assert await one.page.locator("[data-chosen-model]").get_attribute("data-chosen-model") == "pixel-art"
    assert "CANARY" not in await one.page.content()
