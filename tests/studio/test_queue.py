"""The queue at the studio: order, edits, pauses, failures by class, filters, files."""

import json
import re
from typing import Any

from playwright.async_api import Locator, Route, expect

from tests.gateway.house import House, settled, until
from tests.studio.conftest import Desks
from tests.studio.desk import Desk
from tests.studio.painter import Painter

PLACES = [(0, 0), (10, 0), (20, 0), (30, 0)]
"""Far enough from each other that each render is a job of its own."""


async def wait_in_line(house: House) -> list[int]:
    """Four renders in a paused queue, in the order in which they stand."""
    await house.post("/api/queue/pause")
    for cell in PLACES:
        await house.post("/api/render", {"quadrants": [cell]})
    return await line(house)


async def line(house: House) -> list[int]:
    """The waiting jobs in the order in which the server hands them out."""
    _, page, _ = await house.get("/api/queue?status=pending")
    return [job["job"] for job in sorted(page["jobs"], key=lambda job: int(job["position"]))]


async def job_of(house: House, job: int) -> dict[str, Any]:
    return dict((await house.get(f"/api/jobs/{job}"))[1]["job"])


def waiting(desk: Desk) -> Locator:
    return desk.page.locator("section[aria-label=Waiting] [data-job]")


async def reads(desk: Desk, jobs: list[int]) -> None:
    """Wait until the list of waiting jobs has these in this order."""

    async def same() -> bool:
        found = await waiting(desk).evaluate_all("(all) => all.map((one) => Number(one.dataset.job))")
        return bool(found == jobs)

    await until(same, f"{jobs} in this order")


async def test_jobs_are_put_in_order_by_key_by_hand_and_by_button(
    house: House, painter: Painter, desk: Desks
) -> None:
    a, b, c, d = await wait_in_line(house)
    one, other = await desk(), await desk()
    for page in (one, other):
        await page.page.click("[data-act=show-more]")
        await reads(page, [a, b, c, d])
    row = {job: one.page.locator(f"section[aria-label=Waiting] [data-job='{job}']") for job in (a, b, c, d)}
    await row[c].locator(".row-text").focus()
    await one.page.keyboard.press("Alt+ArrowUp")
    await reads(other, [a, c, b, d])
    await reads(one, [a, c, b, d])
    await row[d].drag_to(row[a], target_position={"x": 40, "y": 2})
    await reads(other, [d, a, c, b])
    await row[a].locator("[data-act=open-job]").click()
    await row[a].locator("[data-act=to-back]").click()
    await reads(other, [d, c, b, a])
    assert await line(house) == [d, c, b, a]
    # Two at once, before another one; then one of what is picked is enough to call all of them off.
    for job in (b, a):
        await row[job].locator("[data-pick]").check(force=True)
    await one.act("picked-before")
    await row[d].locator("[data-act=before-this]").click()
    await reads(one, [b, a, d, c])
    await reads(other, [b, a, d, c])
    await one.page.locator("[data-picked='2'] [data-act=picked-cancel]").click()
    await reads(one, [d, c])
    await reads(other, [d, c])
    await one.page.reload()
    await reads(one, [d, c])
    assert await one.kept() == []


async def test_a_waiting_job_is_changed_and_what_the_server_refuses_stands_there(
    house: House, painter: Painter, desk: Desks
) -> None:
    await house.post("/api/queue/pause")
    _, answer = await house.post("/api/generate", {"quadrants": [[0, 0]], "prompt": "at noon"})
    one = await desk()
    await one.page.click("[data-act=show-more]")
    row = one.page.locator("section[aria-label=Waiting] [data-kind=generate]")
    await row.locator("[data-act=open-job]").click()
    await row.locator("[data-act=edit]").click()
    await expect(row.locator("[data-field=edit-prompt]")).to_have_value("at noon")
    await row.locator("[data-field=edit-prompt]").fill("at dusk")
    await row.locator("[data-field=edit-model]").select_option("chunky")
    await row.locator("[data-field=edit-priority]").fill("7")

    async def busy_once(route: Route) -> None:
        error = {"error": {"code": "BUSY", "message": "Plan Harbour is being entered.", "details": ""}}
        await route.fulfill(
            status=503,
            body=json.dumps(error),
            headers={"Retry-After": "1", "Content-Type": "application/json"},
        )

    await one.page.route("**/api/queue/edit", busy_once, times=1)
    await row.locator("[data-act=save-edit]").click()
    await expect(row.locator("[data-reply=busy]")).to_contain_text(
        re.compile(r"Harbour is being entered\.\s+Again in [12] s\.")
    )
    await expect(row.locator(".edit-form")).to_have_count(0)
    await expect(row.locator("[data-reply]")).to_have_count(0)
    job = await job_of(house, answer["jobs"][-1])
    assert (job["prompt"], job["model_id"], job["priority"]) == ("at dusk", "chunky", 7)

    # Somebody else calls it off in that moment: the row has gone, so it is said where the page says all else.
    async def called_off_first(route: Route) -> None:
        await house.post(f"/api/jobs/{job['job']}/cancel")
        await expect(row).to_have_count(0)
        await route.continue_()

    await one.page.route("**/api/queue/move", called_off_first)
    await row.locator("[data-act=to-front]").click()
    await expect(one.page.locator("[data-report]")).to_contain_text("is cancelled; only pending or blocked")


