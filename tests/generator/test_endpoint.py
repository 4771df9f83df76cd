"""What every call has in common, in conversation with servers on loopback that misbehave."""

import asyncio
import gzip
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from yarl import URL

from services.generator.calls.address import of_picture
from services.generator.calls.encoded import data_uri, picture
from services.generator.calls.endpoint import Answer, Endpoint
from services.generator.calls.web import Patience, Web
from services.model import Model
from services.worker import TryFailed

KEY = "CANARY-9f3b7c"
HUB = URL("https://hub.example.org/v1")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def server(handler: Handler) -> AsyncIterator[str]:
    """The address of a server that answers everything so."""
    app = web.Application(client_max_size=64 << 20)
    app.router.add_route("*", "/{rest:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def endpoint(
    address: str, *, silence: float = 30.0, result_hosts: list[str] | None = None
) -> AsyncIterator[Endpoint]:
    model = Model(
        name="Omni",
        model_id="omni-1",
        provider="oxen",
        api_key=KEY,
        endpoint=address,
        timeout_seconds=1.0,
        result_hosts=result_hosts or [],
    )
    outside = Web(Patience(connect=30.0, silence=silence, fetches=(0.01,)))
    try:
        yield Endpoint(model, outside)
    finally:
        await outside.close()


async def call(address: str, method: str = "POST", *, seconds: float = 20.0, silence: float = 30.0) -> Answer:
    async with endpoint(address, silence=silence) as there:
        deadline = asyncio.get_running_loop().time() + seconds
        if method == "GET":
            return await there.get(there.at("/ask?full=1"), deadline=deadline)
        return await there.post(there.at("/ask"), b"{}", deadline=deadline)


async def fails(
    address: str, method: str = "POST", *, seconds: float = 20.0, silence: float = 30.0
) -> TryFailed:
    with pytest.raises(TryFailed) as caught:
        await call(address, method, seconds=seconds, silence=silence)
    return caught.value


async def test_the_key_goes_in_its_header_below_the_configured_path() -> None:
    seen: list[tuple[str, str]] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append((request.path_qs, request.headers["Authorization"]))
        return web.Response(body=b"yes", status=201)

    async with server(handler) as address:
        answer = await call(f"{address}/below/", "GET")
    assert (answer.status, answer.content) == (201, b"yes")
    assert seen == [("/below/ask?full=1", f"Bearer {KEY}")]


async def test_no_other_origin_is_called() -> None:
    async with endpoint("http://127.0.0.1:9") as there:
        for elsewhere in ("http://127.0.0.1:10/x", "https://127.0.0.1:9/x", "http://localhost:9/x"):
            with pytest.raises(ValueError, match="is not the endpoint"):
                await there.get(URL(elsewhere), deadline=asyncio.get_running_loop().time() + 20)


@pytest.mark.parametrize(("packing", "megabytes"), [("gzip", 64), ("deflate", 64), ("gzip", 1_000)], ids=str)
async def test_what_an_answer_unpacks_to_is_counted(packing: str, megabytes: int) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Encoding": packing})
        answer.enable_compression(web.ContentCoding(packing))
        await answer.prepare(request)
        for _ in range(megabytes):
            await answer.write(bytes(1 << 20))
        return answer

    async with server(handler) as address:
        tracemalloc.start()
        try:
            failure = await fails(address, seconds=60.0)
            most = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert (failure.error_class, failure.reason) == ("bad_image", "The answer is larger than 32 MiB.")
    assert most < 100 << 20


async def test_what_is_packed_well_is_unpacked() -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=gzip.compress(b"yes"), headers={"Content-Encoding": "gzip"})

    async with server(handler) as address:
        assert (await call(address)).content == b"yes"


async def test_packing_that_breaks_off_is_a_failed_call() -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=b"\x1f\x8b garbage", headers={"Content-Encoding": "gzip"})

    async with server(handler) as address:
        assert (await fails(address)).error_class == "transient"


async def test_a_server_that_falls_silent_is_left_before_the_deadline() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(b"{")
        await asyncio.sleep(30)
        return answer

    async with server(handler) as address:
        for method in ("GET", "POST"):
            failure = await fails(address, method, silence=0.5)
            assert failure.reason == "Omni fell silent in the midst of a call."


