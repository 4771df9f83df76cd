"""All processes of one world: started in order, watched, started again, stopped in order."""

import asyncio
import logging
import os
import random
import signal
import time
from collections.abc import Callable, Coroutine

from protocol.errors import Code, ProtocolError
from protocol.life import (
    AskServices,
    Beat,
    ConfigView,
    Done,
    Heard,
    RestartProcess,
    Scale,
    Scaled,
    Services,
    StopAll,
    WorkerKind,
)
from protocol.message import Message, Ping, Pong
from services.supervision import watchdog
from services.supervision.child import Child
from services.supervision.notice import worker_gone
from services.supervision.record import Throttle
from services.supervision.roster import Roster

STOP_SECONDS = 10.0
"""How long a process may take to finish or hand back its work; then it is killed."""
STOP_LAST_SECONDS = 4.0
FINAL_CODES = {76, 78}
"""Port in use, configuration: another start would end in the same way."""

log = logging.getLogger("supervisor")


class Crew:
    """The children of a roster. `control` is the keeper's socket."""

    def __init__(
        self,
        roster: Roster,
        control: str,
        address: Callable[[], str],
        config: Callable[[], ConfigView],
        tell: Callable[[str], None],
    ) -> None:
        self.roster = roster
        self.stop = asyncio.Event()
        """Set when everything is to be stopped."""
        self.hurry = asyncio.Event()
        """Set when that is to happen at once."""
        self.fault: BaseException | None = None
        """A bug in here, because of which everything is stopped."""
        self._control = control
        self._address = address
        self._config = config
        self._tell = tell
        self._started = time.monotonic()
        self._chance = random.Random()
        self._throttle = Throttle()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        """Who looks after which process."""
        self._leaving: set[str] = set()
        """Those that are no longer wanted and not gone yet."""
        self._passing: set[asyncio.Task[None]] = set()
        """What ends by itself."""
        self._changed = asyncio.Event()

    def open(self) -> None:
        """Begin to start the processes and to watch them."""
        for child in self.roster.children:
            self._employ(child)
        self._tasks[""] = self._guarded(watchdog.watch(self.roster))

    async def settled(self) -> bool:
        """Wait until no process is on its way any more, or all is to stop; whether every one is ready."""
        while not self.stop.is_set():
            children = self.roster.children
            if all(child.state in ("ready", "failed") or self._stuck(child) for child in children):
                return all(child.state == "ready" for child in children)
            await self._news()
        return False

    def handle(self, request: Message) -> Message:
        """Answer one request to the supervisor's socket."""
        match request:
            case Beat():
                return self._on_beat(request)
            case AskServices():
                return Services(
                    supervisor_pid=os.getpid(),
                    uptime_seconds=time.monotonic() - self._started,
                    address=self._address(),
                    services=[child.view() for child in self.roster.children],
                    config=self._config(),
                )
            case RestartProcess():
                return self._on_restart(request)
            case Scale():
                return self.scale(request.kind, request.count)
            case StopAll():
                self.stop.set()
                return Done()
            case Ping():
                return Pong(name="supervisor")
        raise ProtocolError(Code.UNKNOWN_TYPE, f"{request.TYPE} is not answered here.")

    def scale(self, kind: WorkerKind, count: int) -> Scaled:
        """From now on so many of a kind; those beyond finish their work first."""
        before = self.roster.counts[kind]
        self.roster.counts[kind] = count
        names = [child.name for child in (*self._dismiss(kind), *self._hire(kind))]
        if names:
            verb = "start" if count > before else "finish their work and end"
            self._tell(f"{kind:<12} {count} instead of {before}: {', '.join(names)} {verb}")
        return Scaled(kind=kind, count=count, before=before, names=names)

    def reload(self, lines: Callable[[Child], list[bytes]]) -> None:
        """Tell every process what it needs to know of a new configuration."""
        for child in self.roster.children:
            for line in lines(child):
                child.hand(line)

    def fell(self, task: asyncio.Task[None]) -> None:
        """For tasks that only a bug ends: stop everything in order, and let the error be seen."""
        if not task.cancelled() and task.exception() is not None:
            self.fault = task.exception()
            self.stop.set()

    async def close(self) -> None:
        """Stop everything in reverse order: first all that needs something, then what was needed."""
        # Those that are leaving need no other care: they are stopped with all others.
        tasks = [*self._tasks.values(), *self._passing]
        for task in tasks:
            task.remove_done_callback(self.fell)
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        backwards = self.roster.children[::-1]
        first = [child for child in backwards if child.needs]
        last = [child for child in backwards if not child.needs]
        for stage, seconds in ((first, STOP_SECONDS), (last, STOP_LAST_SECONDS)):
            await asyncio.gather(*(self._close(child, seconds) for child in stage))

    def _employ(self, child: Child) -> None:
        self._tasks[child.name] = self._guarded(self._look_after(child))

    def _guarded(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(self.fell)
        return task

    def _aside(self, work: Coroutine[None, None, None]) -> None:
        task = self._guarded(work)
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)

    def _hire(self, kind: WorkerKind) -> list[Child]:
        new = self.roster.hire(kind)
        for child in new:
            self._employ(child)
        return new

    def _dismiss(self, kind: WorkerKind) -> list[Child]:
        leaving = [child for child in self.roster.surplus(kind) if child.name not in self._leaving]
        for child in leaving:
            self._leaving.add(child.name)
            self._aside(self._let_go(child, kind))
        return leaving

    async def _let_go(self, child: Child, kind: WorkerKind) -> None:
        task = self._tasks.pop(child.name)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        ran = child.process is not None
        await self._close(child, STOP_SECONDS)
        if ran:
            self._aside(self._announce(child))
        self.roster.remove(child)
        self._leaving.discard(child.name)
        self._say(child, "is gone")
        self._change()
        # It may be wanted again by now.
        self._hire(kind)

    def _on_beat(self, beat: Beat) -> Message:
        child = self.roster.get(beat.name)
        if child is None:
            raise ProtocolError(Code.UNKNOWN_PROCESS, f"{beat.name} was not started from here.")
        # A beat of the run before this one may still have been under way.
        if child.process is not None and child.process.pid == beat.pid:
            if child.beat(beat.ready, beat.doing):
                self._say(child, f"ready in {time.monotonic() - child.started_at:.1f} s")
            self._change()
        return Heard()

    def _on_restart(self, request: RestartProcess) -> Message:
        child = self.roster.get(request.name)
        if child is None or child.name in self._leaving:
            known = ", ".join(child.name for child in self.roster.children)
            raise ProtocolError(Code.UNKNOWN_PROCESS, f"There is no process {request.name}.", details=known)
        child.record.forget()
        child.wanted.set()
        if child.process is not None and child.state != "stopping":
            self._aside(self._end(child, STOP_SECONDS))
        return Done()

    async def _look_after(self, child: Child) -> None:
        while True:
            child.state = "waiting"
            self._change()
            if child.needs:
                await self.roster.keeper.ready.wait()
            child.wanted.clear()
            child.start()
            self._change()
            await child.ended.wait()
            if self.stop.is_set():
                return
            code, run = child.over()
            self._aside(self._announce(child))
            await self._sweep(child)
            if child.wanted.is_set():
                self._say(child, "stopped, starts again")
                continue
            child.final_code = code if code in FINAL_CODES else 0
            wait = None if child.final_code else child.record.wait_after(run, self._chance)
            if wait is None:
                child.state = "failed"
                self._say(child, f"given up; {child.reason}")
            else:
                if not run.excused:
                    wait = self._throttle.wait(wait, time.monotonic())
                child.state = "backoff"
                self._say(child, f"{child.reason} Starts again in {wait:.1f} s.")
            self._change()
            try:
                # Not wait_for: before Python 3.12 it misses a cancellation in the moment of a change.
                async with asyncio.timeout(wait):
                    await child.wanted.wait()
            except TimeoutError:
                continue

    async def _announce(self, child: Child) -> None:
        """Let the keeper know that a worker's process has ended; its next run never waits for that."""
        if child.kind not in ("renderer", "generator"):
            return
        starts = child.starts

        def too_late() -> bool:
            return child.starts > starts and child.first_beat is not None

        if not await worker_gone(self._control, child.name, too_late):
            log.info("%s: the keeper was not told of its end; leases run out by themselves", child.name)

    async def _end(self, child: Child, seconds: float) -> None:
        """Stop one process: SIGTERM, some time, then SIGKILL for all of its group and what is left."""
        ended = child.ended
        if child.process is not None:
            child.state = "stopping"
            child.ready.clear()
            self._change()
            child.signal(signal.SIGTERM)
            if not await self._within(ended, seconds):
                child.kill(f"did not stop within {seconds:g} s and was killed")
                await ended.wait()

    async def _close(self, child: Child, seconds: float) -> None:
        await self._end(child, seconds)
        if child.process is not None:
            child.over()
        await self._sweep(child)
        child.state = "stopped"

    async def _within(self, ended: asyncio.Event, seconds: float) -> bool:
        waits = [asyncio.ensure_future(ended.wait()), asyncio.ensure_future(self.hurry.wait())]
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        return ended.is_set()

    async def _sweep(self, child: Child) -> None:
        if count := await child.sweep():
            self._say(child, f"left {count} processes behind, which were killed")

    def _stuck(self, child: Child) -> bool:
        return bool(child.state == "waiting" and child.needs and self.roster.keeper.state == "failed")

    def _say(self, child: Child, what: str) -> None:
        self._tell(f"{child.name:<12} {what}")

    def _change(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _news(self) -> None:
        waits = [asyncio.ensure_future(event.wait()) for event in (self._changed, self.stop)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
