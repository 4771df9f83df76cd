"""`supervisor.py publish FILE|-`: hand a plan to the keeper."""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from protocol.codec import catalogue
from protocol.errors import ProtocolError
from protocol.ingest import Accepted, Publish
from protocol.plan import Plan
from services.client import Client, Unanswered
from services.complaint import complaint
from services.config import DEFAULT_CONFIG, DEFAULT_DATA, Sockets
from services.positions import Broken, parse
from services.supervision.ask import listening
from services.supervision.lock import Lock

LIMIT_BYTES = 1 << 20
ANSWER_SECONDS = 20.0


def main(words: Sequence[str]) -> int:
    """Publish the plan in a file. Exit code: 0 accepted, 1 refused, 3 not running."""
    given = _parser().parse_args(words)
    name = "standard input" if given.file == "-" else given.file
    try:
        plan = _read(
            name, sys.stdin.buffer.read(LIMIT_BYTES + 1) if given.file == "-" else _bytes(given.file)
        )
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    try:
        if Lock(given.data).holder() is None and not listening(Sockets(given.data).address("ingest")):
            print(f"Nothing runs in {given.data}.", file=sys.stderr)
            return 3
        accepted = asyncio.run(_publish(Sockets(given.data), plan))
    except Unanswered:
        print(f"The keeper of {given.data} does not answer: is it running?", file=sys.stderr)
        return 3
    except ProtocolError as error:
        details = f" ({error.details})" if error.details else ""
        print(f"{error.code}: {error.message}{details}", file=sys.stderr)
        return 1
    if given.json:
        print(json.dumps(accepted.model_dump()))
    elif accepted.duplicate:
        print(f"{accepted.plan} was already known: {len(accepted.jobs)} jobs, nothing changed.")
    else:
        count = len(accepted.jobs)
        what = "1 job" if count == 1 else f"{count} jobs"
        them = "it" if count == 1 else "them"
        print(f"{accepted.plan} is accepted: {what}, {accepted.position} before {them}.")
    return 0


async def _publish(sockets: Sockets, plan: Plan) -> Accepted:
    client = Client(sockets.address("ingest"), catalogue(Accepted))
    try:
        return await client.ask(Publish(plan=plan), Accepted, timeout=ANSWER_SECONDS)
    finally:
        await client.close()


def _bytes(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(LIMIT_BYTES + 1)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}.") from None


def _read(name: str, content: bytes) -> Plan:
    """The plan in the file; raises ValueError with a sentence that names the line."""
    if len(content) > LIMIT_BYTES:
        raise ValueError(f"{name} is larger than {LIMIT_BYTES >> 20} MiB.")
    try:
        document = parse(content)
    except Broken as error:
        raise ValueError(f"{name}:{error.line}:{error.column}: {error}") from None
    try:
        return Plan.model_validate(document.value)
    except ValidationError as error:
        raise ValueError(complaint(name, document, error, Plan)) from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="supervisor.py publish",
        description="Publish a plan: a JSON object as PROTOCOL.md describes it. Publishing the same id again "
        "changes nothing.",
    )
    parser.add_argument("file", metavar="FILE", help="the plan as JSON; - reads standard input")
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG, metavar="FILE", help="app_config.json")
    parser.add_argument(
        "--data", type=Path, default=DEFAULT_DATA, metavar="FOLDER", help="the world's folder"
    )
    return parser