async def test_only_a_call_that_paints_may_take_its_time_to_begin() -> None:
    async def handler(_: web.Request) -> web.Response:
        await asyncio.sleep(0.9)
        return web.Response(body=b"painted")

    async with server(handler) as address:
        assert (await call(address, silence=0.5)).content == b"painted"
        assert "fell silent" in (await fails(address, "GET", silence=0.5)).reason
        assert "did not answer within 1 s" in (await fails(address, seconds=0.2)).reason


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("https://hub.example.org/a.png", True),
        ("https://hub.example.org:444/a.png", False),
        ("https://cdn.example.net/a.png", True),
        ("https://CDN.example.net/a.png", True),
        ("https://cdn.example.net:8443/a.png", False),
        ("https://a.b.files.example/a.png", True),
        ("https://files.example/a.png", False),
        ("https://evilfiles.example/a.png", False),
        ("https://files.example.evil.org/a.png", False),
        ("https://cdn.example.net.evil.org/a.png", False),
        ("https://hub.example.org@evil.org/a.png", False),
        ("https://other.example:9000/a.png", True),
        ("https://other.example/a.png", False),
    ],
)
def test_pictures_lie_at_the_endpoint_or_on_a_host_that_is_named(address: str, allowed: bool) -> None:
    hosts = ("cdn.example.net", "*.files.example", "other.example:9000")
    if allowed:
        assert of_picture(address, endpoint=HUB, hosts=hosts) == URL(address)
        return
    with pytest.raises(TryFailed, match="result_hosts") as caught:
        of_picture(address, endpoint=HUB, hosts=hosts)
    assert (caught.value.error_class, caught.value.retry) == ("rejected", False)


async def test_a_picture_behind_a_redirect_is_not_followed() -> None:
    visited: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        visited.append(request.path)
        raise web.HTTPFound("/private")

    async with server(handler) as address, endpoint(address) as there:
        with pytest.raises(TryFailed, match="redirects") as caught:
            await there.picture(f"{address}/a.png", deadline=asyncio.get_running_loop().time() + 20)
    assert (caught.value.error_class, visited) == ("rejected", ["/a.png"])


async def test_a_picture_on_an_allowed_host_is_fetched_without_the_key() -> None:
    seen: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        seen.extend(request.headers.values())
        return web.Response(body=b"picture")

    async with (
        server(handler) as address,
        endpoint("http://127.0.0.1:9", result_hosts=[address[7:]]) as there,
    ):
        found = await there.picture(f"{address}/a.png", deadline=asyncio.get_running_loop().time() + 20)
    assert found == b"picture"
    assert not any(KEY in value for value in seen)


@pytest.mark.parametrize(
    "text",
    [
        data_uri(b"\xfb\xff\xfe picture").decode(),
        "-__-IHBpY3R1cmU=",
        "-__-IHBpY3R1cmU",
        "+//+IHBp\nY3R1cmU=",
        "data:,no",
    ],
)
async def test_base64_is_read_in_either_alphabet(text: str) -> None:
    if text == "data:,no":
        with pytest.raises(TryFailed, match="base64"):
            await picture(text, "Omni")
    else:
        assert await picture(text, "Omni") == b"\xfb\xff\xfe picture"


async def test_what_was_sent_is_not_held_while_the_answer_is_waited_for() -> None:
    heard, go = asyncio.Event(), asyncio.Event()

    async def handler(request: web.Request) -> web.Response:
        assert request.content_type == "application/json"
        async for _ in request.content.iter_chunked(1 << 16):
            pass
        heard.set()
        await go.wait()
        return web.Response(body=b"painted")

    async def packed() -> bytes:
        return bytes(8 << 20)

    async def ask(there: Endpoint) -> Answer:
        deadline = asyncio.get_running_loop().time() + 20
        return await there.post(there.at("/ask"), await packed(), deadline=deadline)

    async with server(handler) as address, endpoint(address) as there:
        tracemalloc.start()
        try:
            asking = asyncio.create_task(ask(there))
            await asyncio.wait_for(heard.wait(), 20)
            held = tracemalloc.get_traced_memory()[0]
            go.set()
            assert (await asking).content == b"painted"
        finally:
            tracemalloc.stop()
    assert held < 4 << 20
