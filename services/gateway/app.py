"""The gateway process: put the parts together, listen, and stop in order."""

import asyncio
import errno
import logging
import os
import sys
from pathlib import Path
from typing import Any

from aiohttp import web

from services.gateway.answers import Answers
from services.gateway.api import Api
from services.gateway.events import Listeners
from services.gateway.feed import Feed
from services.gateway.guard import Door, MalformedRequests
from services.gateway.health import Health
from services.gateway.history import History
from services.gateway.intake import PLAN_LIMIT_BYTES
from services.gateway.keeper import Keeper
from services.gateway.models import Models
from services.gateway.orders import Orders
from services.gateway.orphans import LateResults
from services.gateway.pyramid import Pyramid
from services.gateway.queue import Queue
from services.gateway.tiles import Tiles
from services.gateway.transfer import Transfer
from services.gateway.views import STUDIO, Views
from services.process import Process
from services.tiling.camera import View

CANNOT_LISTEN = 76
"""Exit code that starting again does not help: the port is in use, or the host is not ours."""
KEEPALIVE_SECONDS = 75.0
LINGERING_SECONDS = 2.0
"""How long the rest of a refused body is read, so that the refusal itself arrives."""
SHUTDOWN_SECONDS = 2.0
ADDRESS_FILE = "gateway.address"
STUDIO_VARIABLE = "TILEWRIGHT_STUDIO"
"""Another built studio than the one in web/dist, for those who work on it."""


async def serve(process: Process) -> None:
    """Serve until told to stop; a bug in any handler ends it with that bug."""
    config = process.config
    keeper = Keeper(process.sockets.address("control"))
    feed = Feed(keeper)
    failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def on_bug(error: BaseException) -> None:
        process.log.error("a bug: %s", error, exc_info=error)
        if not failed.done():
            failed.set_exception(error)

    door = Door(config.http.host, on_bug)
    listeners = Listeners(feed)
    models = Models(config)
    process.take_over.append(models.take_over)
    studio = Path(os.environ.get(STUDIO_VARIABLE) or STUDIO)
    views = Views(config, models, studio)
    app = web.Application(middlewares=[*door.middlewares, views.files], client_max_size=PLAN_LIMIT_BYTES)
    app.on_response_prepare.append(door.add_headers)
    view = View(**config.camera.model_dump())
    answers = Answers()
    tiles = Tiles(Pyramid(keeper, config.camera), config)
    process.take_over += [views.take_over, tiles.take_over]
    for part in (
        Api(keeper, models),
        Queue(keeper, models, answers),
        Transfer(keeper, models, answers),
        Orders(keeper, models, view, answers),
        History(keeper, view, answers),
        LateResults(keeper, answers),
        listeners,
        tiles,
        Health(keeper, listeners),
        views,
    ):
        app.add_routes(part.routes())

    async def let_listeners_go(_: web.Application) -> None:
        feed.close()

    app.on_shutdown.append(let_listeners_go)
    quiet = logging.getLogger("http")
    quiet.addFilter(MalformedRequests())
    runner = web.AppRunner(
        app,
        access_log=None,
        logger=quiet,
        # Compressed bodies are refused; aiohttp would unpack them before anybody could.
        auto_decompress=False,
        handler_cancellation=True,
        keepalive_timeout=KEEPALIVE_SECONDS,
        lingering_time=LINGERING_SECONDS,
        shutdown_timeout=SHUTDOWN_SECONDS,
    )
    await runner.setup()
    tasks: list[asyncio.Future[Any]] = [failed]
    try:
        address = await _listen(process, runner)
        assert runner.server is not None
        stopping: asyncio.Future[Any] = asyncio.create_task(process.stop.wait())
        tasks += [
            asyncio.create_task(feed.run(), name="feed"),
            asyncio.create_task(door.watch(runner.server), name="door"),
        ]
        process.pulse.doing(f"serving {address}")
        process.pulse.ready()
        process.log.info("serving %s", address)
        await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        for task in tasks:
            if task.done():
                task.result()
    finally:
        await runner.cleanup()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await keeper.close()
        (process.data / ADDRESS_FILE).unlink(missing_ok=True)
        process.log.info("stopped")


async def _listen(process: Process, runner: web.AppRunner) -> str:
    """Bind once, and say where: in the log, in the status, in the data folder."""
    host, port = process.config.http.host, process.config.http.port
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            process.log.error(
                "Port %d is in use. Nothing is served; stop what uses it or set http.port in %s.",
                port,
                process.config_path,
            )
        else:
            process.log.error("Cannot listen on %s port %d: %s.", host, port, error.strerror or error)
        sys.exit(CANNOT_LISTEN)
    port = runner.addresses[0][1]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}.get(host, host)
    address = f"http://{shown}:{port}"
    file = process.data / ADDRESS_FILE
    draft = file.with_name(f".{ADDRESS_FILE}.{os.getpid()}")
    draft.write_text(address + "\n")
    draft.replace(file)
    return address
