"""What does not come in: other sites, other hosts, other types, too much of anything."""

import asyncio
import gzip
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
from yarl import URL

from protocol.errors import Code, ProtocolError
from services.gateway.refusal import refusal
from tests.gateway.house import House, until


@pytest.fixture(scope="module")
def alone() -> Iterator[House]:
    """A gateway without a keeper: most of this needs none."""
    folder = Path(tempfile.mkdtemp(prefix="tw-"))
    house = House(folder)
    house.start("gateway")
    yield house
    house.close()
    shutil.rmtree(folder)


@pytest.fixture
async def door(alone: House) -> AsyncIterator[House]:
    """The one gateway of this module, asked by this test."""
    async with aiohttp.ClientSession() as alone.session:
        await alone.url("")
        yield alone
    assert "gateway" not in alone.processes or alone.processes["gateway"].poll() is None, alone.out("gateway")


async def raw(house: House, request: bytes) -> bytes:
    """What comes back for these bytes, until the gateway closes the connection."""
    address = urlsplit(await house.url("/"))
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(request)
    await writer.drain()
    answer = await asyncio.wait_for(reader.read(), 30)
    writer.close()
    return answer


def code(answer: object) -> str:
    assert isinstance(answer, dict)
    assert set(answer) == {"error"}
    assert set(answer["error"]) == {"code", "message", "details"}
    return str(answer["error"]["code"])


@pytest.mark.parametrize("host", ["attacker.example", "127.0.0.1.attacker.example", "", "[::1", "evil@x:80"])
async def test_a_page_that_rebinds_its_name_gets_nothing(door: House, host: str) -> None:
    status, answer, _ = await door.get("/api/models", headers={"Host": host})
    assert (status, code(answer)) == (421, "FORBIDDEN")


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "LOCALHOST:1", "[::1]:8080"])
async def test_names_of_this_machine_are_served(door: House, host: str) -> None:
    status, _, _ = await door.get("/api/models", headers={"Host": host})
    assert status == 200


async def test_the_configured_host_is_served(house: House) -> None:
    house.configure(http={"host": "127.0.0.2", "port": 0})
    address = await house.open("gateway")
    assert address.startswith("http://127.0.0.2:")
    status, _, _ = await house.get("/api/models")
    assert status == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:1", "file://", "http://["]
)
async def test_pages_of_other_sites_may_not_ask(door: House, origin: str) -> None:
    status, answer = await door.post("/api/queue/clear", {}, Origin=origin)
    assert (status, code(answer)) == (403, "FORBIDDEN")
    status, answer, _ = await door.get("/api/events", headers={"Origin": origin})
    assert (status, code(answer)) == (403, "FORBIDDEN")


async def test_the_own_page_may_ask(door: House) -> None:
    origin = (await door.url("")).rstrip("/")
    status, answer = await door.post("/api/render", {"quadrants": []}, Origin=origin)
    assert (status, code(answer)) == (400, "BAD_REQUEST")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_a_form_of_another_site_is_not_json(door: House, kind: str) -> None:
    url = await door.url("/api/queue/clear")
    async with door.session.post(url, data=b"{}", headers={"Content-Type": kind}) as answer:
        assert (answer.status, code(await answer.json())) == (415, "UNSUPPORTED_MEDIA")


async def test_a_compressed_body_is_refused_unopened(door: House) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    url = await door.url("/api/render")
    async with door.session.post(url, data=gzip.compress(bytes(1 << 20)), headers=headers) as answer:
        assert (answer.status, code(await answer.json())) == (415, "UNSUPPORTED_MEDIA")


