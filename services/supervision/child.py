"""One process that the supervisor keeps alive."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from protocol.life import ProcessState, ProcessView
from services.supervision import leftovers
from services.supervision.record import Record, Run

OUTPUT_BYTES = 1 << 20
KEPT_OUTPUTS = 3
TAIL_BYTES = 8_192
OOM_SCORES = {"keeper": -500, "renderer": 500}
"""Whom a kernel short of memory takes first: a browser, which is soon replaced; last the only writer."""


@dataclass
class Child:
    """What is known of one process; times are monotonic."""

    name: str
    kind: str
    command: list[str]
    environment: dict[str, str]
    mark: str
    folder: Path
    output: Path
    needs: str | None = None

    state: ProcessState = "waiting"
    reason: str = ""
    doing: str = ""
    starts: int = 0
    record: Record = field(default_factory=Record)
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    ready_at: float | None = None
    first_beat: float | None = None
    last_beat: float | None = None
    killed_for: str = ""
    """Why the supervisor itself ended the present run."""
    final_code: int = 0
    """The exit code after which no other start is tried."""
    output_start: int = 0
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    wanted: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when somebody asks for a start now."""

    def start(self) -> None:
        """Start the process in a session of its own; our end of its standard input is its lifeline."""
        self._rotate()
        loop = asyncio.get_running_loop()
        # Opened again for each run, so that a reader of the old file keeps it.
        with self.output.open("ab") as output:
            self.output_start = output.tell()
            self.process = subprocess.Popen(
                self.command,
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self.environment,
                cwd=self.folder,
                start_new_session=True,
            )
        assert self.process.stdin is not None
        os.set_blocking(self.process.stdin.fileno(), False)
        if self.kind in OOM_SCORES:
            # Less than zero only root may give.
            with contextlib.suppress(OSError):
                Path(f"/proc/{self.process.pid}/oom_score_adj").write_text(str(OOM_SCORES[self.kind]))
        self.ended = ended = asyncio.Event()
        self.starts += 1
        self.state, self.reason, self.doing, self.killed_for = "starting", "", "", ""
        self.started_at = time.monotonic()
        self.ready_at = self.first_beat = self.last_beat = None
        process = self.process

        def await_end() -> None:
            process.wait()
            with contextlib.suppress(RuntimeError):
                # RuntimeError: the loop has closed, since the supervisor itself ends.
                loop.call_soon_threadsafe(ended.set)

        threading.Thread(target=await_end, name=f"end of {self.name}", daemon=True).start()

    def beat(self, ready: bool, doing: str) -> bool:
        """Note that it lives; say whether it has just become ready."""
        now = time.monotonic()
        self.last_beat = now
        self.first_beat = self.first_beat or now
        self.doing = doing
        if not ready or self.ready_at is not None or self.state != "starting":
            return False
        self.state, self.ready_at = "ready", now
        self.ready.set()
        return True

    def over(self) -> tuple[int, Run]:
        """Note that the process has ended; give its exit code and the run that is over."""
        assert self.process is not None and self.process.returncode is not None
        code = self.process.returncode
        killed = code == -signal.SIGKILL and not self.killed_for
        run = Run(self.started_at, time.monotonic(), self.first_beat, self.ready_at, killed)
        why = self.killed_for or _ended_by(code)
        last = self._last_line()
        self.reason = f"{why}: {last}"[:1_000] if last else f"{why}."
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process = None
        # What follows takes a moment, in which nobody may take it for one that runs.
        self.state = "backoff"
        self.ready.clear()
        self.ready_at = self.last_beat = None
        self.doing = ""
        return code, run

    def hand(self, line: bytes) -> None:
        """Write a line on its lifeline; who does not read is hung, and the watchdog's business."""
        if self.process is not None and self.process.stdin is not None:
            with contextlib.suppress(OSError):
                self.process.stdin.write(line)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process, if it runs."""
        if self.process is not None and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(number)

    def kill(self, why: str) -> None:
        """Kill the process with all of its group."""
        if self.process is not None and self.process.returncode is None:
            self.killed_for = why
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    async def sweep(self) -> int:
        """Kill what the process has left behind; say how many processes that were."""
        return await asyncio.to_thread(leftovers.kill, self.mark)

    def view(self) -> ProcessView:
        """The process as `status` shows it."""
        now = time.monotonic()
        return ProcessView(
            name=self.name,
            kind=self.kind,
            state=self.state,
            pid=self.process.pid if self.process else None,
            uptime_seconds=now - self.started_at if self.process else 0.0,
            restarts=max(0, self.starts - 1),
            last_beat_seconds=now - self.last_beat if self.last_beat is not None else None,
            doing=self.doing,
            reason=self.reason,
        )

    def trim(self) -> None:
        """Put aside what a running process has printed if it is much; it goes on at the file's beginning."""
        if self.process is None or not self._is_long():
            return
        self._make_room()
        shutil.copyfile(self.output, self.output.with_name(f"{self.output.name}.1"))
        os.truncate(self.output, 0)
        self.output_start = 0

    def _rotate(self) -> None:
        if self._is_long():
            self._make_room()
            self.output.replace(self.output.with_name(f"{self.output.name}.1"))

    def _is_long(self) -> bool:
        return self.output.exists() and self.output.stat().st_size >= OUTPUT_BYTES

    def _make_room(self) -> None:
        for number in range(KEPT_OUTPUTS - 1, 0, -1):
            older = self.output.with_name(f"{self.output.name}.{number}")
            if older.exists():
                older.replace(self.output.with_name(f"{self.output.name}.{number + 1}"))

    def _last_line(self) -> str:
        try:
            with self.output.open("rb") as output:
                size = output.seek(0, os.SEEK_END)
                output.seek(max(self.output_start, size - TAIL_BYTES))
                text = output.read().decode("utf-8", "replace")
        except OSError:
            return ""
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return "".join(sign for sign in lines[-1] if sign.isprintable())[:500] if lines else ""


def _ended_by(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"ended by signal {-code}"
