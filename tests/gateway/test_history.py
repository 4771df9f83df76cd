"""What stood on the map and comes back, and what came too late, over HTTP."""

import pytest

from protocol.codec import catalogue
from protocol.errors import ProtocolError
from protocol.work import Ack, Lease, Made, Ready, TileImage
from services.client import Client
from tests.gateway.house import House, Listener, code, settled, until
from tests.gateway.painter import Painter, colour, png
from tests.gateway.test_tiles import FOREVER, image

BLOCK = [[0, 0], [1, 0], [0, 1], [1, 1]]


async def draw(house: House, plan: str, **fields: object) -> dict[tuple[int, int], int]:
    """Draw the block; the versions that stand then."""
    steps = [{"id": "a", "quadrants": BLOCK}]
    status, answer = await house.post("/api/plans", {"id": plan, "steps": steps, **fields})
    assert status == 202, answer
    await settled(house, plan)
    return await standing(house)


async def standing(house: House) -> dict[tuple[int, int], int]:
    _, view, _ = await house.get("/api/map?x0=-9&y0=-9&x1=9&y1=9")
    return {(t["x"], t["y"]): t["version"] for t in view["tiles"] if t["layer"] == "generation"}


async def test_an_older_version_comes_back_for_everybody(busy_house: House) -> None:
    old = await draw(busy_house, "first", prompt="rain")
    new = await draw(busy_house, "second", repair=BLOCK)
    _, found, _ = await busy_house.get("/api/quadrants/0/0")
    drawn = [one for one in found["versions"] if one["layer"] == "generation"]
    assert [(one["version"], one["plan"], one["current"]) for one in drawn] == [
        (new[0, 0], "second", True),
        (old[0, 0], "first", False),
    ]
    assert (drawn[1]["prompt"], drawn[1]["worker"], drawn[1]["attempt"]) == ("rain", "painter-1", 1)
    status, body, headers = await busy_house.picture(f"/tiles/generation/0/0/0?v={old[0, 0]}")
    assert (status, body, headers["Cache-Control"]) == (200, png("generation", 0, 0), FOREVER)
    assert (await busy_house.picture(f"/tiles/generation/0/1/0?v={old[0, 0]}"))[0] == 404
    _, _, before = await busy_house.picture("/tiles/generation/1/0/0")

    _, was, _ = await busy_house.get("/api/status")
    listener = Listener(busy_house, since=was["last_event"])
    status, answer = await busy_house.post("/api/quadrants/0/0/revert", {"version": old[0, 0]})
    assert (status, answer["quadrants"]) == (200, 1)
    assert await standing(busy_house) == new | {(0, 0): old[0, 0]}
    _, status_now, _ = await busy_house.get("/api/status")
    await listener.until_seen(status_now["last_event"])
    await listener.close()
    (change,) = [change for change in listener.changes if change["kind"] == "map"]
    assert (0, 0, old[0, 0]) in {(tile["x"], tile["y"], tile["version"]) for tile in change["tiles"]}
    # The newest version and the count are what they were, and yet it is another picture.
    status, body, after = await busy_house.picture("/tiles/generation/1/0/0", If_None_Match=before["ETag"])
    assert (status, after["ETag"] == before["ETag"]) == (200, False)

    status, answer = await busy_house.post("/api/plans/first/revert")
    assert status in (200, 409)
    status, answer = await busy_house.post("/api/plans/second/revert")
    assert status == 200
    assert new[1, 1] not in (await standing(busy_house)).values()
    status, answer = await busy_house.post("/api/quadrants/1/0/revert", {"version": old[0, 0]})
    assert (status, code(answer)) == (404, "UNKNOWN_TILE")


