"""Plans at the studio: looked at on the map, changed, asked for, stuck, planned anew."""

import re
from typing import Any

from playwright.async_api import expect

from tests.gateway.house import House, settled, until
from tests.studio.conftest import Desks
from tests.studio.painter import Painter

BLOCK = [(0, 0), (1, 0), (0, 1), (1, 1)]
LONE = [(0, 0), (2, 0)]
"""Two finished quadrants with one between them: what lies against both cannot be drawn without a seam."""
AROUND_LONE = [(x, y) for x in range(3) for y in range(2) if (x, y) not in LONE]


async def generate(house: House, *cells: tuple[int, int]) -> str:
    """One model call, finished or failed; the id of its plan."""
    status, answer = await house.post("/api/generate", {"quadrants": cells})
    assert status == 202, answer
    await settled(house, answer["plan"])
    return str(answer["plan"])


async def lone(house: House) -> None:
    for cell in LONE:
        await generate(house, cell)


async def open_plans(house: House) -> list[dict[str, Any]]:
    return [plan for plan in (await house.get("/api/plans"))[1]["plans"] if not plan["settled"]]


async def test_a_plan_is_drawn_on_the_map_wave_by_wave_before_it_is_asked_for(
    house: House, painter: Painter, desk: Desks
) -> None:
    one = await desk()
    await one.act("own-plan")
    await one.page.mouse.move(*await one.spot(-4, -2))
    bare = await one.pixel(0, 0)
    await one.drag((-2, -2), (2, 2))
    await one.act("fill")
    await expect(one.page.locator("[data-planned]")).to_contain_text("in 3 waves fill 25 quadrants")
    _, planned = await house.post("/api/fill?dry_run=1", {"rectangle": [-2, -2, 2, 2]})
    for step in planned["steps"]:
        for x, y in step["quadrants"]:
            await expect(one.quadrant(x, y)).to_have_attribute("data-wave", str(step["wave"]))
        for x, y in step["scaffold"]:
            await expect(one.quadrant(x, y)).to_have_attribute("data-scaffold", "true")
    shades = {
        step["wave"]: await one.pixel(*step["quadrants"][0]) for step in planned["steps"] if step["quadrants"]
    }
    assert len(shades) == len(set(shades.values())) == 3
    assert bare not in shades.values()
    await expect(one.page.locator("[data-need=calls]")).to_contain_text(
        f"{planned['estimate']['calls']} model calls"
    )
    assert planned["estimate"]["shapes"]["2x2"]
    await expect(one.page.locator("[data-shape='2x2']")).to_contain_text(
        str(planned["estimate"]["shapes"]["2x2"])
    )
    await expect(one.page.locator("[data-wave-row]")).to_have_count(3)
    assert (await house.get("/api/plans"))[1]["plans"] == []
    assert (await house.get("/api/queue"))[1]["total"] == 0
    await one.page.keyboard.press("Escape")
    await expect(one.page.locator("[data-preview]")).to_have_count(0)
    assert await one.pixel(0, 0) == bare


async def test_the_figures_follow_the_model_and_say_what_they_do_not_know(
    house: House, painter: Painter, desk: Desks
) -> None:
    await generate(house, *BLOCK)
    one = await desk()
    await one.drag((-3, -2), (-1, 1))
    await one.act("fill")
    time, cost = one.page.locator("[data-need=time]"), one.page.locator("[data-need=cost]")
    await expect(time).to_contain_text(re.compile("About .* at a time"))
    await expect(cost).to_contain_text("no price")
    await one.pick("chunky")
    await expect(time).to_contain_text("no history yet")
    await expect(cost).to_contain_text("0.50 a call")
    calls = await one.page.locator("[data-need=calls]").inner_text()
    await expect(one.page.locator("[data-foot]")).to_contain_text(f"{int(calls.split()[0]) * 0.5:.2f}")
    await expect(one.page.locator("[data-act=add-plan]")).to_be_enabled()
    await one.act("add-plan")
    await one.sees_all([(-3, -2), (-1, 1)], "generated")
    _, queue, _ = await house.get("/api/queue?model_id=chunky")
    assert len(queue["jobs"]) == int(calls.split()[0])


