"""What does not come in: other sites, other hosts, other types, too much of anything."""

import asyncio
import gzip
import json
from urllib.parse import urlsplit

import pytest
from yarl import URL

from protocol.errors import Code, ProtocolError
from services.gateway import guard, intake
from services.gateway.refusal import refusal
from tests.gateway.house import House, code, until


async def raw(house: House, request: bytes) -> bytes:
    """What comes back for these bytes, until the gateway closes the connection."""
    address = urlsplit(await house.url("/"))
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(request)
    await writer.drain()
    answer = await asyncio.wait_for(reader.read(), 30)
    writer.close()
    return answer


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
async def test_what_is_no_http_does_no_harm(
    door: House, request_bytes: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    if b"Connection" not in request_bytes:
        request_bytes = request_bytes.replace(b" HTTP/1.1\r\n", b" HTTP/1.1\r\nConnection: close\r\n", 1)
    answer = await raw(door, request_bytes)
    assert answer.split(b" ")[1] in (b"400", b"421")
    assert (await door.get("/api/models"))[0] == 200
    assert "Traceback" not in caplog.text


async def test_a_connection_that_never_asks_is_closed(door: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "HEAD_SECONDS", 0.5)
    halves = [b"", b"GET /api/models HTTP/1.1\r\nHost: loc"]
    assert await asyncio.gather(*(raw(door, half) for half in halves)) == [b"", b""]
    assert (await door.get("/api/models"))[0] == 200


async def test_a_body_that_comes_too_slowly_is_not_waited_for(
    door: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "BODY_SECONDS", 0.5)
    head = b"POST /api/render HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    answer = await raw(door, head + b"Connection: close\r\nContent-Length: 900\r\n\r\n{")
    assert answer.startswith(b"HTTP/1.1 408 ")


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


async def test_a_port_in_use_is_said_at_once_and_for_good(mortal_house: House) -> None:
    house = mortal_house
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


async def test_it_stops_when_told_to_while_pages_listen(mortal_house: House) -> None:
    house = mortal_house
    await house.open("gateway")
    async with house.session.get(await house.url("/api/events")) as answer:
        assert answer.status == 200
        assert await answer.content.readline() == b"retry: 1000\n"
        assert house.end("gateway") == 0
    assert not (house.data / "gateway.address").exists()
