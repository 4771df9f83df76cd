"""What people tell the queue over HTTP, with a real keeper and nobody at work: one house for all of it."""

import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from protocol.plan import Plan
from tests.gateway.house import House, Listener, code, until
from tests.gateway.indoors import Indoors


@pytest.fixture(scope="module")
def kept() -> Iterator[Indoors]:
    """A keeper and a gateway."""
    folder = Path(tempfile.mkdtemp(prefix="tw-"))
    house = Indoors(folder)
    house.configure(queue_limit=2_000)
    house.start("keeper")
    house.start("gateway")
    yield house
    house.close()
    shutil.rmtree(folder)


@pytest.fixture
async def desk(kept: Indoors) -> AsyncIterator[Indoors]:
    """The house, empty of whatever the test before has left to do."""
    async with aiohttp.ClientSession() as kept.session:
        await kept.open()

        async def healthy() -> bool:
            return (await kept.get("/health"))[0] == 200

        await until(healthy, "the keeper")
        await kept.post("/api/queue/clear")
        yield kept
    assert all(room.lives for room in kept.rooms.values()), kept.out("gateway")


async def publish(desk: House, plan: str, *cells: int, **fields: Any) -> list[dict[str, Any]]:
    """A plan of 2×2 steps at these places in a row far away from any other plan; its jobs."""
    row = 10 * abs(hash(plan)) % 900_000
    steps = [
        {"id": f"s{x}", "quadrants": [[x, row], [x + 1, row], [x, row + 1], [x + 1, row + 1]]} for x in cells
    ]
    status, answer = await desk.post("/api/plans", {"id": plan, "steps": steps, **fields})
    assert status == 202, answer
    return await jobs(desk, plan=plan)


async def jobs(desk: House, **wanted: Any) -> list[dict[str, Any]]:
    query = "&".join(f"{name}={value}" for name, value in wanted.items())
    return list((await desk.get(f"/api/queue?limit=500&{query}"))[1]["jobs"])


async def generates(desk: House, plan: str) -> list[dict[str, Any]]:
    return await jobs(desk, plan=plan, kind="generate")


async def test_pausing_one_thing_pauses_nothing_else_and_is_told_to_listeners(desk: House) -> None:
    await publish(desk, "paused-a", 0)
    await publish(desk, "paused-b", 0, model_id="chunky")
    _, was, _ = await desk.get("/api/status")
    listener = Listener(desk, since=was["last_event"])
    await desk.post("/api/queue/pause", {"plan": "paused-a"})
    await desk.post("/api/queue/pause", {"model_id": "chunky"})
    assert {job["paused"] for job in await jobs(desk, plan="paused-a")} == {True}
    assert {job["paused"] for job in await generates(desk, "paused-b")} == {True}
    assert {job["paused"] for job in await jobs(desk, plan="paused-b", kind="render")} == {False}
    _, status, _ = await desk.get("/api/status")
    assert status["paused"] is False
    assert {model["model_id"]: model["paused"] for model in status["models"]}["chunky"] is True
    _, metrics, _ = await desk.picture("/metrics")
    assert b'tilewright_model_paused{model_id="chunky"} 1\n' in metrics
    assert b"tilewright_paused 0\n" in metrics
    _, plans, _ = await desk.get("/api/plans")
    assert {plan["plan"]: plan["paused"] for plan in plans["plans"]}["paused-a"] is True
    await desk.post("/api/queue/resume", {"model_id": "chunky"})
    assert (await desk.post("/api/queue/resume", {"plan": "paused-a"}))[0] == 200
    assert {job["paused"] for job in await jobs(desk, plan="paused-a")} == {False}
    await listener.until_seen((await desk.get("/api/status"))[1]["last_event"])
    await listener.close()
    told = [(c["plan"], c["model_id"], c["paused"]) for c in listener.changes if c["kind"] == "queue"]
    plan, model = ("paused-a", ""), ("", "chunky")
    assert [change for change in told if change[:2] in (plan, model)][-4:] == [
        (*plan, True),
        (*model, True),
        (*model, False),
        (*plan, False),
    ]
    status, answer = await desk.post("/api/queue/pause", {"plan": "nobody"})
    assert (status, code(answer)) == (404, "UNKNOWN_PLAN")
    status, answer = await desk.post("/api/queue/pause", {"model_id": "nobody"})
    assert (status, code(answer)) == (400, "UNKNOWN_MODEL")


