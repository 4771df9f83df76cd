"""What waits, and why, at the studio: limits with a countdown, refused keys, steps behind a failed one."""

import re

from playwright.async_api import Locator, expect

from protocol.codec import catalogue
from protocol.ingest import Accepted, PartTaken, PlanBegin, PlanCommit, PlanPart
from protocol.plan import PlanHead, Step
from services.client import Client
from services.worker import TryFailed
from tests.gateway.house import House
from tests.studio.conftest import Desks
from tests.studio.desk import Desk
from tests.studio.painter import Painter

LIMIT_SECONDS = 300.0


async def left(countdown: Locator) -> int:
    """The seconds that a countdown shows."""
    found = re.search(r"(\d+):(\d\d) min", await countdown.inner_text())
    assert found is not None
    return 60 * int(found[1]) + int(found[2])


async def test_a_limit_is_counted_down_and_lifted_and_a_refused_key_has_a_way_out(
    house: House, painter: Painter, desk: Desks
) -> None:
    limit = TryFailed("rate_limited", "Pixel art was asked too often.", retry=True, retry_after=LIMIT_SECONDS)
    painter.failures += [limit, ("auth", "Pixel art refused the key.")]
    await house.post("/api/generate", {"quadrants": [[0, 0]]})
    one = await desk()
    line = one.page.locator("[data-rate=pixel-art]")
    countdown = line.locator("[data-countdown]")
    await expect(countdown).to_contain_text("Waits for Pixel art: ")
    await expect(line).to_contain_text("asked too often")
    await expect(one.page.locator("section[aria-label=Waiting] [data-job]")).to_contain_text(
        "Waits for Pixel art: "
    )
    await one.page.click("[data-open=model]")
    await expect(one.page.locator("[data-waits=pixel-art]")).to_contain_text("Waits for Pixel art: ")
    before = await left(countdown)
    assert 0 < before <= LIMIT_SECONDS
    await one.page.reload()
    assert 0 < await left(countdown) <= before

    await line.locator("[data-act=try-model]").click()
    await expect(line).to_have_attribute("data-stopped", "true")
    await expect(line).to_contain_text("Stopped. Pixel art refused the key.")
    await one.page.reload()
    await line.locator("[data-act=resume-model]").click()
    await expect(line).to_have_attribute("data-stopped", "false")
    await one.page.locator("section[aria-label=Failed] [data-act=retry]").click()
    await one.sees(0, 0, "generated")


async def test_a_plan_that_comes_in_parts_is_told_of_before_it_is_accepted(house: House, desk: Desks) -> None:
    await house.post("/api/queue/pause")
    steps = [Step(id=f"s{x}", quadrants=[(x, 0), (x + 1, 0), (x, 1), (x + 1, 1)]) for x in range(0, 24, 4)]
    program = Client(house.sockets.address("ingest"), catalogue(PartTaken, Accepted))
    await program.exchange(PlanBegin(plan=PlanHead(id="big", name="Harbour"), steps=len(steps)))
    await program.exchange(PlanPart(plan="big", first=0, steps=steps[:4]))
    one = await desk()
    draft = one.page.locator("[data-draft=big]")
    await expect(draft).to_contain_text("Harbour")
    await expect(draft).to_contain_text("4 of 6 steps have come. Not accepted yet.")
    await program.exchange(PlanPart(plan="big", first=4, steps=steps[4:]))
    await program.exchange(PlanCommit(plan="big"))
    await expect(draft).to_have_count(0)
    await expect(one.page.locator("[data-plan=big]")).to_contain_text("0 of 24")
    await program.close()


async def test_a_held_step_says_behind_what_and_brings_it_on(
    house: House, painter: Painter, desk: Desks
) -> None:
    one: Desk = await desk()
    painter.failures.append("The model refused the words.")
    await house.post("/api/fill", {"rectangle": [-2, -2, 0, -1]})
    # The strip beside the island: it is told of by no event that it cannot go on.
    await one.sees(0, -2, "held")
    await one.page.mouse.move(*await one.spot(0, -2))
    tooltip = one.page.locator("[data-tooltip]")
    await expect(tooltip).to_contain_text("Held behind Island -2,-2, 2 × 2, which failed: The model refused")
    await one.page.mouse.click(*await one.spot(0, -2))
    await one.page.click("[data-tab=quadrant]")
    row = one.page.locator(".quadrant-jobs [data-state=held]")
    await expect(row.locator("[data-why]")).to_contain_text("Held behind Island -2,-2, 2 × 2, which failed")
    await row.locator("[data-act=retry-holder]").click()
    await one.sees_all([(x, y) for x in range(-2, 1) for y in (-2, -1)], "generated")


async def test_a_plan_at_its_cap_says_so_and_goes_on_with_a_higher_one(
    house: House, painter: Painter, desk: Desks
) -> None:
    body = {"rectangle": [0, 0, 1, 1], "name": "Harbour", "model_id": "chunky", "cost_cap": 0.4}
    await house.post("/api/fill", body)
    one = await desk()
    capped = one.page.locator("[data-capped]")
    await expect(capped).to_contain_text(
        "It has spent 0 of its 0.4, calls under way included, and the next call"
    )
    go_on = capped.locator("[data-act=raise-cap]")
    await capped.locator("input").fill("0.3")
    await expect(go_on).to_be_disabled()
    await capped.locator("input").fill("10")
    await go_on.click()
    await one.sees(0, 0, "generated")
    await expect(capped).to_have_count(0)
