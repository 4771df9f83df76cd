"""The map's history at the studio: old versions, what is stale, whole plans taken back, late results."""

from typing import Any

from playwright.async_api import expect

from tests.gateway.house import House, settled, until
from tests.studio.conftest import Desks
from tests.studio.painter import Painter

BLOCK = [(0, 0), (1, 0), (0, 1), (1, 1)]


async def standing(house: House, x: int, y: int) -> int:
    """The version that stands at a quadrant; 0 for none."""
    _, view, _ = await house.get(f"/api/map?x0={x}&y0={y}&x1={x}&y1={y}")
    return int(next((tile["version"] for tile in view["tiles"] if tile["layer"] == "generation"), 0))


async def fill(house: House, *region: int, name: str = "") -> str:
    _, answer = await house.post("/api/fill", {"rectangle": region, "name": name})
    await settled(house, answer["plan"])
    return str(answer["plan"])


async def test_an_old_version_is_held_against_the_map_and_put_back(
    house: House, painter: Painter, desk: Desks
) -> None:
    await fill(house, 0, 0, 1, 1)
    first = await standing(house, 0, 0)
    one, other = await desk(), await desk()
    await one.drag((0, 0), (0, 0))
    await one.page.click("[data-tab=quadrant]")
    await expect(one.page.locator("[data-again=on]")).to_contain_text("Legal, no seam.")
    await one.act("generate-again")
    old = one.page.locator(f"[data-version='{first}']")
    await expect(old).to_have_attribute("data-current", "false")
    second = await standing(house, 0, 0)
    assert second > first
    # What was drawn in the same call does not match any more, for everybody who looks.
    for x, y in BLOCK[1:]:
        await expect(other.quadrant(x, y)).to_have_attribute("data-stale", "true")
    await expect(other.quadrant(0, 0)).to_have_attribute("data-stale", "false")
    await old.click()
    await expect(one.page.locator("[data-fact=seed]")).to_be_visible()
    held = one.page.locator(f"[data-peek='{first}']")
    box = await one.page.locator("[data-act=hold]").bounding_box()
    assert box is not None
    await one.page.mouse.move(box["x"] + 8, box["y"] + 8)
    await one.page.mouse.down()
    await expect(held).to_be_visible()
    await one.page.mouse.up()
    await expect(held).to_have_count(0)
    await one.page.locator("[data-act=hold]").focus()
    await one.page.keyboard.down("Space")
    await expect(held).to_be_visible()
    await one.page.keyboard.up("Space")
    await expect(held).to_have_count(0)
    await one.act("put-back")
    await expect(old).to_have_attribute("data-current", "true")
    for x, y in BLOCK[1:]:
        await expect(other.quadrant(x, y)).to_have_attribute("data-stale", "false")
    await expect(other.quadrant(0, 0)).to_have_attribute("data-generation", str(first))
    assert await standing(house, 0, 0) == first
    assert await one.pictured() and await other.pictured()
    # Far out only older numbers came back: the overview is another picture all the same.
    await other.act("zoom-out")
    assert await other.pictured()
    assert await one.kept() == []


async def test_a_finished_plan_is_taken_back_after_it_has_said_what_that_does(
    house: House, painter: Painter, desk: Desks
) -> None:
    await fill(house, -3, -2, -2, 1, name="Old town")
    await fill(house, -1, -2, 1, 1, name="Harbour")
    one, other = await desk(), await desk()
    await one.page.click(".done-plans summary")
    card = one.page.locator("[data-plan]", has_text="Harbour")
    await card.locator("[data-act=open-plan]").click()
    await card.locator("[data-act=revert-plan]").click()
    await expect(card.locator("[data-sure]")).to_contain_text("takes the 12 quadrants")
    await card.locator("[data-act=sure-revert-plan]").click()
    await other.sees_all([(x, y) for x in range(-1, 2) for y in range(-2, 2)], "rendered")
    await other.sees(-2, 0, "generated")
    await expect(one.page.locator("[data-report]")).to_contain_text("12 quadrants put back.")


async def test_a_late_result_is_shown_and_adopted(house: House, painter: Painter, desk: Desks) -> None:
    painter.may_paint.clear()
    _, answer = await house.post("/api/generate", {"quadrants": BLOCK})
    one = await desk()
    await one.sees_all(BLOCK, "processing")

    async def called() -> bool:
        # Its renders may be what is processed.
        _, found, _ = await house.get(f"/api/jobs/{answer['jobs'][-1]}")
        return bool(found["job"]["state"] == "processing")

    await until(called, "the model call to be under way")
    await house.post(f"/api/jobs/{answer['jobs'][-1]}/cancel")
    painter.may_paint.set()
    await one.page.locator("[data-late='1']").click()
    result = one.page.locator("[data-orphan]")
    await expect(result).to_have_attribute("data-adoptable", "true")

    async def loaded() -> Any:
        return await result.locator("img").evaluate_all(
            "(all) => all.length === 4 && all.every((one) => one.naturalWidth === 512)"
        )

    await until(loaded, "the pictures of the late result")
    held = one.page.locator("[data-peek^=late]")
    await result.locator("[data-act=hold-late]").focus()
    await one.page.keyboard.down("Space")
    await expect(held).to_have_count(4)
    await one.page.keyboard.up("Space")
    await expect(held).to_have_count(0)
    await result.locator("[data-act=adopt]").click()
    await one.sees_all(BLOCK, "generated")
    await expect(result).to_have_count(0)
    await one.act("close-late")
    await expect(one.page.locator("[data-late]")).to_have_count(0)


async def test_models_are_compared_and_one_is_chosen(house: House, painter: Painter, desk: Desks) -> None:
    one = await desk()
    await one.drag((0, 0), (1, 1))
    await one.act("compare")
    await one.page.check("[data-compare-model=chunky]")
    await one.act("make-candidates")
    made = one.page.locator("[data-candidate][data-adoptable=true]")
    await expect(made).to_have_count(2)
    assert await standing(house, 0, 0) == 0
    chunky = one.page.locator("[data-model-of=chunky]")

    async def loaded() -> Any:
        return await chunky.locator("img").evaluate_all(
            "(all) => all.length === 4 && all.every((one) => one.naturalWidth === 512)"
        )

    await until(loaded, "the pictures of the candidate")
    await chunky.locator("[data-act=choose]").click()
    await one.sees_all(BLOCK, "generated")
    await expect(chunky).to_have_attribute("data-adopted", "true")
    _, found, _ = await house.get("/api/quadrants/0/0")
    assert next(v["model_id"] for v in found["versions"] if v["layer"] == "generation") == "chunky"
    await one.page.locator("[data-candidate][data-adopted=false] [data-act=discard]").click()
    await expect(one.page.locator("[data-candidate]")).to_have_count(1)
    await one.act("close-compare")
    await expect(one.page.locator("[data-candidates]")).to_have_count(0)