@pytest.mark.parametrize(
    ("path", "limit"), [("/api/render", 64 << 10), ("/api/fill", 1 << 20), ("/api/plans", 8 << 20)]
)
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_the_limit_is_refused(door: House, path: str, limit: int, chunked: bool) -> None:
    body = json.dumps({"quadrants": [[0, 0]], "pad": "x" * limit}).encode()

    async def parts():
        for first in range(0, len(body), 8_192):
            yield body[first : first + 8_192]

    headers = {"Content-Type": "application/json"}
    async with door.session.post(
        await door.url(path), data=parts() if chunked else body, headers=headers
    ) as answer:
        assert (answer.status, code(await answer.json())) == (413, "TOO_LARGE")


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"", "quadrants"),
        (b"nonsense", "line 1, column 1"),
        (b"\xff\xfe{\x00}\x00", "UTF-8"),
        (b"[]", "object"),
        (b'"x"', "object"),
        (b"[" * 60_000, "deeply"),
        (b'{"quadrants":' + b"[" * 60_000, "deeply"),
        (b'{"quadrants": [[NaN, 0]]}', "NaN"),
        (b'{"quadrants": [[Infinity, 0]]}', "Infinity"),
        (b'{"quadrants": [[1e999, 0]]}', "too large"),
        (b'{"quadrants": [[0, 0]], "quadrants": [[1, 1]]}', "twice"),
        (b'{"quadrants": [[' + b"9" * 5_000 + b", 0]]}", "JSON"),
        (b'{"quadrants": []}', "quadrants"),
        (b'{"quadrants": {}}', "quadrants"),
        (b'{"quadrants": [[0]]}', "quadrants[0]"),
        (b'{"quadrants": [[0, 0, 0]]}', "quadrants[0]"),
        (b'{"quadrants": [[0, 0], [1.5, 0]]}', "quadrants[1].x"),
        (b'{"quadrants": [[1.0, 0]]}', "quadrants[0].x"),
        (b'{"quadrants": [["abc", 0]]}', "quadrants[0].x"),
        (b'{"quadrants": [["1", 0]]}', "quadrants[0].x"),
        (b'{"quadrants": [[true, 0]]}', "quadrants[0].x"),
        (b'{"quadrants": [[0, null]]}', "quadrants[0].y"),
        (b'{"quadrants": [[0, 1000001]]}', "quadrants[0].y"),
        (b'{"quadrants": [[-1000000000, 0]]}', "quadrants[0].x"),
        (b'{"quadrants": [[1' + b"0" * 30 + b", 0]]}", "quadrants[0].x"),
        (b'{"quadrants": [{"x": 1}]}', "quadrants[0]: y is missing"),
        (b'{"quadrants": [{"x": 1, "y": 2.5}]}', "quadrants[0].y"),
        (b'{"quadrants": [0, 0]}', "quadrants[0]"),
    ],
)
async def test_a_bad_body_is_answered_by_what_is_wrong(door: House, body: bytes, word: str) -> None:
    url = await door.url("/api/render")
    async with door.session.post(url, data=body, headers={"Content-Type": "application/json"}) as answer:
        content = await answer.json()
        assert (answer.status, code(content)) == (400, "BAD_REQUEST")
        assert word in content["error"]["message"]


SQUARE = [[-122.45, 37.76], [-122.44, 37.76], [-122.44, 37.77], [-122.45, 37.77], [-122.45, 37.76]]
BOW_TIE = [[-122.45, 37.76], [-122.44, 37.77], [-122.44, 37.76], [-122.45, 37.77], [-122.45, 37.76]]
WORLD = [[-179, -80], [179, -80], [179, 80], [-179, 80], [-179, -80]]


