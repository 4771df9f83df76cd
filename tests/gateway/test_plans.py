"""Plans over HTTP: any region, looked at before it is asked for, repaired, planned anew."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.scene import Camera
from services.tiling.camera import View
from tests.gateway.house import CONFIG, House, code, settled
from tests.studio.painter import Painter

GROUND = View(**Camera().model_dump())
LONE = [(0, 0), (2, 0)]
"""Two finished quadrants with one between them: what lies against both cannot be drawn without a seam."""


@pytest.fixture
async def painter(open_house: House) -> AsyncIterator[Painter]:
    painter = Painter(open_house)
    yield painter
    await painter.close()


def square(x0: float, y0: float, x1: float, y1: float) -> dict[str, Any]:
    """The polygon on the ground that the camera sees between two corners, given in quadrants."""
    corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)]
    places = [GROUND.place(x * 512, y * 512) for x, y in corners]
    return {
        "type": "Polygon",
        "coordinates": [[[longitude, latitude] for latitude, longitude in places]],
    }


async def generate(house: House, *cells: tuple[int, int]) -> dict[str, Any]:
    status, answer = await house.post("/api/generate", {"quadrants": cells})
    assert status == 202, answer
    return await settled(house, answer["plan"])


def drawn(planned: dict[str, Any]) -> set[tuple[int, int]]:
    return {(x, y) for step in planned["steps"] for x, y in step["quadrants"]}


async def finished(house: House) -> dict[tuple[int, int], int]:
    _, view, _ = await house.get("/api/map?x0=-50&y0=-50&x1=50&y1=50")
    return {(t["x"], t["y"]): t["version"] for t in view["tiles"] if t["layer"] == "generation"}


@pytest.mark.parametrize(
    ("region", "quadrants"),
    [
        ({"rectangle": [5, 7, 4, 6]}, {(4, 6), (5, 6), (4, 7), (5, 7)}),
        ({"quadrants": [[0, 0], {"x": 9, "y": -3}, [0, 0]]}, {(0, 0), (9, -3)}),
        ({"polygon": square(1.2, 1.2, 2.8, 1.8)}, {(1, 1), (2, 1)}),
        (
            {"polygon": {"type": "Feature", "properties": {}, "geometry": square(-0.5, 0.2, 0.5, 0.8)}},
            {(-1, 0), (0, 0)},
        ),
    ],
)
async def test_a_region_is_given_in_any_of_three_ways(
    open_house: House, region: dict[str, Any], quadrants: set[tuple[int, int]]
) -> None:
    status, planned = await open_house.post("/api/fill?dry_run=1", region)
    assert status == 200, planned
    assert drawn(planned) == quadrants
    assert planned["estimate"]["quadrants"] == len(quadrants)
    assert (
        sum(planned["estimate"]["shapes"].values()) == planned["estimate"]["calls"] == len(planned["steps"])
    )
    assert (await open_house.get("/api/plans"))[1] == {"plans": []}
    status, accepted = await open_house.post("/api/fill", region)
    assert (status, accepted["left_out"], accepted["left_out_count"]) == (202, [], 0)
    _, queue, _ = await open_house.get(f"/api/queue?plan={accepted['plan']}&kind=generate")
    assert {tuple(cell) for job in queue["jobs"] for cell in job["quadrants"]} == quadrants


async def test_the_estimate_is_of_the_model_asked_for(house: House) -> None:
    models = [
        {**model, "cost_per_image": 0.25, "max_concurrency": 2} if model["model_id"] == "chunky" else model
        for model in CONFIG["models"]
    ]
    house.configure(models=models)
    await house.open("keeper", "gateway")
    _, listed, _ = await house.get("/api/models")
    stated = {one["model_id"]: (one["cost_per_image"], one["max_concurrency"]) for one in listed["models"]}
    assert (stated["chunky"], stated["pixel-art"]) == ((0.25, 2), (None, None))
    painter = Painter(house)
    region = {"rectangle": [0, 0, 4, 4]}
    _, without = await house.post("/api/fill?dry_run=1", {**region, "model_id": "chunky"})
    assert without["estimate"]["seconds_p50"] is None
    assert without["estimate"]["cost"] == 0.25 * len(without["steps"])
    assert 1 <= without["estimate"]["concurrency"] <= 2
    await generate(house, (10, 10))
    _, other = await house.post("/api/fill?dry_run=1", region)
    assert other["estimate"]["cost"] is None
    assert other["estimate"]["seconds_p90"] >= other["estimate"]["seconds_p50"] > 0
    await painter.close()


async def test_what_cannot_be_filled_is_left_out_or_repaired(open_house: House, painter: Painter) -> None:
    for cell in LONE:
        await generate(open_house, cell)
    before = await finished(open_house)
    region = {"rectangle": [-3, -2, 3, 1]}
    _, planned = await open_house.post("/api/fill?dry_run=1", region)
    left = {tuple(one["quadrant"]): one["reason"] for one in planned["left_out"]}
    assert planned["left_out_count"] == len(left) > 0
    assert planned["repaired"] == []
    assert not set(left) & drawn(planned)
    assert all("seam" in reason and reason.endswith(".") for reason in left.values())

    status, accepted = await open_house.post("/api/fill", region)
    assert status == 202
    assert accepted["left_out"] == planned["left_out"]
    assert accepted["left_out_count"] == planned["left_out_count"]
    await settled(open_house, accepted["plan"])
    now = await finished(open_house)
    everything = {(x, y) for x in range(-3, 4) for y in range(-2, 2)}
    assert set(now) == everything - set(left)
    assert {cell: now[cell] for cell in LONE} == {cell: before[cell] for cell in LONE}

    _, planned = await open_house.post("/api/fill?dry_run=1", {**region, "repair": True})
    assert planned["left_out"] == []
    repaired = {tuple(cell) for cell in planned["repaired"]}
    assert repaired and repaired <= set(now)
    _, accepted = await open_house.post("/api/fill", {**region, "repair": True})
    await settled(open_house, accepted["plan"])
    after = await finished(open_house)
    assert set(after) == everything
    assert {cell for cell in now if after[cell] != now[cell]} == repaired


async def test_nothing_is_accepted_where_nothing_can_be_filled(open_house: House, painter: Painter) -> None:
    for cell in LONE:
        await generate(open_house, cell)
    status, answer = await open_house.post("/api/fill", {"quadrants": [[1, 0]]})
    assert (status, code(answer)) == (409, "SEAM")
    assert "1,0" in answer["error"]["message"]


async def test_a_plan_of_steps_is_proved_dry_and_changes_nothing(open_house: House) -> None:
    steps = [
        {"id": "a", "quadrants": [[0, 0], [1, 0], [0, 1], [1, 1]]},
        {"id": "b", "quadrants": [[2, 0], [2, 1]], "after": ["a"]},
    ]
    status, planned = await open_house.post("/api/plans?dry_run=1", {"id": "p", "steps": steps})
    assert status == 200
    assert [(step["id"], step["wave"]) for step in planned["steps"]] == [("a", 1), ("b", 2)]
    assert planned["estimate"]["shapes"] == {"2x2": 1, "2x1": 0, "1x2": 1, "1x1": 0}
    status, answer = await open_house.post(
        "/api/plans?dry_run=1", {"id": "p", "steps": [*steps, {"id": "c", "quadrants": [[3, 0], [4, 0]]}]}
    )
    assert status in (400, 409)
    assert "c" in answer["error"]["message"] + answer["error"]["details"]
    assert (await open_house.get("/api/plans"))[1] == {"plans": []}


async def test_what_is_left_of_a_plan_is_planned_anew(open_house: House, painter: Painter) -> None:
    painter.failures.append("The model answered 500.")
    asked = {"rectangle": [0, 0, 5, 2], "name": "Pier", "model_id": "chunky", "prompt": "fog"}
    _, accepted = await open_house.post("/api/fill", asked)
    plan = await settled(open_house, accepted["plan"])
    assert (plan["stuck"], plan["failed"]) == (True, 1)
    assert plan["held"] > 0
    assert "The model answered 500." in plan["reason"]
    held = (await open_house.get("/api/queue?held=1"))[1]
    assert held["total"] == plan["held"]
    _, errors, _ = await open_house.get("/api/queue?status=error")
    assert {job["held_by"] for job in held["jobs"]} == {errors["jobs"][0]["job"]}
    done = await finished(open_house)

    address = f"/api/plans/{accepted['plan']}/replan"
    status, planned = await open_house.post(f"{address}?dry_run=1")
    everything = {(x, y) for x in range(6) for y in range(3)}
    assert (status, drawn(planned)) == (200, everything - set(done))
    assert (await settled(open_house, accepted["plan"]))["stuck"] is True

    first, second = await asyncio.gather(*(open_house.post(address, {}, Idempotency_Key="k") for _ in "ab"))
    assert first[0] == second[0] == 202
    assert first[1]["plan"] == second[1]["plan"]
    anew = await settled(open_house, first[1]["plan"])
    assert (anew["name"], anew["model_id"], anew["stuck"]) == ("Pier", "chunky", False)
    now = await finished(open_house)
    assert set(now) == everything
    assert {cell: now[cell] for cell in done} == done
    _, queue, _ = await open_house.get(f"/api/queue?plan={anew['plan']}&kind=generate")
    assert {(job["model_id"], job["prompt"]) for job in queue["jobs"]} == {("chunky", "fog")}
    assert (await settled(open_house, accepted["plan"]))["stuck"] is False


async def test_a_plan_that_can_go_on_is_not_planned_anew(open_house: House, painter: Painter) -> None:
    status, answer = await open_house.post("/api/plans/nobody/replan")
    assert (status, code(answer)) == (404, "UNKNOWN_PLAN")
    painter.may_paint.clear()
    _, accepted = await open_house.post("/api/fill", {"rectangle": [0, 0, 2, 2]})
    for query in ("", "?dry_run=1"):
        status, answer = await open_house.post(f"/api/plans/{accepted['plan']}/replan{query}")
        assert (status, code(answer)) == (409, "WRONG_STATE")
    painter.may_paint.set()
    await settled(open_house, accepted["plan"])
    status, answer = await open_house.post(f"/api/plans/{accepted['plan']}/replan")
    assert (status, code(answer)) == (409, "WRONG_STATE")


async def test_too_large_a_region_is_refused_whole(open_house: House) -> None:
    for region in (
        {"rectangle": [0, 0, 1_000, 1_000]},
        {"rectangle": [-900_000, 0, 900_000, 0]},
        {"polygon": square(0.5, 0.5, 520.5, 520.5)},
    ):
        for query in ("", "?dry_run=1"):
            status, answer = await open_house.post(f"/api/fill{query}", region)
            assert status in (400, 413), answer
            assert code(answer) in ("BAD_PLAN", "BAD_REQUEST", "TOO_LARGE")
    assert (await open_house.get("/api/plans"))[1] == {"plans": []}


async def test_a_city_is_looked_at_in_one_request(open_house: House) -> None:
    status, planned = await open_house.post("/api/fill?dry_run=1", {"rectangle": [0, 0, 199, 199]})
    assert (status, planned["waves"], len(planned["steps"])) == (200, 3, planned["estimate"]["calls"])
    assert len(drawn(planned)) == 40_000
    status, _, _ = await open_house.get("/api/status")
    assert status == 200