async def test_what_is_left_out_is_hatched_with_its_reason_and_redo_fills_it(
    house: House, painter: Painter, desk: Desks
) -> None:
    await lone(house)
    before = {(x, y): await version(house, x, y) for x, y in LONE}
    one = await desk()
    await one.drag((0, 0), (2, 1))
    await one.act("fill")
    gone = one.page.locator("[data-left-out]")
    await expect(gone.first).to_be_attached()
    left = [
        tuple(map(int, cell.split(",")))
        for cell in await gone.evaluate_all("(all) => all.map((one) => one.dataset.quadrant)")
    ]
    assert left and set(left) <= set(AROUND_LONE)
    # Hatched: lines and ground take turns along a row of pixels.
    x, y = left[-1]
    assert len(set(await one.pixels(x, y))) > 1
    await one.page.mouse.move(*await one.spot(x, y))
    tooltip = one.page.locator("[role=tooltip]")
    await expect(tooltip).to_contain_text(f"{x},{y} is left out.")
    await expect(tooltip).to_contain_text("seam")
    await one.page.mouse.move(*await one.spot(-3, -2))
    await expect(tooltip).to_have_count(0)
    # The list says the same, to the keyboard as well, and a tap on the map keeps the plan in view.
    gap = one.page.locator("[data-gap]").first
    await gap.focus()
    await expect(tooltip).to_contain_text("is left out.")
    await one.page.mouse.click(*await one.spot(x, y))
    await expect(one.page.locator("[data-preview]")).to_be_visible()

    switch = one.page.get_by_role("switch", name="Redo finished neighbours")
    await expect(one.page.locator("[data-repair-effect]")).to_contain_text(
        f"Fills {len(left)} more, and draws 2 finished quadrants anew: 0,0, 2,0."
    )
    await one.page.locator(".switch").click()
    await expect(switch).to_be_checked()
    await expect(gone).to_have_count(0)
    for cell in LONE:
        await expect(one.quadrant(*cell)).to_have_attribute("data-redo", "true")
    await one.act("add-plan")
    await one.sees_all([(x, y) for x in range(3) for y in range(2)], "generated")
    await expect(one.page.locator("[data-headline]")).to_have_text("0 working, 0 waiting")
    assert all([await version(house, *cell) > before[cell] for cell in LONE])


async def version(house: House, x: int, y: int) -> int:
    _, view, _ = await house.get(f"/api/map?x0={x}&y0={y}&x1={x}&y1={y}")
    return int(next((t["version"] for t in view["tiles"] if t["layer"] == "generation"), 0))


async def test_the_switch_is_offered_only_where_it_helps(house: House, painter: Painter, desk: Desks) -> None:
    await generate(house, *BLOCK)
    one = await desk()
    await one.drag((0, 0), (3, 1))
    await one.act("fill")
    await expect(one.page.locator("[data-planned]")).to_contain_text("fill 4 quadrants")
    await expect(one.page.locator("[data-field=repair]")).to_have_count(0)
    await expect(one.page.locator("[data-left-out-count]")).to_have_count(0)
    await one.drag((0, 0), (1, 1))
    await one.act("fill")
    await expect(one.page.locator("[data-nothing]")).to_contain_text("Every quadrant is finished.")
    await expect(one.page.locator("[data-act=add-plan]")).to_be_disabled()


