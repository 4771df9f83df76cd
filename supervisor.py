"""Start, watch, restart and stop a world; the command line starts here.

    supervisor.py up [--detach] | down | status [--json] | restart NAME | scale KIND NUMBER
    supervisor.py COMMAND …      every other command is a file in services/commands

Exit codes: 0 well, 1 something is down or went wrong, 2 wrong usage, 3 not running, 75 another supervisor has
the data folder, 76 the port is in use, 78 the configuration cannot be used, 130 interrupted.
"""

import argparse
import asyncio
import contextlib
import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import get_args

from protocol.control import GetStatus, Status
from protocol.errors import ProtocolError
from protocol.life import (
    PROCESSES_LIMIT,
    AskServices,
    Done,
    RestartProcess,
    Scale,
    Scaled,
    Services,
    StopAll,
    WorkerKind,
)
from services import logs
from services.config import DEFAULT_CONFIG, DEFAULT_DATA, ConfigError, Sockets, load, open_to_others
from services.supervision import port
from services.supervision.ask import NotRunning, ask
from services.supervision.configuration import Configuration
from services.supervision.crew import STOP_SECONDS
from services.supervision.lock import Held, Lock
from services.supervision.voice import Voice
from services.supervision.world import NOT_READY, READY, World

NOT_WELL, USAGE, NOT_RUNNING, ALREADY, PORT_IN_USE, BAD_CONFIG, INTERRUPTED = 1, 2, 3, 75, 76, 78, 130

STUBBED = ("keeper", "renderer", "generator")
"""The kinds that `--stubs PACKAGE`, of the drill, replaces by cheap stand-ins."""
COMMANDS = Path(__file__).resolve().parent / "services" / "commands"
DOWN_SECONDS = 30.0


def up(given: argparse.Namespace) -> int:
    """Start everything and stay; with --detach, return when everything is ready."""
    if given.detach:
        load(given.config)
        given.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        return _detach(given)
    sockets = Sockets(given.data)
    config = Configuration(given.config, sockets.folder)
    settings = config.settings
    given.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = Lock(given.data)
    try:
        lock.take()
    except Held as held:
        return _wrong(f"{given.data} is already run by supervisor {held.pid or '(unknown)'}.", ALREADY)
    try:
        if taken := port.why_taken(settings.http):
            return _wrong(taken, PORT_IN_USE)
        if os.getuid() == 0 and not os.environ.get("CI"):
            _wrong("This runs as root; an ordinary user is safer.")
        if open_to_others(given.config, settings):
            _wrong(f"{given.config} holds a key and others may read it: chmod 600 {given.config}")
        os.umask(0o077)
        log = logs.start("supervisor", given.data / "logs", console=False)

        def written(line: str) -> None:
            if given.detached and line.startswith((READY, NOT_READY)):
                # From here on the command that started us does not listen any more.
                os.dup2(2, 1)

        voice = Voice(written)

        def tell(line: str) -> None:
            log.info("%s", line)
            voice.say(line)

        packages = dict.fromkeys(STUBBED, given.stubs) if given.stubs else {}
        try:
            return asyncio.run(World(config, sockets, given.data, given.package, tell, packages).run())
        finally:
            voice.close()
    finally:
        lock.release()


def down(given: argparse.Namespace) -> int:
    """Stop everything in order and wait until it is gone; who works finishes or hands back within STOP s."""
    lock = Lock(given.data)
    holder = lock.holder()
    if holder is None:
        print(f"Nothing runs in {given.data}.")
        return 0
    try:
        ask(Sockets(given.data).address("life"), StopAll(), Done, timeout=3.0)
    except (NotRunning, ProtocolError):
        # It is starting or stopping, or it hangs.
        if holder:
            with contextlib.suppress(ProcessLookupError):
                os.kill(holder, signal.SIGTERM)
    deadline = time.monotonic() + DOWN_SECONDS
    while lock.holder() is not None:
        if time.monotonic() > deadline:
            return _wrong(f"Supervisor {holder} has not ended within {DOWN_SECONDS:g} s.", NOT_WELL)
        time.sleep(0.05)
    print("Stopped.")
    return 0


def status(given: argparse.Namespace) -> int:
    """Show every process and the queue. Exit code: 0 all well, 1 something is down, 3 not running."""
    # Imported here: nobody else needs tables, and every command comes by this file.
    from rich.console import Console

    from services.supervision import report

    sockets = Sockets(given.data)
    ingest = sockets.address("ingest")
    holder = Lock(given.data).holder()
    services: Services | None = None
    queue: Status | None = None
    if holder is not None:
        with contextlib.suppress(NotRunning, ProtocolError):
            services = ask(sockets.address("life"), AskServices(), Services, timeout=3.0)
        with contextlib.suppress(NotRunning, ProtocolError):
            queue = ask(sockets.address("control"), GetStatus(), Status, timeout=2.0)
    if given.json:
        print(report.as_json(services, queue, ingest))
    elif services is not None:
        report.show(services, queue, ingest, Console())
    elif holder is None:
        print(f"Nothing runs in {given.data}.")
    else:
        print(f"Supervisor {holder or '(unknown)'} does not answer: it is starting or stopping, or it hangs.")
    if holder is None:
        return NOT_RUNNING
    return 0 if report.well(services) else NOT_WELL