def polygon(*rings: object) -> dict[str, object]:
    return {"type": "Polygon", "coordinates": list(rings)}


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({}, "exactly one of rectangle, quadrants and polygon"),
        ({"rectangle": [0, 0, 1, 1], "quadrants": [[0, 0]]}, "exactly one of"),
        ({"rectangle": [0, 0, 1, 1], "polygon": polygon(SQUARE)}, "exactly one of"),
        ({"rectangle": None, "quadrants": None, "polygon": None}, "exactly one of"),
        ({"rectangle": [0, 0, 1]}, "rectangle"),
        ({"rectangle": [0, 0, 1, 1_000_001]}, "rectangle[3]"),
        ({"rectangle": {"x0": 0}}, "rectangle"),
        ({"quadrants": []}, "quadrants"),
        ({"quadrants": [[0, 0], [0.5, 0]]}, "quadrants[1].x"),
        ({"quadrants": "0,0"}, "quadrants"),
        ({"rectangle": [0, 0, 1, 1], "repair": "yes"}, "repair"),
        ({"rectangle": [0, 0, 1, 1], "repair": 1}, "repair"),
        ({"rectangle": [0, 0, 1, 1], "name": "x" * 301}, "name"),
        ({"rectangle": [0, 0, 1, 1], "name": 7}, "name"),
        ({"polygon": []}, "polygon"),
        ({"polygon": "Polygon"}, "polygon"),
        ({"polygon": {}}, "polygon.type: "),
        ({"polygon": {"type": "Point", "coordinates": [0, 0]}}, "polygon.type: A Point has no area"),
        ({"polygon": {"type": "Polygon"}}, "polygon.coordinates: It is missing"),
        ({"polygon": {"type": "Polygon", "coordinates": []}}, "polygon.coordinates: "),
        ({"polygon": polygon(SQUARE[:2])}, "fewer than 3"),
        ({"polygon": polygon(BOW_TIE)}, "polygon.coordinates"),
        ({"polygon": polygon([*SQUARE[:2], ["x", 0]])}, "polygon.coordinates[0][2]: A position is expected"),
        ({"polygon": polygon([*SQUARE[:2], [37.76, -122.45]])}, "longitude comes first"),
        ({"polygon": polygon([*SQUARE[:2], [10**400, 0]])}, "polygon.coordinates[0][2][0]"),
        ({"polygon": polygon(WORLD)}, "polygon.coordinates"),
        ({"polygon": {"type": "FeatureCollection", "features": []}}, "polygon.features: "),
    ],
)
@pytest.mark.parametrize("query", ["", "?dry_run=1"])
async def test_a_bad_region_is_refused_by_what_is_wrong(
    door: House, body: dict[str, object], word: str, query: str
) -> None:
    status, answer = await door.post(f"/api/fill{query}", body)
    assert (status, code(answer)) == (400, "BAD_REQUEST")
    assert word in answer["error"]["message"]


