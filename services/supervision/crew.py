"""All processes of one world: started in order, watched, started again, stopped in order."""

import asyncio
import os
import random
import signal
import time
from collections.abc import Callable

from protocol.errors import Code, ProtocolError
from protocol.life import AskServices, Beat, Done, Heard, RestartProcess, Services, StopAll
from protocol.message import Message, Ping, Pong
from services.supervision.child import Child

SILENT_BEATS = 5
BEAT_SECONDS = 1.0
SILENT_START_SECONDS = 60.0
"""A process that starts may be busy in C code, e.g. compiling; after this it hangs."""
WATCH_SECONDS = 0.5
STOP_SECONDS = 10.0
STOP_LAST_SECONDS = 4.0
FINAL_CODES = {76, 78}
"""Port in use, configuration: another start would end in the same way."""


class Crew:
    """The children, in the order in which they start; each keeps its place when it is started again."""

    def __init__(
        self, children: list[Child], address: Callable[[], str], tell: Callable[[str], None]
    ) -> None:
        self.children = children
        self.stop = asyncio.Event()
        """Set when everything is to be stopped."""
        self.hurry = asyncio.Event()
        """Set when that is to happen at once."""
        self.fault: BaseException | None = None
        """A bug in here, because of which everything is stopped."""
        self._address = address
        self._tell = tell
        self._named = {child.name: child for child in children}
        self._started = time.monotonic()
        self._chance = random.Random()
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()

    def open(self) -> None:
        """Begin to start the processes and to watch them."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._look_after(child)) for child in self.children]
        self._tasks.append(loop.create_task(self._watch()))
        for task in self._tasks:
            task.add_done_callback(self._fell)

    async def settled(self) -> bool:
        """Wait until no process is on its way any more, or all is to stop; whether every one is ready."""
        while not self.stop.is_set():
            if all(child.state in ("ready", "failed") or self._stuck(child) for child in self.children):
                return all(child.state == "ready" for child in self.children)
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
                    services=[child.view() for child in self.children],
                )
            case RestartProcess():
                return self._on_restart(request)
            case StopAll():
                self.stop.set()
                return Done()
            case Ping():
                return Pong(name="supervisor")
        raise ProtocolError(Code.UNKNOWN_TYPE, f"{request.TYPE} is not answered here.")

    async def close(self) -> None:
        """Stop everything in reverse order: first all that needs something, then what was needed."""
        for task in self._tasks:
            task.remove_done_callback(self._fell)
            task.cancel()
        await asyncio.gather(*self._tasks, *self._stopping, return_exceptions=True)
        backwards = list(reversed(self.children))
        first = [child for child in backwards if child.needs]
        last = [child for child in backwards if not child.needs]
        for stage, seconds in ((first, STOP_SECONDS), (last, STOP_LAST_SECONDS)):
            await asyncio.gather(*(self._close(child, seconds) for child in stage))

    def _on_beat(self, beat: Beat) -> Message:
        child = self._named.get(beat.name)
        if child is None:
            raise ProtocolError(Code.UNKNOWN_PROCESS, f"{beat.name} was not started from here.")
        # A beat of the run before this one may still have been under way.
        if child.process is not None and child.process.pid == beat.pid:
            if child.beat(beat.ready, beat.doing):
                self._say(child, f"ready in {time.monotonic() - child.started_at:.1f} s")
            self._change()
        return Heard()

    def _on_restart(self, request: RestartProcess) -> Message:
        child = self._named.get(request.name)
        if child is None:
            known = ", ".join(self._named)
            raise ProtocolError(Code.UNKNOWN_PROCESS, f"There is no process {request.name}.", details=known)
        child.record.forget()
        child.wanted.set()
        if child.process is not None and child.state != "stopping":
            task = asyncio.get_running_loop().create_task(self._end(child, STOP_SECONDS))
            self._stopping.add(task)
            task.add_done_callback(self._stopping.discard)
        return Done()

    async def _look_after(self, child: Child) -> None:
        while True:
            child.state = "waiting"
            self._change()
            if child.needs:
                await self._named[child.needs].ready.wait()
            child.wanted.clear()
            child.start()
            self._change()
            await child.ended.wait()
            if self.stop.is_set():
                return
            code, run = child.over()
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
                child.state = "backoff"
                self._say(child, f"{child.reason} Starts again in {wait:.1f} s.")
            self._change()
            try:
                # Not wait_for: before Python 3.12 it misses a cancellation in the moment of a change.
                async with asyncio.timeout(wait):
                    await child.wanted.wait()
            except TimeoutError:
                continue

    async def _watch(self) -> None:
        """Kill what has gone silent. A process busy in C code looks the same as a dead one."""
        before = time.monotonic()
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            now = time.monotonic()
            if now - before > 4 * WATCH_SECONDS:
                # It was we who were stopped or starved: the beats still lie unread.
                for child in self.children:
                    child.last_beat = child.last_beat and now
            before = now
            for child in self.children:
                limit = SILENT_BEATS * BEAT_SECONDS if child.ready_at is not None else SILENT_START_SECONDS
                heard = child.last_beat or child.started_at
                if child.state in ("starting", "ready") and now - heard > limit:
                    child.kill(f"was silent for {now - heard:.0f} s and was killed")

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
        return bool(child.state == "waiting" and child.needs and self._named[child.needs].state == "failed")

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

    def _fell(self, task: asyncio.Task[None]) -> None:
        """A bug in the supervisor: stop everything in order, and let the error be seen."""
        if not task.cancelled() and task.exception() is not None:
            self.fault = task.exception()
            self.stop.set()
