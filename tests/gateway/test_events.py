"""Server-sent events: in order, none lost, none twice, whatever dies meanwhile."""

import asyncio
import signal
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.gateway.house import House, Listener, until


@pytest.fixture
async def listeners() -> AsyncIterator[list[Listener]]:
    made: list[Listener] = []
    yield made
    for listener in made:
        await listener.close()


async def last_event(house: House) -> int:
    async def look() -> int | None:
        status, answer, _ = await house.get("/api/status")
        return answer["last_event"] if status == 200 else None

    return await until(look, "the keeper to answer")


async def work(house: House, x: int) -> int:
    """Make something happen and say what the newest event is then."""
    await house.post("/api/render", {"quadrants": [[x, 0]]})
    return await last_event(house)


async def listening(house: House, count: int) -> None:
    async def look() -> bool:
        _, body, _ = await house.picture("/metrics")
        return f"tilewright_event_listeners {count}\n".encode() in body

    await until(look, f"{count} listeners")


async def test_what_happens_is_told_as_it_happens(open_house: House, listeners: list[Listener]) -> None:
    before = await work(open_house, 0)
    listeners.append(Listener(open_house))
    await listening(open_house, 1)
    last = await work(open_house, 4)
    await listeners[0].until_seen(last)
    seen = listeners[0].seen
    # It begins at what the gateway has heard, which may be a little behind the keeper.
    assert seen[0] <= before + 1
    assert seen == list(range(seen[0], last + 1))
    changes = listeners[0].changes
    assert {change["kind"] for change in changes} <= {"job", "plan"}
    job = next(change for change in changes if change["kind"] == "job")
    assert set(job) == {
        "kind",
        "job",
        "plan",
        "job_kind",
        "state",
        "model_id",
        "layer",
        "quadrants",
        "attempt",
        "reason",
        "tiles",
    }


async def test_a_listener_begins_where_it_says(open_house: House, listeners: list[Listener]) -> None:
    last = 0
    for x in range(0, 20, 2):
        last = await work(open_house, x)
    listeners += [Listener(open_house, since=0), Listener(open_house, since=last - 3)]
    await listeners[0].until_seen(last)
    await listeners[1].until_seen(last)
    assert listeners[0].seen == list(range(1, last + 1))
    assert listeners[1].seen == [last - 2, last - 1, last]


async def test_a_pause_is_heard(open_house: House, listeners: list[Listener]) -> None:
    listeners.append(Listener(open_house, since=0))
    await open_house.post("/api/queue/pause")
    await listeners[0].until_seen(1)
    said = {"kind": "queue", "paused": True, "model_id": "", "plan": "", "reason": ""}
    assert listeners[0].changes == [said]


async def test_a_listener_from_another_world_hears_what_happens_now(
    open_house: House, listeners: list[Listener]
) -> None:
    before = await work(open_house, 0)
    listeners.append(Listener(open_house, since=before + 1_000))
    await listening(open_house, 1)
    last = await work(open_house, 4)
    await listeners[0].until_seen(last)
    assert listeners[0].seen == list(range(before + 1, last + 1))


async def test_nothing_is_lost_or_told_twice_across_restarts(
    mortal_house: House, listeners: list[Listener]
) -> None:
    house = mortal_house
    await house.open("keeper", "gateway")
    listeners.append(Listener(house, since=0))
    await listeners[0].until_seen(await work(house, 0))

    house.end("gateway")
    await house.open("gateway")
    await listeners[0].until_seen(await work(house, 4))

    house.end("gateway", signal.SIGKILL)
    await house.open("gateway")
    await work(house, 8)

    house.end("keeper", signal.SIGKILL)
    await listeners[0].until_named("down")
    house.start("keeper")
    await listeners[0].until_named("up")

    last = await work(house, 12)
    await listeners[0].until_seen(last)
    assert listeners[0].seen == list(range(1, last + 1))


async def test_a_page_opened_while_the_keeper_is_away_is_told_so(
    house: House,
) -> None:
    await house.open("gateway")
    listener = Listener(house)
    await listener.until_named("down")
    house.start("keeper")
    await listener.until_named("up")
    last = await work(house, 0)
    await listener.until_seen(last)
    assert listener.named == ["down", "up"]
    await listener.close()


async def test_a_reader_that_does_not_read_holds_up_nobody(
    open_house: House, listeners: list[Listener]
) -> None:
    listeners.append(Listener(open_house, since=0))
    deaf = await open_house.session.get(await open_house.url("/api/events?since=0"))
    await listening(open_house, 2)
    last = 0
    for x in range(0, 40, 2):
        last = await work(open_house, x)
    await listeners[0].until_seen(last)
    assert listeners[0].seen == list(range(1, last + 1))
    deaf.close()
    await listening(open_house, 1)


async def test_the_sixty_fifth_listener_is_told_to_come_back(open_house: House) -> None:
    url = await open_house.url("/api/events")
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        open_ones = await asyncio.gather(*(session.get(url) for _ in range(64)))
        status, answer, headers = await open_house.get("/api/events")
        assert (status, answer["error"]["code"], headers["Retry-After"]) == (503, "BUSY", "2")
        for one in open_ones:
            one.close()
    await listening(open_house, 0)
    async with open_house.session.get(url) as answer_now:
        assert answer_now.status == 200
