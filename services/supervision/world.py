"""One world from start to stop: its lock, its socket, its processes."""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from protocol.errors import ProtocolError
from services.config import ConfigError, Sockets
from services.lifeline import key_line, reload_line
from services.supervision import environment, leftovers, starter
from services.supervision.ask import NotRunning
from services.supervision.child import Child
from services.supervision.configuration import Change, Configuration
from services.supervision.crew import Crew
from services.supervision.desk import Desk, cancelled
from services.supervision.roster import Roster

ROOT = Path(__file__).resolve().parent.parent.parent
READY = "The studio is at"
NOT_READY = "Not everything runs"
"""One of these begins the line that is printed when nothing is on its way any more."""

INTERRUPTED = 130
LOOK_SECONDS = 1.0
"""How often the configuration file is looked at; it is read once two looks in a row have found the same."""

log = logging.getLogger("supervisor")


class World:
    """What `up` runs. The caller holds the lock."""

    def __init__(
        self,
        config: Configuration,
        sockets: Sockets,
        data: Path,
        package: str,
        tell: Callable[[str], None],
        packages: Mapping[str, str] | None = None,
    ) -> None:
        """`packages` names the package of a kind whose program is not in `package`."""
        self.config = config
        self.sockets = sockets
        self.exit_code = 0
        self._data = data.resolve()
        self._package = package
        self._packages = packages or {}
        self._tell = tell
        counts = config.settings.services
        roster = Roster({"renderer": counts.renderer, "generator": counts.generator}, self._child)
        self.crew = Crew(roster, sockets.address("control"), self._address, config.view, tell)

    async def run(self) -> int:
        """Start everything, serve until told to stop, stop everything in order; give the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._on_signal, number)
        self.sockets.prepare()
        self.config.hand_out(self.crew.roster.counts)
        if count := await asyncio.to_thread(leftovers.kill, self.sockets.folder.name):
            self._tell(f"Killed {count} processes that an earlier run had left behind.")
        desk = Desk(self.sockets.address("life"), self.crew.handle)
        answering = loop.create_task(desk.serve())
        greeting = loop.create_task(self._greet())
        following = loop.create_task(self._follow())
        following.add_done_callback(self.crew.fell)
        self.crew.open()
        try:
            await self.crew.stop.wait()
        finally:
            await cancelled(greeting)
            following.remove_done_callback(self.crew.fell)
            await cancelled(following)
            self._tell("Stopping.")
            await self.crew.close()
            await cancelled(answering)
            desk.close()
            self.config.take_back()
        if self.crew.fault is not None:
            raise self.crew.fault
        return self.exit_code

    def _child(self, kind: str, name: str) -> Child:
        package = self._packages.get(kind, self._package)
        command = [sys.executable, "-m", f"{package}.{kind}", "--name", name]
        command += ["--config", str(self.config.copy), "--data", str(self._data), "--lifeline"]
        mark = f"{self.sockets.folder.name}/{name}"
        return Child(
            name=name,
            kind=kind,
            command=command,
            environment=environment.for_child(kind, mark, self.config),
            mark=mark,
            folder=ROOT,
            output=self._data / "logs" / f"{name}.out",
            needs=None if kind == "keeper" else "keeper",
        )

    def _address(self) -> str:
        """Where a browser on this machine finds the studio; empty while a port is still to be chosen."""
        http = self.config.settings.http
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
        keeper = self.crew.roster.keeper
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

    async def _follow(self) -> None:
        """Take over what changes in the configuration file, and hand out the numbers of processes."""
        counts = dict(self.crew.roster.counts)
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                change = await asyncio.to_thread(self.config.look)
            except ConfigError as error:
                self._tell(f"The configuration was not taken over, the one before goes on: {error}")
                continue
            if change is not None:
                self._take_over(change)
            told = change is not None and bool(change.taken)
            if told or self.crew.roster.counts != counts or not self.config.handed_out():
                counts = dict(self.crew.roster.counts)
                await asyncio.to_thread(self.config.hand_out, counts)
                self.crew.reload(self._news)

    def _take_over(self, change: Change) -> None:
        for child in self.crew.roster.children:
            child.environment = environment.for_child(child.kind, child.mark, self.config)
        for kind, count in change.counts.items():
            self.crew.scale(kind, count)
        self._tell(f"The configuration has changed; {change}.")

    def _news(self, child: Child) -> list[bytes]:
        """What a running process is told of a new configuration; keys go to generators alone."""
        keys = self.config.keys() if child.kind == "generator" else {}
        return [*(key_line(name, value) for name, value in keys.items()), reload_line()]

    async def _start_plan(self) -> None:
        while True:
            try:
                published = await asyncio.to_thread(starter.publish, self.config.settings, self.sockets)
            except NotRunning:
                # The keeper has just died; it is being started again.
                await self.crew.roster.keeper.ready.wait()
                continue
            except ProtocolError as error:
                self._tell(f"The starter plan was not accepted: {error.message}")
                return
            if published:
                self._tell("The world was empty: the starter plan is published.")
            return