async def test_a_late_result_is_kept_and_put_on_the_map_by_a_person(open_house: House) -> None:
    client = Client(open_house.sockets.address("work"), catalogue(Lease))
    painter = Painter(open_house)
    # Its renders and the palette come first.
    await open_house.post("/api/queue/pause", {"model_id": "pixel-art"})
    _, asked = await open_house.post("/api/generate", {"quadrants": BLOCK})

    async def ready() -> bool:
        _, page, _ = await open_house.get(f"/api/queue?plan={asked['plan']}&kind=generate&status=pending")
        return bool(page["jobs"])

    await until(ready, "the renders")
    await painter.close()
    await open_house.post("/api/queue/resume", {"model_id": "pixel-art"})
    lease = await client.ask(Ready(worker="slow-1", kinds=["generate"]), Lease)
    await open_house.post(f"/api/jobs/{lease.job}/cancel")
    tiles = [TileImage(layer="generation", x=x, y=y, attachment=i) for i, (x, y) in enumerate(BLOCK)]
    ack = Ack(job=lease.job, token=lease.token, tiles=tiles, made=Made(worker="slow-1", seconds=9.0))
    with pytest.raises(ProtocolError, match="LEASE_LOST"):
        await client.exchange(ack, attachments=[png("generation", x, y) for x, y in BLOCK])

    _, page, _ = await open_house.get("/api/orphans")
    (orphan,) = page["orphans"]
    assert (page["total"], orphan["job"], orphan["worker"], orphan["adoptable"]) == (
        1,
        lease.job,
        "slow-1",
        True,
    )
    assert (await open_house.get("/api/status"))[1]["orphans"] == 1
    assert b"tilewright_orphans 1\n" in (await open_house.picture("/metrics"))[1]
    status, answer = await open_house.post(f"/api/orphans/{orphan['orphan']}/adopt")
    assert (status, answer["quadrants"]) == (200, 4)
    status, body, _ = await open_house.picture("/tiles/generation/0/1/1")
    assert (status, image(body).getpixel((500, 500))) == (200, colour("generation", 1, 1))
    assert (await open_house.get("/api/orphans"))[1]["orphans"] == []
    assert await open_house.post(f"/api/orphans/{orphan['orphan']}/delete") == (200, {})
    await client.close()


async def test_candidates_are_looked_at_and_one_is_put_on_the_map(busy_house: House) -> None:
    body = {"quadrants": BLOCK, "models": ["pixel-art", "chunky"], "seeds": [1, 2]}
    status, asked = await busy_house.post("/api/compare", body, Idempotency_Key="choice")
    assert status == 202, asked
    await settled(busy_house, asked["plan"])
    _, page, _ = await busy_house.get(f"/api/candidates?plan={asked['plan']}")
    first, second = page["candidates"]
    assert [(c["model_id"], c["adoptable"], c["adopted"]) for c in (first, second)] == [
        ("pixel-art", True, False),
        ("chunky", True, False),
    ]
    assert await standing(busy_house) == {}
    path = f"/api/orphans/{second['orphan']}/generation/1/1"
    status, content, headers = await busy_house.picture(path)
    assert (status, content, headers["Cache-Control"]) == (200, png("generation", 1, 1), FOREVER)
    assert await busy_house.post(f"/api/orphans/{second['orphan']}/adopt") == (
        200,
        {"quadrants": 4, "stale": 0, "skipped": 0},
    )
    assert (await standing(busy_house)).keys() == {(x, y) for x, y in BLOCK}
    _, found, _ = await busy_house.get("/api/quadrants/0/0")
    version = next(one for one in found["versions"] if one["layer"] == "generation")
    assert (version["model_id"], version["job"], version["plan"]) == ("chunky", second["job"], asked["plan"])
    assert (await busy_house.post(f"/api/orphans/{first['orphan']}/delete"))[0] == 200
    _, page, _ = await busy_house.get("/api/candidates")
    assert [(c["orphan"], c["adopted"]) for c in page["candidates"]] == [(second["orphan"], True)]
    status, answer = await busy_house.post("/api/compare", {"quadrants": [[9, 9]], "models": ["nothing"]})
    assert (status, code(answer)) == (400, "UNKNOWN_MODEL")
