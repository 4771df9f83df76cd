"""The gateway's limits in one process: a handler with a bug, a listener that does not read."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
from aiohttp import web

from protocol.errors import Code
from services.gateway import events
from services.gateway.guard import Door, hostname
from services.gateway.refusal import STATUS


class Porch:
    """One handler behind the door, and the bugs it had."""

    def __init__(self) -> None:
        self.bugs: list[BaseException] = []
        self.runner: web.AppRunner

    async def open(self, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> str:
        """Serve the handler and say where."""
        door = Door("127.0.0.1", self.bugs.append)
        app = web.Application(middlewares=door.middlewares)
        app.on_response_prepare.append(door.add_headers)
        app.router.add_get("/", handler)
        self.runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self.runner.addresses[0][1]}/"


@pytest.fixture
async def porch() -> AsyncIterator[Porch]:
    porch = Porch()
    yield porch
    await porch.runner.cleanup()


async def test_a_bug_is_answered_and_handed_on(porch: Porch) -> None:
    async def handler(request: web.Request) -> web.Response:
        raise KeyError("secret")

    url = await porch.open(handler)
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert answer.status == 503
        content = await answer.json()
        assert content["error"]["code"] == "UNAVAILABLE"
        assert "secret" not in content["error"]["message"]
    assert [type(bug) for bug in porch.bugs] == [KeyError]


async def test_a_listener_that_does_not_read_is_let_go(porch: Porch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "WRITE_SECONDS", 0.2)
    ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await events._write(request, response, bytes(1 << 20))
        except ConnectionResetError as error:
            ended.set_result(str(error))
            raise

    url = await porch.open(handler)
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert answer.status == 200
        assert "does not read" in await asyncio.wait_for(ended, 60)
    assert porch.bugs == []


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("localhost:8080", "localhost"),
        ("[::1]:80", "::1"),
        ("127.0.0.1", "127.0.0.1"),
        ("", ""),
        ("[::1", ""),
        ("localhost@evil.example", "evil.example"),
        ("evil.example/localhost", "evil.example"),
    ],
)
def test_the_name_in_a_host_header(host: str, name: str) -> None:
    assert hostname(host) == name


def test_every_code_has_a_status() -> None:
    assert set(STATUS) == set(Code)