async def test_any_quadrants_make_a_plan(house: House, painter: Painter, desk: Desks) -> None:
    one = await desk()
    await one.drag((-3, -2), (-2, -2))
    await one.page.keyboard.down("Shift")
    await one.drag((1, 1), (1, 2))
    await one.page.mouse.click(*await one.spot(2, 1))
    await one.page.keyboard.up("Shift")
    await expect(one.page.locator("[data-selected='5']")).to_be_visible()
    await one.act("fill")
    await expect(one.page.locator("[data-planned]")).to_contain_text("5 quadrants")
    await one.act("add-plan")
    chosen = [(-3, -2), (-2, -2), (1, 1), (1, 2), (2, 1)]
    await one.sees_all(chosen, "generated")
    await one.headline("0 working, 0 waiting")
    _, view, _ = await house.get("/api/map?x0=-20&y0=-20&x1=20&y1=20")
    drawn = {(t["x"], t["y"]) for t in view["tiles"] if t["layer"] == "generation"}
    assert drawn == set(chosen)


async def test_a_plan_in_view_follows_the_map_that_changes_under_it(
    house: House, painter: Painter, desk: Desks
) -> None:
    one = await desk()
    await one.drag((0, 0), (2, 1))
    await one.act("fill")
    await expect(one.page.locator("[data-planned]")).to_contain_text("fill 6 quadrants")
    await lone(house)
    await expect(one.page.locator("[data-left-out-count]")).to_be_visible()
    await expect(one.page.locator("[data-field=repair]")).to_have_count(1)
    # Somebody else takes the ground for something that runs: the plan says so and waits for it.
    painter.may_paint.clear()
    status, _ = await house.post("/api/fill", {"rectangle": [0, 2, 3, 4], "name": "Harbour"})
    assert status == 202
    await expect(one.page.locator("[data-left-out-count='4'], [data-refusal]")).to_be_visible()


async def test_a_failed_step_holds_its_cone_and_the_rest_can_be_planned_anew(
    house: House, painter: Painter, desk: Desks
) -> None:
    one = await desk()
    painter.failures.append("The model answered 500.")
    await one.drag((-2, -2), (2, 2))
    await one.act("fill")
    await one.page.fill("[data-field=plan-name]", "By the park")
    await one.act("add-plan")
    card = one.page.locator("[data-plan][data-stuck=true]")
    await expect(card).to_contain_text("By the park")
    await expect(card.locator("[data-reason]")).to_contain_text("The model answered 500.")
    held = one.page.locator("section[aria-label='Cannot go on'] [data-state=held]")
    await expect(held.first).to_contain_text(re.compile(r"Behind Island .*, which failed\."))
    finished = {
        key: value for key, value in (await one.states()).items() if value and value[0] == "generated"
    }
    assert finished

    await card.locator("[data-act=replan]").click()
    await expect(one.page.locator("[data-preview=rest]")).to_contain_text("By the park")
    await expect(one.page.locator("[data-planned]")).to_contain_text(f"{25 - len(finished)} quadrants")
    await expect(one.page.locator("[data-wave='1']").first).to_be_attached()
    await one.act("add-plan")
    await one.sees_all([(x, y) for x in range(-2, 3) for y in range(-2, 3)], "generated")
    await one.headline("0 working, 0 waiting")
    await expect(card).to_have_count(0)
    await expect(held).to_have_count(0)
    now = await one.states()
    assert {key: now[key] for key in finished} == finished, "what was finished was drawn again"


async def test_a_failed_plan_is_retried_and_goes_on_in_its_order(
    house: House, painter: Painter, desk: Desks
) -> None:
    one = await desk()
    painter.failures.append("The model answered 500.")
    _, answer = await house.post("/api/fill", {"rectangle": [-2, -2, 1, 1]})
    await one.page.click("[data-plan][data-stuck=true] [data-act=retry-plan]")
    await one.sees_all([(x, y) for x in range(-2, 2) for y in range(-2, 2)], "generated")
    await expect(one.page.locator("[data-plan][data-stuck=true]")).to_have_count(0)
    assert (await settled(house, answer["plan"]))["quadrants_done"] == 16


