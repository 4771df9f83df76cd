"""The injector: does what the schedule says to processes, and measures how long they take to come back."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.drill.chooser import Chooser
from services.drill.curator import Curator
from services.drill.faults import DAY, NEVER, Fault
from services.drill.harm import Harm
from services.drill.meddler import Meddler
from services.drill.publisher import Publishers
from services.drill.stage import PATIENCE_SECONDS, PAUSE_SECONDS, Stage, alive, stopped

LOOK_SECONDS = 0.05
MET_SECONDS = 1.0
"""How long a fault waits for the one before it at the same place to be met."""


Mark = tuple[int, int]


@dataclass(frozen=True)
class Recovery:
    """How long a process took to serve again after SIGKILL; `clean` if nothing else was killed meanwhile."""

    name: str
    seconds: float
    clean: bool


class Injector:
    """One fault after the other; what takes time goes on beside the next ones."""

    def __init__(
        self, stage: Stage, publishers: Publishers, meddler: Meddler, curator: Curator, chooser: Chooser
    ) -> None:
        self.injected: list[tuple[float, Fault]] = []
        """With the monotonic time."""
        self.unmet: list[str] = []
        """Places that no process came to any more."""
        self.recoveries: list[Recovery] = []
        self.childless: list[float] = []
        """Seconds from the supervisor's end to the end of all that it had started."""
        self._stage = stage
        self._publishers = publishers
        self._meddler = meddler
        self._curator = curator
        self._chooser = chooser
        self._harm = Harm(stage)
        self.due = 0.0
        """How many jobs are done when the next fault is due; no end once all have been injected."""
        self._deaths = 0
        self._calm = False
        self._beside: set[asyncio.Task[None]] = set()
        self._timing: dict[str, asyncio.Task[None]] = {}
        """Those of them that wait for a killed process to serve again, by its name."""
        self._sleepers: dict[int, str] = {}

    @property
    def wrong(self) -> list[str]:
        """What did not happen as it should when the database came to harm."""
        return self._harm.wrong

    async def run(self, faults: list[Fault], done: Callable[[], int], ended: Callable[[], bool]) -> None:
        """Inject each fault once so many jobs are done, or when nothing more will be."""
        for fault in faults:
            self.due = fault.at
            while done() < fault.at and not ended():
                await asyncio.sleep(LOOK_SECONDS)
                self._look_beside()
            self.injected.append((time.monotonic(), fault))
            await self._inject(fault)
            self._look_beside()
        self.due = float("inf")

    async def calm(self) -> None:
        """Wake what sleeps, disarm what was not met, let what goes on beside come to its end."""
        self._calm = True
        self._disarm("*@*")
        self._wake()
        pids = [view.pid for view in (await self._stage.processes()).values()]
        for pid in [*pids, *await self._stage.drafters()]:
            if pid and stopped(pid):
                _signal(pid, signal.SIGCONT)
        await asyncio.gather(*(task for task in self._beside if not task.cancelling()))

    def _disarm(self, pattern: str) -> None:
        for path in self._stage.faults.glob(pattern):
            # What begins with a dot somebody is just meeting.
            if not path.name.startswith("."):
                self.unmet.append(path.name)
                path.unlink(missing_ok=True)

    def cancel(self) -> None:
        """Let go of everything."""
        for task in self._beside:
            task.cancel()

    async def _inject(self, fault: Fault) -> None:
        match fault.kind:
            case "kill" if fault.victim == "supervisor":
                await self._kill_supervisor()
                self._stage.start()
            case "kill":
                pid = await self._stage.ready(fault.victim)
                self._killed(fault.victim, pid)
            case "stop":
                await self._stop(fault)
            case "arm":
                await self._arm(fault)
            case "jump":
                self._jump(fault.seconds)
            case "harm":
                await self._befall(fault.what)
            case "client" if fault.what == "abandon":
                self._go(self._publishers.abandon())
            case "client" if fault.what == "twice":
                self._go(self._publishers.twice())
            case "client" if fault.what == "parts":
                self._go(self._publishers.parts())
            case "client" if fault.what == "half":
                self._go(self._publishers.half())
            case "client" if fault.what in ("adopt", "delete_orphan", "revert_plan", "revert"):
                self._go(self._curator.do(fault.what))
            case "client" if fault.what == "compare":
                self._go(self._chooser.compare())
            case "client":
                self._go(self._meddler.do(fault.what))

    def _killed(self, name: str, pid: int) -> None:
        self._stage.kill(pid)
        if name == "keeper":
            self._deaths += 1
        # Killed again, it is back when it is back from that: of the earlier time nothing is to be said.
        if (earlier := self._timing.pop(name, None)) is not None:
            earlier.cancel()
        self._timing[name] = self._go(self._time(name, self._deaths))

    async def _time(self, name: str, deaths: int) -> None:
        began = time.monotonic()
        await self._stage.ready(name)
        self.recoveries.append(Recovery(name, time.monotonic() - began, deaths == self._deaths))

    async def _kill_supervisor(self) -> None:
        self._deaths += 1
        self._wake()
        self.childless.append(await self._stage.kill_supervisor())

    async def _stop(self, fault: Fault) -> None:
        if fault.victim == "supervisor":
            assert self._stage.supervisor is not None
            pid = self._stage.supervisor.pid
        else:
            pid = await self._stage.ready(fault.victim)
        _signal(pid, signal.SIGSTOP)
        if fault.seconds != NEVER:
            self._go(self._wake_later(pid, fault.seconds))

    async def _wake_later(self, pid: int, seconds: float) -> None:
        self._sleepers[pid] = "asleep"
        await asyncio.sleep(seconds)
        if self._sleepers.pop(pid, None):
            _signal(pid, signal.SIGCONT)

    def _wake(self) -> None:
        for pid in self._sleepers:
            _signal(pid, signal.SIGCONT)
        self._sleepers.clear()

    async def _arm(self, fault: Fault) -> None:
        path = self._armed(fault)
        deadline = time.monotonic() + MET_SECONDS
        while path.exists() and time.monotonic() < deadline:  # noqa: ASYNC110 - another process removes it
            await asyncio.sleep(LOOK_SECONDS)
        if path.exists():
            self.unmet.append(path.name)
        draft = path.with_name(f"..{path.name}")
        draft.write_text(fault.what)
        mark = _mark(draft)
        draft.rename(path)
        if fault.what == "stop":
            self._go(self._wake_when_met(fault, mark))
        if fault.victim == "drafter":
            # Most plans are drawn up without one.
            self._go(self._publishers.large())
        if fault.what == "kill" and fault.victim == "keeper":
            self._deaths += 1

    def _armed(self, fault: Fault) -> Path:
        """The file that the victim finds; a drafter goes by the name of its keeper."""
        name = "keeper" if fault.victim == "drafter" else fault.victim
        return self._stage.faults / f"{fault.place}@{name}"

    async def _wake_when_met(self, fault: Fault, mark: Mark | None) -> None:
        """Let the process sleep for as long as its fault says, from when it has come to the place."""
        # Another fault may be armed there in the moment in which this one is met.
        while _mark(self._armed(fault)) == mark:  # noqa: ASYNC110
            await asyncio.sleep(LOOK_SECONDS)
        if fault.victim == "drafter":
            await self._wake_drafter(fault.seconds)
            return
        view = (await self._stage.processes()).get(fault.victim)
        if view is not None and view.pid and alive(view.pid):
            await self._wake_later(view.pid, fault.seconds)

    async def _wake_drafter(self, seconds: float) -> None:
        """No watchdog knows it: asleep for good, it would hold all large plans up for minutes."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._calm and time.monotonic() < deadline:
            for pid in filter(stopped, await self._stage.drafters()):
                await self._wake_later(pid, seconds)
                return
            await asyncio.sleep(PAUSE_SECONDS)

    def _jump(self, seconds: float) -> None:
        path = self._stage.faults / "clock"
        before = float(path.read_text()) if path.exists() else 0.0
        # There and back: never more than a day from the true time.
        after = seconds if before == 0.0 else 0.0
        draft = path.with_name("..clock")
        draft.write_text(f"{after if abs(after) <= DAY else 0.0}")
        draft.rename(path)

    async def _befall(self, what: str) -> None:
        """Let the database come to harm, with everything awake and nothing else on its way.

        What is taken away from a keeper that is just being killed, nobody could rescue.
        """
        self._wake()
        self._disarm("*@keeper")
        # One that has met its fault a moment ago still passes for ready.
        await asyncio.sleep(2 * PAUSE_SECONDS)
        # Whoever still waits for one would take the keeper that refuses a broken file for the end of it all.
        await asyncio.gather(*self._timing.values())
        await self._stage.ready("keeper")
        self._deaths += 1
        await self._harm.befall(what)

    def _go(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._beside.add(task)
        return task

    def _look_beside(self) -> None:
        for task in [task for task in self._beside if task.done()]:
            self._beside.discard(task)
            if not task.cancelled():
                task.result()


def _mark(path: Path) -> Mark | None:
    """What tells the file that lies there now from any other; None if none does."""
    with contextlib.suppress(FileNotFoundError):
        found = path.stat()
        return found.st_ino, found.st_mtime_ns
    return None


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