async def test_filters_call_off_and_retry_what_they_mean_and_nothing_else(desk: House) -> None:
    await publish(desk, "where-a", 0, 6, prompt="a Foggy pier")
    await publish(desk, "where-b", 0, prompt="a sunny pier")
    assert {job["plan"] for job in await jobs(desk, text="foggy")} == {"where-a"}
    status, answer = await desk.post("/api/queue/cancel", {"where": {"plan": "where-a", "kind": "generate"}})
    assert (status, answer) == (200, {"changed": 2})
    assert {job["state"] for job in await generates(desk, "where-a")} == {"cancelled"}
    assert "cancelled" not in {job["state"] for job in await jobs(desk, plan="where-b")}
    status, answer = await desk.post(
        "/api/queue/retry", {"where": {"plan": "where-a", "states": ["cancelled"]}}, Idempotency_Key="w"
    )
    assert (status, answer["changed"] >= 2) == (200, True)
    assert "cancelled" not in {job["state"] for job in await jobs(desk, plan="where-a")}
    await desk.post("/api/queue/cancel", {"where": {"plan": "where-a"}})
    again = await desk.post(
        "/api/queue/retry", {"where": {"plan": "where-a", "states": ["cancelled"]}}, Idempotency_Key="w"
    )
    assert again == (200, answer)
    assert {job["state"] for job in await jobs(desk, plan="where-a")} == {"cancelled"}


async def test_jobs_are_moved_and_edited_while_they_wait(desk: House) -> None:
    await publish(desk, "order", 0, 6, 12)
    one, two, three = [job["job"] for job in await jobs(desk, plan="order", kind="render")][:3]
    status, answer = await desk.post("/api/queue/move", {"jobs": [three], "to": "before", "before": one})
    assert (status, answer) == (200, {"changed": 1})
    status, _ = await desk.post("/api/queue/move", {"jobs": [one], "to": "back"})
    places = {job["job"]: job["position"] for job in await jobs(desk, plan="order", kind="render")}
    assert places[three] < places[two] < places[one]
    step = (await generates(desk, "order"))[0]["job"]
    wish = {"jobs": [step], "prompt": "rain\r\nfog", "negative_prompt": "", "priority": 5}
    assert await desk.post("/api/queue/edit", wish) == (200, {"changed": 1})
    job = (await desk.get(f"/api/jobs/{step}"))[1]["job"]
    assert (job["prompt"], job["priority"], job["model_id"]) == ("rain\nfog", 5, "pixel-art")
    assert (await desk.post("/api/queue/edit", {"jobs": [step], "model_id": "chunky"}))[0] == 200
    assert (await desk.get(f"/api/jobs/{step}"))[1]["job"]["model_id"] == "chunky"
    status, answer = await desk.post("/api/queue/edit", {"jobs": [step], "model_id": "keyless"})
    assert (status, code(answer)) == (409, "MODEL_UNAVAILABLE")
    await desk.post(f"/api/jobs/{step}/cancel")
    status, answer = await desk.post("/api/queue/move", {"jobs": [step], "to": "front"})
    assert (status, code(answer)) == (409, "WRONG_STATE")
    for path, wish in (("edit", {"priority": 1}), ("move", {"to": "front"})):
        status, answer = await desk.post(f"/api/queue/{path}", {"jobs": [10**9], **wish})
        assert (status, code(answer)) == (404, "UNKNOWN_JOB")


