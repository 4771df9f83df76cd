"""What is asked for again with the same key is done once, also across the death of a service."""

import asyncio
import signal
from typing import Any

from tests.gateway.house import House, code, until


async def test_asking_again_with_the_same_key_changes_nothing(open_house: House) -> None:
    asked = {"quadrants": [[0, 0]]}
    first = await open_house.post("/api/generate", asked, Idempotency_Key="press 1")
    assert first[0] == 202
    assert await open_house.post("/api/generate", asked, Idempotency_Key="press 1") == first
    status, answer = await open_house.post(
        "/api/generate", {"quadrants": [[9, 9]]}, Idempotency_Key="press 1"
    )
    assert (status, code(answer)) == (409, "CONFLICT")
    # A gateway that has forgotten still names the same plan.
    open_house.end("gateway")
    await open_house.open("gateway")
    status, answer = await open_house.post("/api/generate", asked, Idempotency_Key="press 1")
    assert (status, answer["plan"], answer["jobs"]) == (202, first[1]["plan"], first[1]["jobs"])
    assert len((await open_house.get("/api/plans"))[1]["plans"]) == 1


async def test_two_at_once_with_the_same_key_are_one(open_house: House) -> None:
    asked = {"rectangle": [0, 0, 3, 3]}
    answers = await asyncio.gather(
        *(open_house.post("/api/fill", asked, Idempotency_Key="k") for _ in range(5))
    )
    assert {status for status, _ in answers} == {202}
    assert len({answer["plan"] for _, answer in answers}) == 1
    assert len((await open_house.get("/api/plans"))[1]["plans"]) == 1


async def test_what_was_cleared_with_a_key_is_not_cleared_again(open_house: House) -> None:
    await open_house.post("/api/render", {"quadrants": [[0, 0]]})
    first = await open_house.post("/api/queue/clear", {}, Idempotency_Key="c")
    assert first[1]["changed"] == 1
    await open_house.post("/api/render", {"quadrants": [[40, 0]]})
    assert await open_house.post("/api/queue/clear", {}, Idempotency_Key="c") == first
    assert (await open_house.get("/api/status"))[1]["counts"]["pending"] == 1


async def test_a_keeper_that_is_killed_comes_back_and_nothing_is_lost(mortal_house: House) -> None:
    house = mortal_house
    await house.open("keeper", "gateway")
    _, asked = await house.post("/api/render", {"quadrants": [[0, 0]]}, Idempotency_Key="k")
    house.end("keeper", signal.SIGKILL)
    status, answer = await house.post("/api/render", {"quadrants": [[8, 0]]}, Idempotency_Key="l")
    assert (status, code(answer)) == (503, "UNAVAILABLE")
    house.start("keeper")

    async def again() -> dict[str, Any] | None:
        status, answer = await house.post("/api/render", {"quadrants": [[8, 0]]}, Idempotency_Key="l")
        return answer if status == 202 else None

    await until(again, "the keeper to be back")
    _, queue, _ = await house.get("/api/queue")
    assert queue["total"] == 2
    assert queue["jobs"][0]["job"] == asked["jobs"][0]