async def test_models_and_plans_are_paused_for_everybody(house: House, painter: Painter, desk: Desks) -> None:
    painter.may_paint.clear()
    await house.post("/api/fill", {"rectangle": [-2, -2, 1, 1], "name": "Harbour"})
    one, other = await desk(), await desk()
    model = one.page.locator("[data-rate=pixel-art]")
    await model.locator("[data-act=pause-model]").click()
    await expect(model).to_contain_text("Paused")
    await expect(other.page.locator("[data-rate=pixel-art]")).to_contain_text("Paused")
    card = one.page.locator("[data-plan]", has_text="Harbour")
    await card.locator("[data-act=pause-plan]").click()
    await expect(other.page.locator("[data-plan][data-paused=true]")).to_contain_text("paused")
    await one.page.reload()
    await expect(card).to_have_attribute("data-paused", "true")
    await card.locator("[data-act=resume-plan]").click()
    await model.locator("[data-act=resume-model]").click()
    await expect(other.page.locator("[data-plan][data-paused=true]")).to_have_count(0)
    painter.may_paint.set()
    await other.sees_all([(x, y) for x in range(-2, 2) for y in range(-2, 2)], "generated")


async def test_failures_stand_by_class_and_the_filter_stays_in_the_address(
    house: House, painter: Painter, desk: Desks
) -> None:
    painter.failures += [
        ("rejected", "The model refused the words."),
        ("bad_image", "Picture came back 1000 × 1024."),
        ("bad_image", "Picture came back empty."),
    ]
    for x in (0, 10, 20):
        _, answer = await house.post("/api/generate", {"quadrants": [[x, 0]]})
        await settled(house, answer["plan"])
    one = await desk()
    bad = one.page.locator("[data-class=bad_image]")
    await expect(bad).to_have_attribute("data-total", "2")
    await expect(one.page.locator("[data-class=rejected] [data-job]")).to_contain_text("refused the words")
    await one.page.fill("[data-field=search]", "1000 ×")
    await expect(one.page.locator("section[aria-label=Failed] [data-job]")).to_have_count(1)
    await expect(one.page.locator("[data-act=retry-these]")).to_have_text("Retry these 1")
    address = await one.page.evaluate("location.search")
    other = await desk(f"{address}#-2/0/0")
    await expect(other.page.locator("section[aria-label=Failed] [data-job]")).to_have_count(1)
    await other.act("show-all")
    assert await other.page.evaluate("location.search") == ""
    await other.page.locator("[data-class=bad_image] [data-act=retry-class]").click()
    await expect(one.page.locator("section[aria-label=Failed]")).to_have_count(0)
    await expect(other.page.locator("[data-class=bad_image]")).to_have_count(0)
    await other.page.select_option("[data-field=filter-state]", "failed")
    await other.act("retry-these")
    await expect(other.page.locator(".filter-acts .note")).to_contain_text("puts 1 failed job back")
    await other.act("sure-retry")
    await expect(other.page.locator("section[aria-label=Failed]")).to_have_count(0)
    await one.headline("0 working, 0 waiting")
    assert await one.kept() == []


async def test_the_queue_is_taken_away_as_a_file_and_brought_back(
    house: House, painter: Painter, desk: Desks
) -> None:
    painter.may_paint.clear()
    await house.post("/api/queue/pause")
    await house.post("/api/fill", {"rectangle": [-2, -2, 1, 1], "name": "Harbour"})
    one = await desk()
    await one.page.click("[data-open=queue-more]")
    async with one.page.expect_download() as downloading:
        await one.act("export")
    path = await (await downloading.value).path()
    content = json.loads(path.read_text())
    assert [plan["name"] for plan in content["plans"]] == ["Harbour"]
    renamed = {**content["plans"][0], "id": "brought-back"}
    await house.post("/api/queue/clear")
    await one.headline("0 waiting")
    broken = {"id": "broken", "name": "Broken", "steps": [{"id": "a", "quadrants": [[0, 0], [5, 5]]}]}
    file = json.dumps({"plans": [renamed, broken, content["plans"][0]]}).encode()
    await one.page.click("[data-open=queue-more]")
    await one.page.set_input_files(
        "[data-field=import]", {"name": "queue.json", "mimeType": "application/json", "buffer": file}
    )
    told = one.page.locator("[data-import=done]")
    await expect(told).to_contain_text("1 plan taken")
    await expect(told).to_contain_text("1 plan was there already.")
    await expect(told).to_contain_text("Broken")
    await expect(one.page.locator("[data-plan='brought-back']")).to_contain_text("Harbour")
    # Dropped on the panel, what is no queue says so.
    await one.page.evaluate(
        """() => {
            const data = new DataTransfer();
            data.items.add(new File(["not json"], "notes.txt"));
            const event = new DragEvent("drop", { bubbles: true, dataTransfer: data });
            document.querySelector(".queue").dispatchEvent(event);
        }"""
    )
    await expect(told).to_contain_text("notes.txt is not JSON. Nothing was taken.")