async def test_the_queue_goes_out_as_a_file_and_comes_in_again(desk: House) -> None:
    await publish(desk, "export-a", 0, 6, prompt="rain")
    await publish(desk, "export-b", 0, lane="interactive", priority=3)
    status, document, headers = await desk.get("/api/queue/export")
    assert (status, headers["Content-Disposition"]) == (200, 'attachment; filename="queue.json"')
    plans = {plan["id"]: Plan.model_validate(plan) for plan in document["plans"]}
    assert {"export-a", "export-b"} <= set(plans)
    assert (plans["export-b"].lane, plans["export-b"].priority) == ("interactive", 3)
    assert len([step for step in plans["export-a"].steps if step.kind == "generate"]) == 2
    _, only, _ = await desk.get("/api/queue/export?plan=export-b")
    assert [plan["id"] for plan in only["plans"]] == ["export-b"]
    status, answer, _ = await desk.get("/api/queue/export?plan=nobody")
    assert (status, code(answer)) == (404, "UNKNOWN_PLAN")

    status, answer = await desk.post("/api/queue/import", only)
    assert (status, [plan["duplicate"] for plan in answer["plans"]], answer["refused"]) == (200, [True], [])
    renamed = json.loads(json.dumps(only).replace("export-b", "export-c"))
    status, answer = await desk.post("/api/queue/import", renamed)
    assert (status, code(answer)) == (409, "CONFLICT")
    status, answer = await desk.post(
        "/api/queue/import", {"plans": [*renamed["plans"], {"id": "export-d", "rectangle": [-9, -9, -8, -8]}]}
    )
    assert status == 200
    assert [(plan["plan"], plan["duplicate"]) for plan in answer["plans"]] == [("export-d", False)]
    assert answer["plans"][0]["jobs"] == len(await jobs(desk, plan="export-d"))
    assert [(plan["plan"], plan["code"]) for plan in answer["refused"]] == [("export-c", "CONFLICT")]
    unknown = {"plans": [{"id": "export-e", "rectangle": [-19, -9, -18, -8], "model_id": "nobody"}]}
    status, answer = await desk.post("/api/queue/import", unknown)
    assert (status, code(answer)) == (400, "UNKNOWN_MODEL")


async def test_a_full_queue_says_when_to_ask_again(desk: House) -> None:
    quadrants = [[x, -500_000 + y] for x in range(40) for y in range(40)]
    answers = []
    for i in range(20):
        body = json.dumps({"quadrants": [[x + 100 * i, y] for x, y in quadrants]})
        headers = {"Content-Type": "application/json"}
        async with desk.session.post(await desk.url("/api/render"), data=body, headers=headers) as answer:
            answers.append((answer.status, await answer.json(), answer.headers.get("Retry-After")))
        if answer.status != 202:
            break
    status, refusal, wait = answers[-1]
    assert (status, code(refusal)) == (503, "BUSY")
    assert int(wait) >= 1
    await desk.post("/api/queue/clear")


async def test_nothing_is_pruned_that_has_not_ended(desk: House) -> None:
    await publish(desk, "prune-a", 0)
    before = await jobs(desk, plan="prune-a")
    status, told = await desk.post("/api/prune", {"older_than_seconds": 0, "dry_run": True, "versions": True})
    assert status == 200
    assert set(told) == {"plans", "jobs", "events", "orphans", "versions", "bytes"}
    status, done = await desk.post("/api/prune", {"older_than_seconds": 0, "versions": True})
    assert (status, done["plans"]) == (200, told["plans"])
    assert await jobs(desk, plan="prune-a") == before


async def test_what_is_not_there_is_said(desk: House) -> None:
    for path, body, expected in (
        ("/api/orphans/999/adopt", {}, "UNKNOWN_ORPHAN"),
        ("/api/plans/nobody/revert", {}, "UNKNOWN_PLAN"),
        ("/api/quadrants/0/0/revert", {"version": 999}, "UNKNOWN_TILE"),
    ):
        status, answer = await desk.post(path, body)
        assert (status, code(answer)) == (404, expected), path
    assert (await desk.get("/api/orphans"))[1] == {"orphans": [], "cursor": 0, "total": 0}