async def test_a_step_that_would_leave_a_seam_by_now_says_so_everywhere(
    house: House, painter: Painter, desk: Desks
) -> None:
    painter.failures.append("The model answered 500.")
    plan = await generate(house, *BLOCK)
    await generate(house, (2, 0), (3, 0), (2, 1), (3, 1))
    status, _ = await house.post(f"/api/plans/{plan}/retry")
    assert status == 200
    one = await desk()
    await one.sees_all(BLOCK, "stuck")
    sentence = "finished quadrants lie against its right"
    row = one.page.locator("section[aria-label='Cannot go on'] [data-job]")
    await expect(row).to_have_attribute("data-state", "stuck")
    await expect(row).to_contain_text(sentence)
    await one.page.mouse.move(*await one.spot(0, 0))
    await expect(one.page.locator("[role=tooltip]")).to_contain_text(sentence)
    await one.page.mouse.click(*await one.spot(0, 0))
    await one.page.click("[data-tab=quadrant]")
    job = one.page.locator("[data-inspector='0,0'] [data-job][data-state=stuck]")
    await expect(job).to_contain_text(re.compile(sentence, re.I))
    await one.page.keyboard.press("Escape")
    await one.page.click("[data-stuck=true] [data-act=replan]")
    await expect(one.page.locator("[data-planned]")).to_contain_text("fill 4 quadrants")
    await one.act("add-plan")
    await one.sees_all(BLOCK, "generated")


async def test_ground_that_a_plan_has_reserved_is_refused_with_its_name(
    house: House, painter: Painter, desk: Desks
) -> None:
    painter.may_paint.clear()
    _, answer = await house.post("/api/fill", {"rectangle": [-2, -2, 0, 0], "name": "Harbour"})
    one = await desk()
    await one.drag((1, 0), (1, 0))
    await one.act("generate")
    word = one.page.locator("[data-say=refused]")
    await expect(word).to_contain_text("Another plan has this ground.")
    await expect(word).to_contain_text("The plan “Harbour” is still to generate")
    assert answer["plan"] not in await word.inner_text()
    assert len(await open_plans(house)) == 1


async def test_a_plan_says_what_was_left_out_since_it_was_looked_at(
    house: House, painter: Painter, desk: Desks
) -> None:
    one = await desk()
    await one.drag((-3, -2), (3, 1))
    await one.act("fill")
    await expect(one.page.locator("[data-planned]")).to_contain_text("fill 28 quadrants")
    # The answers to what the page asks anew are still under way when the person goes on.
    await one.page.route("**/api/fill?dry_run=1", lambda route: None)
    await lone(house)
    await one.act("add-plan")
    await expect(one.page.locator("[data-report]")).to_contain_text(
        re.compile(r"[1-9] more quadrants? left out")
    )

    async def made() -> bool:
        return len((await house.get("/api/plans"))[1]["plans"]) == 3

    await until(made, "the plan")


async def test_a_phone_shows_the_plan_its_reasons_and_one_button(
    house: House, painter: Painter, desk: Desks
) -> None:
    await lone(house)
    one = await desk("#-2/1.5/1", phone=True)
    await one.act("phone-select")
    box = await one.page.locator(".map").bounding_box()
    assert box is not None
    # The view's middle is the corner between 1,0 and 2,1 (half a quadrant of each).
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    await one.page.mouse.move(middle[0] - 128, middle[1] - 64)
    await one.page.mouse.down()
    await one.page.mouse.move(middle[0] + 128, middle[1] + 64, steps=4)
    await one.page.mouse.up()
    await expect(one.page.locator("[data-selected='6']")).to_be_visible()
    await one.page.locator(".action-bar [data-act=fill]").tap()
    add = one.page.locator("[data-act=add-plan]")
    await expect(add).to_be_in_viewport()
    size = await add.bounding_box()
    assert size is not None and size["height"] >= 44
    await expect(one.page.locator("[data-left-out]").first).to_be_attached()
    await one.page.touchscreen.tap(middle[0], middle[1] + 64)
    await expect(one.page.locator("[role=tooltip]")).to_contain_text("1,1 is left out.")
    await one.page.locator("[data-gap]").first.tap()
    await expect(one.page.locator("[role=tooltip]")).to_contain_text("0,1 is left out.")
    assert await one.kept() == []
