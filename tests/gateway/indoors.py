"""A house whose keeper and gateway run in threads of the test's own process: open in a moment.

Sockets, SQLite and HTTP are the real ones. What a process is made of (its start, its signals, its death) is
the business of the other house, whose services are processes.
"""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path

from services.config import load
from services.gateway.app import STUDIO_VARIABLE
from services.gateway.app import serve as serve_pages
from services.keeper.keeper import Keeper
from services.process import Process
from services.pulse import Pulse
from tests.gateway.house import PATIENCE_SECONDS, House


async def serve_keeper(process: Process) -> None:
    await Keeper(process.config, process.data, process.sockets, name=process.name).run(process.stop)


SERVICES: dict[str, Callable[[Process], Awaitable[None]]] = {"keeper": serve_keeper, "gateway": serve_pages}


class Room:
    """One service on an event loop of its own."""

    def __init__(self, kind: str, house: House) -> None:
        self._kind = kind
        self._house = house
        self._stopping: Future[Callable[[], None]] = Future()
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=kind, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            asyncio.run(self._live())
        except BaseException as failure:
            self.failure = failure

    async def _live(self) -> None:
        house, name, stop = self._house, f"{self._kind}-1", asyncio.Event()
        self._stopping.set_result(partial(asyncio.get_running_loop().call_soon_threadsafe, stop.set))
        house.sockets.prepare()
        process = Process(
            name=name,
            config=load(house.config),
            config_path=house.config,
            data=house.data,
            sockets=house.sockets,
            log=logging.getLogger(name),
            stop=stop,
            pulse=Pulse(name, house.sockets.address("life")),
        )
        try:
            await SERVICES[self._kind](process)
        finally:
            await process.pulse.close()

    @property
    def lives(self) -> bool:
        """Whether the service has not ended."""
        return self._thread.is_alive()

    def close(self) -> None:
        """Stop the service in order; raises what it ended of, if that was a bug."""
        if self.lives:
            self._stopping.result(PATIENCE_SECONDS)()
            self._thread.join(PATIENCE_SECONDS)
            assert not self._thread.is_alive()
        if self.failure is not None:
            raise self.failure


class Indoors(House):
    """One data folder with its keeper and its gateway, in this process."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.rooms: dict[str, Room] = {}

    def start(self, kind: str) -> None:
        """Start one service without waiting for it."""
        self.rooms[kind] = Room(kind, self)

    async def open(self, *kinds: str) -> str:
        before = os.environ.get(STUDIO_VARIABLE)
        os.environ[STUDIO_VARIABLE] = str(self.studio)
        try:
            return await super().open(*kinds)
        finally:
            if before is None:
                del os.environ[STUDIO_VARIABLE]
            else:
                os.environ[STUDIO_VARIABLE] = before

    def end(self, kind: str, number: signal.Signals = signal.SIGTERM) -> int:
        """Stop one service in order."""
        assert number == signal.SIGTERM, "only a process can be killed"
        self.rooms.pop(kind).close()
        return 0

    def out(self, kind: str) -> str:
        """What a service ended of. It has no log of its own: what that must not say is asked of a process."""
        return repr(self.rooms[kind].failure) if kind in self.rooms else ""

    def close(self) -> None:
        """Stop everything; the gateway first, which asks the keeper."""
        for kind in reversed(list(self.rooms)):
            self.end(kind)