def restart(given: argparse.Namespace) -> int:
    """Stop one process in order and start it again, also when it had been given up."""
    try:
        ask(Sockets(given.data).address("life"), RestartProcess(name=given.name), Done, timeout=5.0)
    except NotRunning:
        return _wrong(f"Nothing runs in {given.data}.", NOT_RUNNING)
    except ProtocolError as error:
        known = f" There are: {error.details}." if error.details else ""
        return _wrong(error.message + known, NOT_WELL)
    print(f"{given.name} starts again.")
    return 0


def scale(given: argparse.Namespace) -> int:
    """Run so many renderers or generators, until all is stopped or that number changes in app_config.json."""
    kinds = get_args(WorkerKind)
    if given.kind not in kinds:
        return _wrong(f"{given.kind} cannot be scaled; only {' and '.join(kinds)} can.", USAGE)
    if not given.number.isdecimal() or int(given.number) > PROCESSES_LIMIT:
        return _wrong(f"{given.number} is no number from 0 to {PROCESSES_LIMIT}.", USAGE)
    try:
        body = Scale(kind=given.kind, count=int(given.number))
        done = ask(Sockets(given.data).address("life"), body, Scaled, timeout=5.0)
    except NotRunning:
        return _wrong(f"Nothing runs in {given.data}.", NOT_RUNNING)
    except ProtocolError as error:
        return _wrong(error.message, NOT_WELL)
    if done.count == done.before:
        print(
            f"There are {done.count} {given.kind}s already."
            if done.count != 1
            else f"There is one {given.kind} already."
        )
    else:
        what = "start" if done.count > done.before else "finish their work and end"
        print(f"{done.count} instead of {done.before}: {', '.join(done.names)} {what}.")
    return 0


def main(arguments: Sequence[str] | None = None, package: str = "services") -> int:
    """Run one command; give its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    _open_standard_files()
    try:
        if words and words[0] in _others():
            command = importlib.import_module(f"services.commands.{words[0]}")
            return int(command.main(words[1:]))
        given = _parser().parse_args(words)
        given.package = package
        handle: Callable[[argparse.Namespace], int] = given.handle
        return handle(given)
    except ConfigError as error:
        return _wrong(str(error), BAD_CONFIG)
    except KeyboardInterrupt:
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    both = argparse.ArgumentParser(add_help=False)
    both.add_argument("--config", type=Path, default=DEFAULT_CONFIG, metavar="FILE", help="app_config.json")
    both.add_argument("--data", type=Path, default=DEFAULT_DATA, metavar="FOLDER", help="the world's folder")
    parser = argparse.ArgumentParser(
        prog="supervisor.py",
        description="Start, watch and stop a Tilewright world.",
        epilog=f"More commands, each with its own --help: {', '.join(_others())}.",
    )
    commands_here = {"up": up, "down": down, "status": status, "restart": restart, "scale": scale}
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, handle in commands_here.items():
        words = (handle.__doc__ or "").strip().replace("STOP", f"{STOP_SECONDS:g}")
        command = commands.add_parser(name, parents=[both], help=words, description=words)
        command.set_defaults(handle=handle)
        if name == "up":
            command.add_argument("--detach", action="store_true", help="run in the background")
            command.add_argument("--detached", action="store_true", help=argparse.SUPPRESS)
            command.add_argument("--stubs", help=argparse.SUPPRESS)
        if name == "status":
            command.add_argument("--json", action="store_true", help="print one JSON object")
        if name == "restart":
            command.add_argument("name", metavar="NAME", help="a process, as status names it")
        if name == "scale":
            command.add_argument("kind", metavar="KIND", help=" or ".join(get_args(WorkerKind)))
            command.add_argument("number", metavar="NUMBER", help=f"0 to {PROCESSES_LIMIT}")
    return parser


def _open_standard_files() -> None:
    """Where standard input or output was closed, the next file opened would take its place."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def _others() -> list[str]:
    return sorted(path.stem for path in COMMANDS.glob("*.py") if not path.stem.startswith("_"))


def _detach(given: argparse.Namespace) -> int:
    """Start `up` in a session of its own; pass on what it prints until it is ready or has ended."""
    folder = given.data / "logs"
    folder.mkdir(mode=0o700, exist_ok=True)
    log = folder / "supervisor.out"
    command = [sys.executable, *_this_program(), "up", "--detached"]
    command += ["--config", str(given.config), "--data", str(given.data)]
    with log.open("ab") as errors:
        begin = errors.tell()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, start_new_session=True
        )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            text = line.decode("utf-8", "replace").rstrip()
            print(text, flush=True)
            if text.startswith((READY, NOT_READY)):
                return 0 if text.startswith(READY) else NOT_WELL
        code = process.wait()
    except KeyboardInterrupt:
        process.send_signal(signal.SIGINT)
        process.wait()
        raise
    with log.open("rb") as errors:
        errors.seek(begin)
        sys.stderr.write(errors.read().decode("utf-8", "replace"))
    return code or NOT_WELL


def _this_program() -> list[str]:
    """The words before the command, e.g. `supervisor.py` or `-m` and a module."""
    return sys.orig_argv[1 : len(sys.orig_argv) - len(sys.argv) + 1]


def _wrong(sentence: str, code: int = 0) -> int:
    print(sentence, file=sys.stderr, flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
