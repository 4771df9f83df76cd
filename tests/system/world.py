"""A whole running world: the supervisor and everything it starts, in folders of its own."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from protocol.errors import ProtocolError
from protocol.life import AskServices, Services
from services.config import Sockets
from services.supervision import report
from services.supervision.ask import NotRunning, ask

TREE = Path(__file__).resolve().parent.parent.parent
PATIENCE = 90.0

T = TypeVar("T")


def until(what: str, look: Callable[[], T | None], *, patience: float = PATIENCE, pause: float = 0.1) -> T:
    """What `look` finds, asked again until it finds something or patience ends."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(pause)
    raise AssertionError(f"{what}: not within {patience:g} s")


class World:
    """One data folder and its supervisor; port 0 and no starter plan unless asked for."""

    def __init__(self, folder: Path, **config: object) -> None:
        self.data = folder / "world"
        self.config = folder / "app_config.json"
        settings = json.loads((TREE / "app_config.json").read_text())
        settings["http"] = {"host": "127.0.0.1", "port": 0}
        settings["starter_plan"] = {"width": 0, "height": 0}
        self.config.write_text(json.dumps({**settings, **config}))
        self.process: subprocess.Popen[bytes] | None = None

    def command(self, *words: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        """What `supervisor.py …` answers for this world."""
        return subprocess.run(
            [sys.executable, TREE / "supervisor.py", *words, "--config", self.config, "--data", self.data],
            input=given,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )

    def start(self) -> "World":
        """Start the supervisor and wait until everything is ready."""
        with open(self.config.parent / "up.out", "ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, TREE / "supervisor.py", "up", "--config", self.config, "--data", self.data],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env={**os.environ, "CI": "true"},
            )
        self.ready()
        return self

    def ready(self) -> None:
        """Wait until every process is ready."""
        until("all ready", lambda: self.status().get("ok"))

    def stop(self) -> int:
        """Stop in order; the supervisor's exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    def kill(self) -> None:
        """End whatever is left of this world, for tests that failed half way."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def status(self) -> dict[str, Any]:
        """What `status --json` says of the processes, asked without the command: it is asked often."""
        services: Services | None = None
        with contextlib.suppress(NotRunning, ProtocolError):
            services = ask(Sockets(self.data).address("life"), AskServices(), Services, timeout=2.0)
        return dict(json.loads(report.as_json(services, None, "")))

    def service(self, name: str) -> dict[str, Any]:
        """One process in `status`."""
        found = [service for service in self.status().get("services", []) if service["name"] == name]
        return found[0] if found else {}

    @property
    def address(self) -> str:
        """Where the studio is served."""
        return until("an address", (self.data / "gateway.address").read_text).strip()

    def get(self, path: str) -> Any:
        """The JSON at a path of the HTTP API."""
        with urllib.request.urlopen(self.address + path, timeout=20) as answer:
            return json.loads(answer.read())

    def post(self, path: str, body: object) -> Any:
        """The JSON that answers a POST."""
        request = urllib.request.Request(
            self.address + path,
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read())

    def publish(self, plan: dict[str, object]) -> None:
        """Publish a plan over HTTP."""
        self.post("/api/plans", plan)

    def settled(self, plan: str, *, patience: float = 300.0, pause: float = 0.2) -> dict[str, Any]:
        """Wait until a plan has settled; its view."""

        def look() -> dict[str, Any] | None:
            try:
                plans = self.get("/api/plans")["plans"]
            except OSError:
                return None
            return next((view for view in plans if view["plan"] == plan and view["settled"]), None)

        return until(f"{plan} settled", look, patience=patience, pause=pause)

    def tiles(self, layer: str) -> dict[tuple[int, int], str]:
        """SHA-256 of what stands on the map, by quadrant; read from the store of a stopped world."""
        rows = self.rows(
            "select t.x, t.y, v.sha256 from tiles t join tile_versions v on v.version = t.version "
            "where t.layer = ?",
            layer,
        )
        return {(x, y): sha256 for x, y, sha256 in rows}

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows of the store of a stopped world."""
        store = sqlite3.connect(self.data / "tilewright.db")
        try:
            return store.execute(query, values).fetchall()
        finally:
            store.close()