@pytest.mark.parametrize(
    ("path", "body", "word"),
    [
        ("/api/fill?dry_run=yes", {"rectangle": [0, 0, 1, 1]}, "dry_run"),
        ("/api/plans?dry_run=2", {"rectangle": [0, 0, 1, 1]}, "dry_run"),
        ("/api/plans/p/replan?dry_run=", {}, "dry_run"),
        ("/api/plans/p/replan", {"repair": "1"}, "repair"),
        ("/api/render", {"quadrants": [[0, 0]], "modle_id": "x"}, "modle_id"),
        ("/api/jobs/1/cancel", {"plan": "p"}, "plan"),
        ("/api/plans/p/retry", {"where": {}}, "where"),
        ("/api/plans/p/revert", {"version": 1}, "version"),
        ("/api/plans/a%20b/revert", {}, "id"),
        ("/api/queue/clear", {"where": {"plan": "p"}}, "where"),
        ("/api/queue/pause", {"model": "m"}, "model"),
        ("/api/queue/pause", {"model_id": "a b"}, "model_id"),
        ("/api/queue/resume", {"plan": 7}, "plan"),
        ("/api/queue/cancel", {}, "where"),
        ("/api/queue/cancel", {"where": {"modle_id": "m"}}, "where.modle_id"),
        ("/api/queue/cancel", {"where": {"states": ["done"]}}, "where.states[0]"),
        ("/api/queue/cancel", {"where": {"states": "error"}}, "where.states"),
        ("/api/queue/cancel", {"where": {"held": 1}}, "where.held"),
        ("/api/queue/retry", {"plan": "p"}, "plan"),
        ("/api/queue/retry", {"where": {"error_class": "odd"}}, "where.error_class"),
        ("/api/queue/retry", {"where": {"text": ""}}, "where.text"),
        ("/api/queue/retry", {"where": {"kind": "paint"}}, "where.kind"),
        ("/api/queue/move", {"jobs": [], "to": "front"}, "jobs"),
        ("/api/queue/move", {"jobs": [0], "to": "front"}, "jobs[0]"),
        ("/api/queue/move", {"jobs": [1.0], "to": "front"}, "jobs[0]"),
        ("/api/queue/move", {"jobs": [1] * 501, "to": "front"}, "jobs"),
        ("/api/queue/move", {"jobs": [1], "to": "top"}, "to"),
        ("/api/queue/move", {"jobs": [1]}, "to"),
        ("/api/queue/edit", {"jobs": [1], "priority": 1_001}, "priority"),
        ("/api/queue/edit", {"jobs": [1], "priority": True}, "priority"),
        ("/api/queue/edit", {"jobs": [1], "prompt": "x" * 8_001}, "prompt"),
        ("/api/queue/edit", {"jobs": [1], "prompt": "\x00"}, "prompt"),
        ("/api/queue/edit", {"jobs": [1], "lane": "fast"}, "lane"),
        ("/api/queue/edit", {"jobs": [1], "promt": "x"}, "promt"),
        ("/api/queue/import", {}, "plans"),
        ("/api/queue/import", {"plans": []}, "plans"),
        ("/api/queue/import", {"plans": [{"id": "p"}]}, "plans[0]"),
        ("/api/queue/import", {"plans": [{"rectangle": [0, 0, 1, 1]}]}, "plans[0].id"),
        ("/api/quadrants/0/0/revert", {}, "version"),
        ("/api/quadrants/0/0/revert", {"version": -1}, "version"),
        ("/api/quadrants/0/0/revert", {"version": 2**62 + 1}, "version"),
        ("/api/quadrants/1000001/0/revert", {"version": 1}, "x"),
        ("/api/orphans/0/adopt", {}, "orphan"),
        ("/api/orphans/x/delete", {}, "orphan"),
        ("/api/orphans/1/adopt", {"force": True}, "force"),
        ("/api/prune", {}, "older_than_seconds"),
        ("/api/prune", {"older_than_seconds": -1}, "older_than_seconds"),
        ("/api/prune", {"older_than_seconds": "30d"}, "older_than_seconds"),
        ("/api/prune", {"older_than_seconds": 1, "versions": "yes"}, "versions"),
        ("/api/prune", {"older_than_seconds": 1, "dryrun": True}, "dryrun"),
        ("/api/plans/a%20b/replan", {}, "id"),
        (f"/api/plans/{'p' * 129}/replan", {}, "id"),
    ],
)
async def test_a_bad_wish_is_refused_by_its_field(
    door: House, path: str, body: dict[str, object], word: str
) -> None:
    status, answer = await door.post(path, body)
    assert (status, code(answer)) == (400, "BAD_REQUEST")
    assert answer["error"]["message"].startswith(f"{word}:")


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("/api/map?x0=0&y0=0&x1=1", "y1"),
        ("/api/map?x0=1.5&y0=0&x1=1&y1=1", "x0"),
        ("/api/map?x0=abc&y0=0&x1=1&y1=1", "x0"),
        ("/api/map?x0=0&y0=1000000000&x1=1&y1=1", "y0"),
        (f"/api/map?x0=0&y0=0&x1=1{'0' * 30}&y1=1", "x1"),
        ("/api/map?x0=0&y0=0&x1=٣&y1=1", "x1"),
        ("/api/quadrants/1e9/0", "x"),
        ("/api/quadrants/0/-1000001", "y"),
        ("/api/jobs/abc", "job"),
        ("/api/jobs/0", "job"),
        (f"/api/jobs/{'9' * 4_500}", "job"),
        ("/api/queue?status=done", "status"),
        ("/api/queue?kind=paint", "kind"),
        ("/api/queue?held=maybe", "held"),
        ("/api/queue?error_class=odd", "error_class"),
        (f"/api/queue?text={'x' * 301}", "text"),
        ("/api/queue?text=%00", "text"),
        ("/api/queue?limit=0", "limit"),
        ("/api/queue/export?plan=a%20b", "id"),
        ("/api/orphans?cursor=-1", "cursor"),
        ("/api/orphans?limit=501", "limit"),
        ("/tiles/render/2/0/0?b=-1", "b"),
        ("/tiles/render/2/0/0?b=4294967296", "b"),
        ("/api/queue?cursor=-1", "cursor"),
        ("/api/queue?model_id=a%20b", "model_id"),
        ("/api/events?since=-1", "since"),
        ("/api/events?since=x", "since"),
        ("/tiles/render/9/0/0", "z"),
        ("/tiles/render/0/1.5/0", "x"),
        ("/tiles/render/0/0/abc", "y"),
        ("/tiles/render/0/0/1000001", "y"),
        ("/tiles/render/8/4000/0", "x"),
        ("/tiles/render/0/0/0?v=0", "v"),
        ("/tiles/render/0/0/0?v=abc", "v"),
        ("/tiles/render/2/0/0?v=1&n=17", "n"),
    ],
)
async def test_a_bad_address_is_answered_by_the_field(door: House, path: str, word: str) -> None:
    status, answer, _ = await door.get(path)
    assert (status, code(answer)) == (400, "BAD_REQUEST")
    assert answer["error"]["message"].startswith(f"{word}:")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing/here", 404),
        ("GET", "/api/nothing", 404),
        ("POST", "/api/nothing", 404),
        ("GET", "/api/render", 405),
        ("DELETE", "/api/models", 405),
        ("POST", "/api/queue/burn", 404),
        ("GET", "/..%2f..%2fapp_config.json", 404),
        ("GET", "/%2e%2e/app_config.json", 404),
        ("GET", "/a%00b", 404),
        ("GET", "/tiles/object/0/0/0", 404),
    ],
)
async def test_errors_have_one_form_everywhere(door: House, method: str, path: str, status: int) -> None:
    url = await door.url("")
    headers = {"Content-Type": "application/json"}
    async with door.session.request(
        method, URL(url + path, encoded=True), headers=headers, data=b"{}" if method == "POST" else None
    ) as answer:
        assert answer.status == status
        code(await answer.json())
        if status == 405:
            assert answer.headers["Allow"]


