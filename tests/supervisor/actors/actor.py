"""One stand-in: a real process with real heartbeats; how it behaves is read from DATA/script.json."""

import asyncio
import contextlib
import importlib
import json
import os
import subprocess
import sys
from typing import Any

from services.config import AppConfig
from services.process import Process, run

SLEEPER = "import time; time.sleep(600)"


def act(kind: str) -> None:
    """Serve as the script says: name → {hold, exit, after, say, orphan, stubborn, work, flood, hears}."""
    run(kind, serve)


async def serve(process: Process) -> None:
    part = script(process)
    note(process, "starts")
    (process.data / f"{process.name}.environ").write_text(json.dumps(dict(os.environ)))
    process.take_over.append(lambda config: note_config(process, config))
    if part.get("orphan"):
        # Like a browser: in a session of its own, so that a kill of our group does not reach it.
        orphan = subprocess.Popen([sys.executable, "-c", SLEEPER], start_new_session=True)  # noqa: ASYNC220
        (process.data / f"{process.name}.orphan").write_text(str(orphan.pid))
    if "flood" in part:
        print("flood " * part["flood"], flush=True)
    if "exit" in part and "after" not in part:
        print(part.get("say", ""), flush=True)
        os._exit(part["exit"])
    while part.get("hold"):
        await asyncio.sleep(0.02)
        part = script(process)
    with listening(process, part) if "hears" in part else contextlib.nullcontext():
        process.pulse.doing("acting")
        process.pulse.ready()
        if "after" in part:
            await asyncio.sleep(part["after"])
            os._exit(part["exit"])
        await process.stop.wait()
    note(process, "stops")
    if "work" in part:
        await asyncio.sleep(part["work"])
    if part.get("stubborn"):
        await asyncio.Event().wait()


def listening(process: Process, part: dict[str, Any]) -> contextlib.AbstractContextManager[None]:
    """The keeper's control socket; it takes longer to import than all the rest."""
    control = importlib.import_module("tests.supervisor.actors.control")
    return control.listening(process, part["hears"])


def note_config(process: Process, config: AppConfig) -> None:
    """Write down what this process goes by now, in DATA/NAME.config."""
    known = {model.model_id: config.why_unavailable(model) for model in config.models}
    keys = {model.model_id: model.key() for model in config.models}
    counts = config.services.model_dump()
    content = {"models": known, "keys": keys, "counts": counts, "port": config.http.port, "pid": os.getpid()}
    prepared = process.data / f".{process.name}.config"
    prepared.write_text(json.dumps(content))
    prepared.replace(process.data / f"{process.name}.config")


def script(process: Process) -> dict[str, Any]:
    """This process's part in the script."""
    try:
        return json.loads((process.data / "script.json").read_text()).get(process.name, {})
    except FileNotFoundError:
        return {}


def note(process: Process, what: str) -> None:
    """Add a line to DATA/starts or DATA/stops."""
    with (process.data / what).open("a") as lines:
        lines.write(f"{process.name}\n")
