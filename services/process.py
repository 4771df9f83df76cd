"""One service process: its arguments, log, signals, heartbeat and lifeline."""

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from services import logs
from services.config import DEFAULT_CONFIG, DEFAULT_DATA, AppConfig, ConfigError, Sockets, load
from services.pulse import Pulse

BAD_CONFIG = 78
"""The exit code (EX_CONFIG) that tells the supervisor not to try again."""


@dataclass
class Process:
    """What a service is given: who it is, where its data lies, and when to stop."""

    name: str
    config: AppConfig
    config_path: Path
    data: Path
    sockets: Sockets
    log: logging.Logger
    stop: asyncio.Event
    pulse: Pulse


Serve = Callable[[Process], Awaitable[None]]


def run(kind: str, serve: Serve) -> None:
    """Parse the command line, then serve until SIGTERM or SIGINT. `serve` returns once it has stopped."""
    parser = argparse.ArgumentParser(prog=f"python -m services.{kind}")
    parser.add_argument("--name", default=f"{kind}-1", help="the name in status and logs")
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG, help="app_config.json")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="the world's folder")
    parser.add_argument("--lifeline", action="store_true", help="end when standard input closes")
    given = parser.parse_args()
    log = logs.start(given.name, given.data / "logs", console=sys.stderr.isatty() or not given.lifeline)
    try:
        settings = load(given.config)
    except ConfigError as error:
        print(error, file=sys.stderr)
        sys.exit(BAD_CONFIG)
    if given.lifeline:
        threading.Thread(target=_end_with_parent, name="lifeline", daemon=True).start()
    asyncio.run(_serve(given, settings, log, serve))


async def _serve(given: argparse.Namespace, settings: AppConfig, log: logging.Logger, serve: Serve) -> None:
    sockets = Sockets(given.data)
    sockets.prepare()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    pulse = Pulse(given.name, sockets.address("life"))
    beating = asyncio.create_task(pulse.run())
    try:
        await serve(
            Process(
                name=given.name,
                config=settings,
                config_path=given.config,
                data=given.data,
                sockets=sockets,
                log=log,
                stop=stop,
                pulse=pulse,
            )
        )
    finally:
        beating.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await beating
        await pulse.close()


def _end_with_parent() -> None:
    """Kill this process group when the supervisor is gone: its end of our standard input closes with it."""
    while os.read(0, 4_096):
        pass
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)