async def test_every_answer_carries_the_security_headers(door: House) -> None:
    for path in ("/", "/api/models", "/api/nothing", "/health", "/tiles/render/0/x/0"):
        _, _, headers = await door.picture(path)
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "Access-Control-Allow-Origin" not in headers
        assert "aiohttp" not in headers["Server"]


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"POST /api/render HTTP/1.1\r\nHost: localhost\r\nContent-Length: -4\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 9_000 + b"\r\n\r\n",
        b"POST /api/render HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
)
async def test_what_is_no_http_does_no_harm(door: House, request_bytes: bytes) -> None:
    if b"Connection" not in request_bytes:
        request_bytes = request_bytes.replace(b" HTTP/1.1\r\n", b" HTTP/1.1\r\nConnection: close\r\n", 1)
    answer = await raw(door, request_bytes)
    assert answer.split(b" ")[1] in (b"400", b"421")
    assert (await door.get("/api/models"))[0] == 200
    assert "Traceback" not in door.out("gateway")


async def test_a_connection_that_never_asks_is_closed(door: House) -> None:
    halves = [b"", b"GET /api/models HTTP/1.1\r\nHost: loc"]
    assert await asyncio.gather(*(raw(door, half) for half in halves)) == [b"", b""]
    assert (await door.get("/api/models"))[0] == 200


