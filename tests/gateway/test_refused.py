"""What the API refuses of what could be drawn, and why it says so."""

from typing import Any

import pytest

from tests.gateway.house import House, code, settled


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/generate", {"quadrants": [[0, 0]], "model_id": "nobody"}),
        ("/api/fill", {"rectangle": [0, 0, 1, 1], "model_id": "nobody"}),
        ("/api/plans", {"id": "p", "rectangle": [0, 0, 1, 1], "model_id": "nobody"}),
        (
            "/api/plans",
            {
                "id": "p",
                "steps": [{"id": "s", "quadrants": [[0, 0], [0, 1], [1, 0], [1, 1]], "model_id": "nobody"}],
            },
        ),
    ],
)
async def test_an_unknown_model_is_refused_with_the_known_ones(
    open_house: House, path: str, body: dict[str, Any]
) -> None:
    status, answer = await open_house.post(path, body)
    assert (status, code(answer)) == (400, "UNKNOWN_MODEL")
    for known in ("pixel-art", "chunky", "paid", "keyless"):
        assert known in answer["error"]["details"]
    assert (await open_house.get("/api/queue"))[1]["total"] == 0


async def test_a_model_that_cannot_be_called_is_refused_with_the_reason(open_house: House) -> None:
    status, answer = await open_house.post("/api/generate", {"quadrants": [[0, 0]], "model_id": "keyless"})
    assert (status, code(answer)) == (409, "MODEL_UNAVAILABLE")
    assert "NO_SUCH_KEY" in answer["error"]["message"]


async def test_generate_refuses_rather_than_make_a_seam(busy_house: House) -> None:
    block = [[0, 0], [1, 0], [0, 1], [1, 1]]
    _, answer = await busy_house.post("/api/generate", {"quadrants": block})
    assert (await settled(busy_house, answer["plan"]))["quadrants_done"] == 4
    status, answer = await busy_house.post("/api/generate", {"quadrants": [[2, 0], [3, 0], [2, 1], [3, 1]]})
    assert (status, code(answer)) == (409, "SEAM")
    assert "seam" in answer["error"]["message"]


async def test_ground_that_another_plan_has_reserved_is_a_conflict(open_house: House) -> None:
    _, first = await open_house.post("/api/fill", {"rectangle": [0, 0, 4, 4]})
    status, answer = await open_house.post("/api/generate", {"quadrants": [[2, 2]]})
    assert (status, code(answer)) == (409, "CONFLICT")
    assert first["plan"] in answer["error"]["message"] + answer["error"]["details"]


@pytest.mark.parametrize(
    ("plan", "word"),
    [
        ({}, "steps or a rectangle"),
        ({"id": "a b", "rectangle": [0, 0, 1, 1]}, "id"),
        ({"id": "p", "rectangle": [0, 0, 1, 1e9]}, "rectangle[3]"),
        ({"id": "p", "steps": [{"id": "s", "quadrants": [[0, "1"]]}]}, "steps[0].quadrants[0].y"),
        ({"id": "p", "steps": [{"id": "s", "kind": "paint", "quadrants": [[0, 1]]}]}, "steps[0].kind"),
    ],
)
async def test_a_bad_plan_is_refused_whole(open_house: House, plan: dict[str, Any], word: str) -> None:
    status, answer = await open_house.post("/api/plans", plan)
    assert (status, code(answer)) == (400, "BAD_PLAN")
    assert word in answer["error"]["message"]
    assert (await open_house.get("/api/plans"))[1] == {"plans": []}


async def test_a_plan_that_waits_for_itself_is_refused_by_the_keeper(open_house: House) -> None:
    steps = [
        {"id": "a", "quadrants": [[0, 0], [1, 0], [0, 1], [1, 1]], "after": ["b"]},
        {"id": "b", "quadrants": [[3, 0], [4, 0], [3, 1], [4, 1]], "after": ["a"]},
    ]
    status, answer = await open_house.post("/api/plans", {"id": "p", "steps": steps})
    assert (status, code(answer)) == (400, "BAD_PLAN")
