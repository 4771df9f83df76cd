"""One supervisor whose services are stand-ins, or the real ones, as tests see it."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

import psutil

from protocol.errors import ProtocolError
from protocol.life import AskServices, Scale, Scaled, Services, WorkerKind
from services.config import Sockets
from services.supervision import report
from services.supervision.ask import NotRunning, ask
from services.supervision.lock import Lock
from supervisor import main
from tests.supervisor.program import LOCK_SECONDS, LOOK_SECONDS, STOP_SECONDS

__all__ = ["LOCK_SECONDS", "LOOK_SECONDS", "STOP_SECONDS", "TREE", "Stage", "alive", "until"]

TREE = Path(__file__).resolve().parent.parent.parent
PATIENCE = 40.0

T = TypeVar("T")


def until(what: str, look: Callable[[], T | None]) -> T:
    """What `look` finds, asked again until it finds something."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.04)
    raise AssertionError(f"{what}: not within {PATIENCE:g} s")


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


class Stage:
    """A data folder, its configuration, and the supervisor on it."""

    def __init__(self, folder: Path, program: str = "tests.supervisor.program") -> None:
        self.data = folder / "world"
        self.data.mkdir(parents=True)
        self.config = folder / "app_config.json"
        self.output = folder / "up.out"
        self.environment = {**os.environ, "CI": "true"}
        self.process: subprocess.Popen[bytes] | None = None
        self.settings: dict[str, Any] = {
            "models": [{"name": "Pixel art", "model_id": "pixel-art", "provider": "pixel-art"}],
            "http": {"port": 0},
            "starter_plan": {"width": 0, "height": 0},
        }
        self._program = program

    def script(self, **parts: dict[str, Any]) -> None:
        """Say what the actors do; names with `_` for `-`."""
        named = {name.replace("_", "-"): part for name, part in parts.items()}
        prepared = self.data / "script.new"
        prepared.write_text(json.dumps(named))
        prepared.replace(self.data / "script.json")

    def configure(self) -> None:
        """Write the settings to the configuration file, as an editor does."""
        prepared = self.config.with_name("new.json")
        prepared.write_text(json.dumps(self.settings, indent=2))
        prepared.replace(self.config)

    def words(self, *words: str) -> list[str]:
        """The command line of one command on this world; what runs keeps its configuration file."""
        if self.process is None:
            self.config.write_text(json.dumps(self.settings))
        places = ["--config", str(self.config), "--data", str(self.data)]
        return [sys.executable, "-m", self._program, *words, *places]

    def up(self) -> "Stage":
        """Start the supervisor, on the settings as they are now."""
        self.process = None
        # Started in the background of a shell, the tests themselves may have been told to ignore Ctrl-C.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            with self.output.open("ab") as output:
                self.process = subprocess.Popen(
                    self.words("up"),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    env=self.environment,
                    cwd=TREE,
                )
        finally:
            signal.signal(signal.SIGINT, before)
        return self

    def ready(self) -> "Stage":
        """Wait until all is well."""
        until("all ready", lambda: self.status().get("ok"))
        return self

    def command(self, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """What a command answers that only asks; typed in this process, which has imported all it takes."""
        _, _, _, *typed = self.words(*words)
        said, complained = io.StringIO(), io.StringIO()
        standard_input = io.TextIOWrapper(io.BytesIO(given.encode()))
        with (
            contextlib.redirect_stdout(said),
            contextlib.redirect_stderr(complained),
            mock.patch.object(sys, "stdin", standard_input),
        ):
            code = main(typed)
        return subprocess.CompletedProcess(typed, code, said.getvalue(), complained.getvalue())

    def started(self, *words: str) -> subprocess.CompletedProcess[str]:
        """What a command answers that starts something."""
        return subprocess.run(
            self.words(*words),
            capture_output=True,
            text=True,
            env=self.environment,
            cwd=TREE,
            timeout=PATIENCE,
        )

    def scale(self, kind: WorkerKind, count: int) -> Scaled:
        """What the supervisor answers when it is asked for so many."""
        return ask(Sockets(self.data).address("life"), Scale(kind=kind, count=count), Scaled)

    def status(self) -> dict[str, Any]:
        """What `status --json` says of the processes, asked without the command."""
        services: Services | None = None
        with contextlib.suppress(NotRunning, ProtocolError):
            services = ask(Sockets(self.data).address("life"), AskServices(), Services, timeout=2.0)
        return dict(json.loads(report.as_json(services, None, "")))

    def service(self, name: str) -> dict[str, Any]:
        """One process in `status`, empty if nobody answers."""
        return next((view for view in self.status()["services"] if view["name"] == name), {})

    def goes_by(self, name: str) -> dict[str, Any]:
        """The configuration that an actor has taken over last."""
        with contextlib.suppress(FileNotFoundError):
            return dict(json.loads((self.data / f"{name}.config").read_text()))
        return {}

    def in_state(self, name: str, state: str) -> dict[str, Any]:
        """The process, once it is in that state."""

        def look() -> dict[str, Any] | None:
            view = self.service(name)
            return view if view.get("state") == state else None

        return until(f"{name} {state}", look)

    def lines(self, what: str) -> list[str]:
        """The names that actors have noted in DATA/starts or DATA/stops."""
        with contextlib.suppress(FileNotFoundError):
            return (self.data / what).read_text().split()
        return []

    def left(self) -> list[int]:
        """Every process that carries this world's mark."""
        mark = Sockets(self.data).folder.name
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                carries = process.environ().get("TILEWRIGHT_CHILD", "").startswith(mark + "/")
                if carries and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process.pid)
        return found

    def signal(self, number: signal.Signals) -> int:
        """Send the supervisor a signal and wait for its end; its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def end(self) -> None:
        """End whatever a failed test has left."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if Lock(self.data).holder() is not None:
            # Another supervisor of this world runs in the background.
            self.command("down")
        for pid in self.left():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
