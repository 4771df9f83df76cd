"""The stage: a data folder, a configuration, and the real supervisor on it."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from protocol.codec import catalogue
from protocol.errors import ProtocolError
from protocol.life import AskServices, Done, ProcessView, RestartProcess, Services
from services.client import Client
from services.config import Sockets
from services.drill.faults import GENERATORS, RENDERERS
from services.drill.plans import BUDGET, DARK_LAYER, DARK_MODEL, FEW_MODEL, PRICE, PRICED_MODEL
from services.drill.stubs.scribe import FOLDER

TREE = Path(__file__).resolve().parent.parent.parent
STUBS = "services.drill.stubs"
MODEL = "stub"
FEW = 3
"""Jobs of the other model that may be in workers' hands at once."""
PATIENCE_SECONDS = 60.0
"""How long anything may take to come back before the drill calls it stuck."""
PAUSE_SECONDS = 0.2
MEMORY, MEMORY_BYTES = Path("/dev/shm"), 2 << 30


class Stuck(Exception):
    """Raised when something does not come back; says what was waited for."""


class Stage:
    """One world in a folder of its own, on which everything can be killed."""

    def __init__(self, model: str, *, lease_seconds: float, within: Path | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="tw-drill-", dir=within or _roomy()))
        self.data = self.folder / "world"
        self.ledgers = self.folder / "ledgers"
        self.faults = self.folder / "faults"
        for folder in (self.data, self.ledgers, self.faults):
            folder.mkdir()
        self.config = self.folder / "app_config.json"
        self._model, self._lease_seconds = model, lease_seconds
        self.write_config(BUDGET)
        self.output = self.folder / "supervisor.out"
        self.database = self.data / "tilewright.db"
        self.sockets = Sockets(self.data)
        self.sockets.prepare()
        self.supervisor: subprocess.Popen[bytes] | None = None
        self._killed: dict[int, float] = {}
        """When processes were sent SIGKILL; the supervisor may not have noticed yet."""
        self._life: Client | None = None
        self._views: dict[str, ProcessView] = {}
        self._looked = 0.0

    def write_config(self, budget: float) -> None:
        """Let the priced model cost so much in a day; who runs already hears of it."""
        draft = self.config.with_name(".app_config.json")
        draft.write_text(json.dumps(app_config(self._model, self._lease_seconds, budget), indent=2))
        draft.rename(self.config)

    def start(self) -> None:
        """Start the supervisor; it starts all the others."""
        environment = {
            **os.environ,
            "CI": "true",
            "TILEWRIGHT_FAULTS": str(self.faults),
            FOLDER: str(self.ledgers),
        }
        with self.output.open("ab") as output:
            self.supervisor = subprocess.Popen(
                [
                    *(sys.executable, str(TREE / "supervisor.py"), "up", "--stubs", STUBS),
                    *("--config", str(self.config), "--data", str(self.data)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                cwd=TREE,
                start_new_session=True,
            )

    async def processes(self) -> dict[str, ProcessView]:
        """What the supervisor says of each process; nothing while it does not answer."""
        if time.monotonic() - self._looked > PAUSE_SECONDS:
            if self._life is None:
                self._life = Client(self.sockets.address("life"), catalogue(Services, Done))
            self._views = {}
            with contextlib.suppress(ProtocolError):
                answer = await self._life.ask(AskServices(), Services, timeout=1.0, resend=0.3)
                self._views = {view.name: view for view in answer.services}
            self._looked = time.monotonic()
        return self._views

    async def drafters(self) -> list[int]:
        """The processes that draw large plans up, by their ids."""
        view = (await self.processes()).get("keeper")
        found: list[int] = []
        with contextlib.suppress(psutil.Error):
            for child in psutil.Process(view.pid).children() if view and view.pid else ():
                if "services.keeper.drafting" in child.cmdline():
                    found.append(child.pid)
        return found

    def kill(self, pid: int) -> None:
        """SIGKILL to one process."""
        self._killed[pid] = time.monotonic()
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    async def ready(self, name: str, *, seconds: float = PATIENCE_SECONDS) -> int:
        """Wait until the process serves, and not only the one that was killed; its id."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            view = (await self.processes()).get(name)
            if view is not None and view.state == "ready" and view.pid and not self._is_dead(view):
                return view.pid
            if view is not None and view.state == "failed":
                # Given up: five runs ended before they were ready. A person would ask for another.
                raise Stuck(f"{name} was given up: {view.reason}")
            await asyncio.sleep(PAUSE_SECONDS)
        raise Stuck(f"{name} is not ready within {seconds:g} s")

    def _is_dead(self, view: ProcessView) -> bool:
        """Whether this very process was killed; in a long drill another one may be given its number."""
        killed = self._killed.get(view.pid or 0)
        return killed is not None and self._looked - view.uptime_seconds <= killed

    async def all_ready(self) -> None:
        """Wait until everything serves."""
        for name in ("keeper", *RENDERERS, *GENERATORS, "gateway"):
            await self.ready(name)

    async def restart(self, name: str) -> None:
        """Ask for another start, as a person would."""
        if self._life is not None:
            with contextlib.suppress(ProtocolError):
                await self._life.ask(RestartProcess(name=name), Done, timeout=2.0)

    async def kill_supervisor(self) -> float:
        """SIGKILL to the supervisor; the seconds until all that it had started were gone."""
        pids = [view.pid for view in (await self.processes()).values() if view.pid]
        assert self.supervisor is not None
        self.supervisor.kill()
        began = time.monotonic()
        self.supervisor.wait()
        # One that was frozen cannot hear of it; the next supervisor ends it.
        while any(alive(pid) and not stopped(pid) for pid in pids):
            if time.monotonic() - began > PATIENCE_SECONDS:
                raise Stuck("what a killed supervisor had started lives on")
            await asyncio.sleep(0.01)
        self._looked = 0.0
        return time.monotonic() - began

    async def stop(self) -> int:
        """Stop everything in order; the supervisor's exit code."""
        assert self.supervisor is not None
        self.supervisor.send_signal(signal.SIGTERM)
        return await self.ended()

    async def ended(self, seconds: float = PATIENCE_SECONDS) -> int:
        """Wait until the supervisor has ended; its exit code."""
        assert self.supervisor is not None
        deadline = time.monotonic() + seconds
        while self.supervisor.poll() is None:
            if time.monotonic() > deadline:
                raise Stuck(f"the supervisor has not ended within {seconds:g} s")
            await asyncio.sleep(PAUSE_SECONDS)
        self._looked = 0.0
        return self.supervisor.returncode

    async def close(self) -> None:
        """End whatever is left."""
        if self._life is not None:
            await self._life.close()
        if self.supervisor is not None and self.supervisor.poll() is None:
            with contextlib.suppress(psutil.Error):
                for child in psutil.Process(self.supervisor.pid).children(recursive=True):
                    child.kill()
            self.supervisor.kill()
            self.supervisor.wait()
        shutil.rmtree(self.sockets.folder, ignore_errors=True)

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _roomy() -> Path | None:
    """Memory that looks like a disk, if there is much of it: no drill cuts the power, so it shows as much."""
    with contextlib.suppress(OSError):
        if shutil.disk_usage(MEMORY).free >= MEMORY_BYTES:
            return MEMORY
    return None


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def stopped(pid: int) -> bool:
    """Whether the process is frozen by SIGSTOP."""
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).status() == psutil.STATUS_STOPPED
    return False


def app_config(model: str, lease_seconds: float, budget: float) -> dict[str, object]:
    """The configuration of a drill whose stub model listens at `model`."""
    stub = {"name": "Stub", "model_id": MODEL, "provider": "oxen", "endpoint": model, "api_key": "loopback"}
    money = {"cost_per_image": PRICE, "daily_budget": budget}
    layers = {"input_layer": "generation", "output_layer": DARK_LAYER}
    return {
        "name": "Drill",
        "models": [
            stub,
            {**stub, "name": "Few", "model_id": FEW_MODEL, "max_concurrency": FEW},
            {**stub, "name": "Priced", "model_id": PRICED_MODEL, **money},
            {**stub, "name": "Dark", "model_id": DARK_MODEL, **layers},
        ],
        "default_model_id": MODEL,
        "http": {"host": "127.0.0.1", "port": 0},
        "services": {"renderer": len(RENDERERS), "generator": len(GENERATORS)},
        "starter_plan": {"width": 0, "height": 0},
        "lease_seconds": lease_seconds,
        # What the drill kills is not the job's fault; those that outlive five workers are retried.
        "max_attempts": 100,
    }
