"""One world from start to stop: its lock, its socket, its processes."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from protocol.errors import ProtocolError
from services.config import AppConfig, Sockets
from services.supervision import environment, leftovers, starter
from services.supervision.ask import NotRunning
from services.supervision.child import Child
from services.supervision.crew import Crew
from services.supervision.desk import Desk, cancelled

ROOT = Path(__file__).resolve().parent.parent.parent
READY = "The studio is at"
NOT_READY = "Not everything runs"
"""One of these begins the line that is printed when nothing is on its way any more."""

INTERRUPTED = 130

log = logging.getLogger("supervisor")


class World:
    """What `up` runs. The caller holds the lock."""

    def __init__(
        self,
        settings: AppConfig,
        config: Path,
        data: Path,
        package: str,
        tell: Callable[[str], None],
        packages: Mapping[str, str] | None = None,
    ) -> None:
        """`packages` names the package of a kind whose program is not in `package`."""
        self.settings = settings
        self.sockets = Sockets(data)
        self.exit_code = 0
        self._config = config.resolve()
        self._data = data.resolve()
        self._package = package
        self._packages = packages or {}
        self._tell = tell
        self.crew = Crew(self._children(), self._address, tell)

    async def run(self) -> int:
        """Start everything, serve until told to stop, stop everything in order; give the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._on_signal, number)
        self.sockets.prepare()
        if count := await asyncio.to_thread(leftovers.kill, self.sockets.folder.name):
            self._tell(f"Killed {count} processes that an earlier run had left behind.")
        desk = Desk(self.sockets.address("life"), self.crew.handle)
        answering = loop.create_task(desk.serve())
        greeting = loop.create_task(self._greet())
        self.crew.open()
        try:
            await self.crew.stop.wait()
        finally:
            await cancelled(greeting)
            self._tell("Stopping.")
            await self.crew.close()
            await cancelled(answering)
            desk.close()
        if self.crew.fault is not None:
            raise self.crew.fault
        return self.exit_code

    def _children(self) -> list[Child]:
        counts = self.settings.services
        names = [("keeper", "keeper")]
        names += [("renderer", f"renderer-{number}") for number in range(1, counts.renderer + 1)]
        names += [("generator", f"generator-{number}") for number in range(1, counts.generator + 1)]
        names += [("gateway", "gateway")]
        return [self._child(kind, name) for kind, name in names]

    def _child(self, kind: str, name: str) -> Child:
        package = self._packages.get(kind, self._package)
        command = [sys.executable, "-m", f"{package}.{kind}", "--name", name]
        command += ["--config", str(self._config), "--data", str(self._data), "--lifeline"]
        mark = f"{self.sockets.folder.name}/{name}"
        return Child(
            name=name,
            kind=kind,
            command=command,
            environment=environment.for_child(kind, mark, self.settings, os.environ),
            mark=mark,
            folder=ROOT,
            output=self._data / "logs" / f"{name}.out",
            needs=None if kind == "keeper" else "keeper",
        )

    def _address(self) -> str:
        """Where a browser on this machine finds the studio; empty while a port is still to be chosen."""
        http = self.settings.http
        if http.port == 0:
            try:
                return (self._data / "gateway.address").read_text().strip()
            except FileNotFoundError:
                return ""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(http.host, http.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{http.port}"

    def _on_signal(self, number: signal.Signals) -> None:
        if self.crew.stop.is_set():
            self.crew.hurry.set()
            return
        if number == signal.SIGINT:
            self.exit_code = INTERRUPTED
        self.crew.stop.set()

    async def _greet(self) -> None:
        """Say when all is ready, and give an empty world its first plan."""
        well = await self.crew.settled()
        if self.crew.stop.is_set():
            return
        keeper = self.crew.children[0]
        if keeper.state == "failed" and keeper.final_code:
            # Nothing can run without the keeper, and another start would end in the same way.
            self.exit_code = keeper.final_code
            self.crew.stop.set()
            return
        if keeper.state == "ready":
            await self._start_plan()
        if well:
            self._tell(f"{READY} {self._address()}")
        else:
            self._tell(f"{NOT_READY}: `supervisor.py status` says why.")

    async def _start_plan(self) -> None:
        while True:
            try:
                published = await asyncio.to_thread(starter.publish, self.settings, self.sockets)
            except NotRunning:
                # The keeper has just died; it is being started again.
                await self.crew.children[0].ready.wait()
                continue
            except ProtocolError as error:
                self._tell(f"The starter plan was not accepted: {error.message}")
                return
            if published:
                self._tell("The world was empty: the starter plan is published.")
            return
