"""The JSON API, asked over HTTP and answered by a real keeper."""

import pytest

from protocol.control import Status
from protocol.view import JobView
from services.scene import Camera
from services.tiling.camera import View
from tests.gateway.house import House, code, settled

JOB_FIELDS = set(JobView.model_fields)


async def test_an_empty_world(open_house: House) -> None:
    status, answer, headers = await open_house.get("/api/status")
    assert status == 200
    assert headers["Cache-Control"] == "no-store"
    assert set(answer) == {"ok", *Status.model_fields}
    assert answer["ok"] is True
    assert answer["quadrants"] == 0
    assert sum(answer["counts"].values()) == 0
    _, answer, _ = await open_house.get("/api/map?x0=-5&y0=-5&x1=5&y1=5")
    assert (answer["tiles"], answer["jobs"], answer["extent"], answer["paused"]) == ([], [], None, False)
    assert (await open_house.get("/api/queue"))[1] == {
        "jobs": [],
        "cursor": 0,
        "total": 0,
        "at_least": False,
    }
    assert (await open_house.get("/api/plans"))[1] == {"plans": []}
    assert (await open_house.get("/health"))[:2] == (200, {"ok": True})


async def test_both_shapes_of_a_quadrant_mean_the_same(open_house: House) -> None:
    status, answer = await open_house.post("/api/render", {"quadrants": [[3, -2], {"x": 4, "y": -2}]})
    assert status == 202
    assert set(answer) == {"plan", "jobs", "position", "model_id", "left_out", "left_out_count"}
    assert answer["plan"].startswith("render-")
    assert answer["model_id"] is None
    _, queue, _ = await open_house.get(f"/api/queue?plan={answer['plan']}")
    assert [job["job"] for job in queue["jobs"]] == answer["jobs"]
    assert set(queue["jobs"][0]) == JOB_FIELDS
    drawn = {tuple(cell) for job in queue["jobs"] for cell in job["quadrants"]}
    assert {(3, -2), (4, -2)} <= drawn
    assert {job["kind"] for job in queue["jobs"]} == {"render"}
    assert {job["state"] for job in queue["jobs"]} == {"pending"}


async def test_every_entry_carries_the_model_that_the_page_sent(open_house: House) -> None:
    asked = {
        "quadrants": [[0, 0], [1, 0]],
        "model_id": "chunky",
        "prompt": "rain\r\nfog",
        "negative_prompt": "sun",
    }
    status, answer = await open_house.post("/api/generate", asked)
    assert status == 202
    assert answer["plan"].startswith("generate-")
    assert answer["model_id"] == "chunky"
    _, queue, _ = await open_house.get(f"/api/queue?plan={answer['plan']}&kind=generate")
    (job,) = queue["jobs"]
    assert (job["model_id"], job["prompt"], job["negative_prompt"]) == ("chunky", "rain\nfog", "sun")
    assert sorted(map(tuple, job["quadrants"])) == [(0, 0), (1, 0)]
    assert job["state"] == "blocked"
    _, one, _ = await open_house.get(f"/api/jobs/{job['job']}")
    assert one == {"job": job}
    assert (await open_house.get("/api/queue?model_id=chunky"))[1]["total"] == 1
    assert (await open_house.get("/api/queue?model_id=pixel-art"))[1]["total"] == 0


async def test_without_a_model_the_default_is_named(open_house: House) -> None:
    status, answer = await open_house.post(
        "/api/generate", {"quadrants": [[0, 0]], "model_id": None, "prompt": None}
    )
    assert (status, answer["model_id"]) == (202, "pixel-art")


async def test_fill_says_how_before_it_is_asked_to(busy_house: House) -> None:
    asked = {"rectangle": [10, 10, 13, 12], "name": "North beach", "model_id": "chunky"}
    status, planned = await busy_house.post("/api/fill?dry_run=1", asked)
    assert status == 200
    assert set(planned) == {
        "steps",
        "waves",
        "renders",
        "left_out",
        "left_out_count",
        "repaired",
        "estimate",
    }
    assert planned["waves"] == 3
    assert set(planned["steps"][0]) == {"id", "quadrants", "padding", "scaffold", "after", "wave"}
    covered = {tuple(cell) for step in planned["steps"] for cell in step["quadrants"]}
    assert covered == {(x, y) for x in range(10, 14) for y in range(10, 13)}
    assert (await busy_house.get("/api/plans"))[1] == {"plans": []}

    status, accepted = await busy_house.post("/api/fill", asked)
    assert status == 202
    assert accepted["plan"].startswith("fill-")
    plan = await settled(busy_house, accepted["plan"])
    assert (plan["name"], plan["model_id"]) == ("North beach", "chunky")
    assert (plan["quadrants_total"], plan["quadrants_done"]) == (12, 12)
    _, view, _ = await busy_house.get("/api/map?x0=0&y0=0&x1=30&y1=30")
    drawn = {(tile["x"], tile["y"]) for tile in view["tiles"] if tile["layer"] == "generation"}
    assert drawn == covered
    assert {tile["layer"] for tile in view["tiles"]} <= {"render", "generation", "object", "depth"}
    _, status_now, _ = await busy_house.get("/api/status")
    assert status_now["quadrants"] == 12
    assert view["last"] == status_now["last_event"]
    _, body, _ = await busy_house.picture("/metrics")
    assert b"tilewright_quadrants 12\n" in body
    assert b'tilewright_model_jobs{model_id="chunky",state="complete"}' in body