async def test_a_body_that_comes_too_slowly_is_not_waited_for(door: House) -> None:
    head = b"POST /api/render HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    answer = await raw(door, head + b"Connection: close\r\nContent-Length: 900\r\n\r\n{")
    assert answer.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        ("/api/generate", {"quadrants": [[0, 0]], "modle_id": "x"}, "did you mean 'model_id'?"),
        ("/api/queue/retry", {"where": {"error_clas": "auth"}}, "did you mean 'error_class'?"),
        ("/api/queue/clear", {"zzz": 1}, "zzz: this field is not known; known are none."),
        ("/api/queue/pause", {"model_id": "a", "plan": "b"}, "either a model or a plan is paused"),
        (
            "/api/queue/cancel",
            {"where": {"held": False, "states": []}},
            "POST /api/queue/clear calls off every",
        ),
        ("/api/queue/move", {"jobs": [1], "to": "before"}, "`before` names a job exactly when"),
        ("/api/queue/move", {"jobs": [1], "to": "front", "before": 2}, "`before` names a job exactly when"),
        ("/api/queue/edit", {"jobs": [1]}, "says nothing to change"),
        ("/api/queue/edit", {"jobs": [1], "model_id": "nobody"}, "There is no model 'nobody'."),
    ],
)
async def test_what_could_be_meant_is_said(
    door: House, path: str, body: dict[str, object], sentence: str
) -> None:
    status, answer = await door.post(path, body)
    assert (status, code(answer)) == (400, "UNKNOWN_MODEL" if "nobody" in sentence else "BAD_REQUEST")
    assert sentence in answer["error"]["message"]
    assert "Value error" not in answer["error"]["message"]


def test_who_is_busy_says_when_to_ask_again() -> None:
    for told, wait in ((None, "2"), (0.2, "1"), (12.2, "13")):
        error = ProtocolError(Code.BUSY, "The queue is full.", retry_after=told)
        assert (refusal(error).status, refusal(error).headers["Retry-After"]) == (503, wait)


async def test_without_a_keeper_everything_is_answered_soon_and_says_when_to_ask_again(door: House) -> None:
    paths = ("/api/status", "/api/map?x0=0&y0=0&x1=1&y1=1", "/tiles/render/0/0/0", "/health")
    for status, answer, headers in await asyncio.gather(*map(door.get, paths)):
        assert (status, code(answer)) == (503, "UNAVAILABLE")
        assert headers["Retry-After"] == "2"
    asked = (
        ("/api/render", {"quadrants": [[0, 0]]}),
        ("/api/fill?dry_run=1", {"rectangle": [0, 0, 1, 1]}),
        ("/api/plans/p/replan", {}),
    )
    for refused, answer in await asyncio.gather(*(door.post(path, body) for path, body in asked)):
        assert (refused, code(answer)) == (503, "UNAVAILABLE")
    status, body, _ = await door.picture("/metrics")
    assert status == 200
    assert b"tilewright_keeper_up 0" in body


async def test_a_port_in_use_is_said_at_once_and_for_good(house: House) -> None:
    taken = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = taken.sockets[0].getsockname()[1]
    house.configure(http={"port": port})
    gateway = house.start("gateway")

    async def ended() -> bool:
        return gateway.poll() is not None

    await until(ended, "the gateway to give up")
    assert gateway.returncode == 76
    assert f"Port {port} is in use" in house.out("gateway")
    taken.close()


async def test_it_stops_when_told_to_while_pages_listen(house: House) -> None:
    await house.open("gateway")
    async with house.session.get(await house.url("/api/events")) as answer:
        assert answer.status == 200
        assert await answer.content.readline() == b"retry: 1000\n"
        assert house.end("gateway") == 0
    assert not (house.data / "gateway.address").exists()
