"""One service process: its arguments, log, signals, heartbeat and lifeline."""

import argparse
import asyncio
import contextlib
import json
import logging
import os
import resource
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from services import lifeline, logs
from services.config import DEFAULT_CONFIG, DEFAULT_DATA, AppConfig, ConfigError, Sockets, load
from services.pulse import Pulse

BAD_CONFIG = 78
"""The exit code (EX_CONFIG) that tells the supervisor not to try again."""
CONFIG_VARIABLE = "TILEWRIGHT_CONFIG"
"""Set by the supervisor: the file that a person edits, where --config names the copy that is in force."""
UNAVAILABLE_VARIABLE = "TILEWRIGHT_UNAVAILABLE"
"""Set by the supervisor for those without keys: a file, model_id → why it cannot be called, as JSON."""


@dataclass
class Process:
    """What a service is given: who it is, where its data lies, and when to stop."""

    name: str
    config: AppConfig
    config_path: Path
    """The file that a person edits."""
    data: Path
    sockets: Sockets
    log: logging.Logger
    stop: asyncio.Event
    pulse: Pulse
    take_over: list[Callable[[AppConfig], None]] = field(default_factory=list)
    """Called with each new configuration; what is under way goes on."""


Serve = Callable[[Process], Awaitable[None]]


def run(kind: str, serve: Serve) -> None:
    """Parse the command line, then serve until SIGTERM or SIGINT. `serve` returns once it has stopped."""
    parser = argparse.ArgumentParser(prog=f"python -m services.{kind}")
    parser.add_argument("--name", default=f"{kind}-1", help="the name in status and logs")
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG, help="app_config.json")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="the world's folder")
    parser.add_argument("--lifeline", action="store_true", help="end when standard input closes")
    given = parser.parse_args()
    # libzmq ends a process that cannot take a connection in for want of a descriptor.
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    log = logs.start(given.name, given.data / "logs", console=sys.stderr.isatty() or not given.lifeline)
    try:
        settings = _load(given.config)
    except ConfigError as error:
        print(error, file=sys.stderr)
        sys.exit(BAD_CONFIG)
    try:
        asyncio.run(_serve(given, settings, log, serve))
    except Exception:
        log.exception("ended by a bug")
        raise


async def _serve(given: argparse.Namespace, settings: AppConfig, log: logging.Logger, serve: Serve) -> None:
    loop = asyncio.get_running_loop()
    changed = asyncio.Event()

    def on_change() -> None:
        with contextlib.suppress(RuntimeError):
            # RuntimeError: the loop has closed, since this process ends.
            loop.call_soon_threadsafe(changed.set)

    if given.lifeline:
        lifeline.hold(on_change)
    sockets = Sockets(given.data)
    sockets.prepare()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, changed.set)
    process = Process(
        name=given.name,
        config=settings,
        config_path=Path(os.environ.get(CONFIG_VARIABLE) or given.config),
        data=given.data,
        sockets=sockets,
        log=log,
        stop=stop,
        pulse=Pulse(given.name, sockets.address("life")),
    )
    serving = asyncio.current_task()
    assert serving is not None
    beside = [
        asyncio.create_task(process.pulse.run()),
        asyncio.create_task(_follow(process, given.config, changed)),
    ]
    fallen: list[BaseException] = []

    def on_end(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            fallen.append(error)
            serving.cancel()

    for task in beside:
        task.add_done_callback(on_end)
    try:
        await serve(process)
    except asyncio.CancelledError:
        if fallen:
            raise fallen[0] from None
        raise
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        await process.pulse.close()


async def _follow(process: Process, path: Path, changed: asyncio.Event) -> None:
    """Take the configuration over each time when it has changed; one that cannot be used is left alone."""
    while True:
        await changed.wait()
        changed.clear()
        try:
            process.config = _load(path)
        except ConfigError as error:
            process.log.warning("the configuration is not taken over: %s", error)
            continue
        for take_over in process.take_over:
            take_over(process.config)
        process.log.info("took the configuration over")


def _load(path: Path) -> AppConfig:
    settings = load(path)
    reasons = os.environ.get(UNAVAILABLE_VARIABLE)
    return settings.told(json.loads(Path(reasons).read_text())) if reasons else settings
