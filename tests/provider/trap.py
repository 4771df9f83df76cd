"""A server that nobody should ever call: the place that a bad answer would like to send us to."""

from typing import Self

from aiohttp import web

from tests.provider.call import Call, heard

HOST = "127.0.0.2"
"""This machine too, but under another name than the fake provider's."""


class Trap:
    """Listens on loopback and keeps what it hears."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.url = ""
        app = web.Application(client_max_size=64 << 20)
        app.router.add_route("*", "/{rest:.*}", self._hear)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _hear(self, request: web.Request) -> web.Response:
        self.calls.append(await heard(request, "trap", "trap"))
        return web.Response(text="You should not be here.")