async def test_a_plan_as_programs_write_it(open_house: House) -> None:
    plan = {"id": "town/first:1", "name": "Town", "rectangle": [0, 0, 1, 1], "unknown": True}
    status, answer = await open_house.post("/api/plans", plan)
    assert (status, answer["plan"], answer["model_id"]) == (202, "town/first:1", "pixel-art")
    status, again = await open_house.post("/api/plans", plan)
    assert (status, again["jobs"]) == (202, answer["jobs"])
    status, dry = await open_house.post("/api/plans?dry_run=1", {"rectangle": [20, 20, 21, 21]})
    assert (status, len(dry["steps"])) == (200, 1)
    status, changed = await open_house.post("/api/plans/town%2Ffirst:1/cancel")
    assert (status, changed["changed"] > 0) == (200, True)
    status, changed = await open_house.post("/api/plans/town/first:1/retry")
    assert status == 200


async def test_pages_of_the_queue(open_house: House) -> None:
    for x in range(0, 10, 2):
        await open_house.post("/api/render", {"quadrants": [[x, 0]]})
    seen: list[int] = []
    cursor = 0
    while True:
        _, page, _ = await open_house.get(f"/api/queue?status=pending,error&limit=2&cursor={cursor}")
        assert page["total"] == 5
        seen += [job["job"] for job in page["jobs"]]
        cursor = page["cursor"]
        if not cursor:
            break
    assert len(seen) == 5
    assert seen == sorted(seen)


async def test_cancel_and_retry(open_house: House) -> None:
    _, asked = await open_house.post("/api/render", {"quadrants": [[0, 0]]})
    (job,) = asked["jobs"]
    assert await open_house.post(f"/api/jobs/{job}/cancel") == (200, {"changed": 1})
    assert (await open_house.get(f"/api/jobs/{job}"))[1]["job"]["state"] == "cancelled"
    assert await open_house.post(f"/api/jobs/{job}/retry") == (200, {"changed": 1})
    assert (await open_house.get(f"/api/jobs/{job}"))[1]["job"]["state"] == "pending"
    status, answer = await open_house.post(f"/api/jobs/{job}/retry")
    assert (status, code(answer)) == (409, "WRONG_STATE")
    assert await open_house.post("/api/queue/clear") == (200, {"changed": 1})
    assert (await open_house.post("/api/queue/retry"))[0] == 200


async def test_pause_and_resume(busy_house: House) -> None:
    assert (await busy_house.post("/api/queue/pause"))[0] == 200
    assert (await busy_house.get("/api/map?x0=0&y0=0&x1=0&y1=0"))[1]["paused"] is True
    _, asked = await busy_house.post("/api/render", {"quadrants": [[0, 0]]})
    assert (await busy_house.post("/api/queue/resume"))[0] == 200
    assert (await settled(busy_house, asked["plan"]))["counts"]["complete"] == 1


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/api/jobs/999", "UNKNOWN_JOB"),
        ("POST", "/api/jobs/999/cancel", "UNKNOWN_JOB"),
        ("POST", "/api/jobs/999/retry", "UNKNOWN_JOB"),
        ("POST", "/api/plans/nobody/cancel", "UNKNOWN_PLAN"),
        ("POST", "/api/plans/nobody/retry", "UNKNOWN_PLAN"),
        ("GET", "/tiles/render/0/0/0", "UNKNOWN_TILE"),
        ("GET", "/tiles/generation/0/0/0?v=12", "UNKNOWN_TILE"),
        ("GET", "/tiles/generation/8/0/0", "UNKNOWN_TILE"),
    ],
)
async def test_what_is_not_there(open_house: House, method: str, path: str, expected: str) -> None:
    status, answer = await open_house.post(path) if method == "POST" else (await open_house.get(path))[:2]
    assert (status, code(answer)) == (404, expected)


async def test_a_quadrant_knows_its_history_and_its_place(busy_house: House) -> None:
    _, asked = await busy_house.post("/api/generate", {"quadrants": [[4, -6]], "prompt": "fog"})
    await settled(busy_house, asked["plan"])
    status, answer, _ = await busy_house.get("/api/quadrants/4/-6")
    assert status == 200
    assert set(answer) == {"x", "y", "versions", "jobs", "latitude", "longitude"}
    newest = next(version for version in answer["versions"] if version["layer"] == "generation")
    assert newest["current"] is True
    assert (newest["plan"], newest["model_id"], newest["prompt"]) == (asked["plan"], "pixel-art", "fog")
    assert len(newest["sha256"]) == 64
    view = View(**Camera().model_dump())
    assert view.quadrant(answer["latitude"], answer["longitude"]) == (4, -6)
    x, y = view.pixel(answer["latitude"], answer["longitude"])
    assert (x / 512, y / 512) == pytest.approx((4.5, -5.5))
