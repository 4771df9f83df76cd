"""`supervisor.py publish FILE|-`: hand a plan to the keeper."""

import argparse
import asyncio
import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from protocol.codec import MAP_LIMIT_BYTES, catalogue
from protocol.control import Planned
from protocol.errors import ProtocolError
from protocol.ingest import Accepted, Publish
from protocol.message import Identifier, Line, Text
from protocol.plan import Plan
from protocol.view import LeftOut
from services import source
from services.client import Client, Unanswered
from services.commands.preview import figures
from services.complaint import complaint
from services.config import DEFAULT_CONFIG, DEFAULT_DATA, Sockets
from services.positions import Broken, parse, value
from services.supervision.ask import listening
from services.supervision.lock import Lock

LIMIT_BYTES = MAP_LIMIT_BYTES
ANSWER_SECONDS = 60.0
"""A plan of twenty thousand steps takes a keeper a few seconds, and a busy one longer."""
RESEND_SECONDS = 15.0

REFUSED, NOT_RUNNING = 1, 3


def main(words: Sequence[str]) -> int:
    """Publish the plan in a file. Exit code: 0 accepted, 1 refused, 3 not running."""
    given = _parser().parse_args(words)
    chosen = {"id": given.id, "name": given.name, "model_id": given.model, "prompt": given.prompt}
    try:
        content = source.read(given.file, LIMIT_BYTES)
        plan, left_out = _plan(source.name(given.file), content, chosen)
    except ValueError as error:
        print(error, file=sys.stderr)
        return REFUSED
    try:
        if Lock(given.data).holder() is None and not listening(Sockets(given.data).address("ingest")):
            print(f"Nothing runs in {given.data}.", file=sys.stderr)
            return NOT_RUNNING
        answer = asyncio.run(_publish(Sockets(given.data), plan, dry_run=given.dry_run))
    except Unanswered:
        print(f"The keeper of {given.data} does not answer: is it running?", file=sys.stderr)
        return NOT_RUNNING
    except ProtocolError as error:
        details = f" ({error.details})" if error.details else ""
        print(f"{error.code}: {error.message}{details}", file=sys.stderr)
        return REFUSED
    # Whoever made the plan left these out, and the keeper did not see them.
    told = answer.left_out_count or len(left_out)
    if given.json:
        print(json.dumps({**answer.model_dump(), "left_out_count": told}))
    else:
        print(_would_take(plan, answer) if isinstance(answer, Planned) else _is_accepted(answer))
        if told:
            print(_are_left_out(told, answer.left_out or left_out))
    return 0


def _are_left_out(count: int, named: Sequence[Any]) -> str:
    told = f"{_count(count, 'quadrant')} of the region {'is' if count == 1 else 'are'} left out."
    try:
        first = LeftOut.model_validate(named[0])
    except (ValidationError, IndexError):
        # The file's own account is not looked at any closer.
        return told
    return f"{told} {first.quadrant[0]},{first.quadrant[1]}: {first.reason}"


def _is_accepted(answer: Accepted) -> str:
    if answer.duplicate:
        known = f"{answer.plan} was already known: {len(answer.jobs)} jobs, nothing changed."
        return f"{known} To publish it once more, give it another --id."
    them = "it" if len(answer.jobs) == 1 else "them"
    return f"{answer.plan} is accepted: {_count(len(answer.jobs), 'job')}, {answer.position} before {them}."


def _would_take(plan: Plan, answer: Planned) -> str:
    takes = answer.estimate
    lines = {
        "model calls": figures.calls(takes),
        "waves": f"{takes.waves:,}",
        "quadrants": f"{takes.quadrants:,}",
        "renders": f"{takes.renders:,} frames",
        "time": figures.time(takes),
        "cost": figures.cost(takes),
    }
    told = "\n".join(f"  {name:<11}  {figure}" for name, figure in lines.items())
    return f"{plan.id} would be accepted. Nothing was changed. It would take:\n{told}"


async def _publish(sockets: Sockets, plan: Plan, *, dry_run: bool) -> Accepted | Planned:
    client = Client(sockets.address("ingest"), catalogue(Accepted, Planned))
    try:
        return await client.ask(
            Publish(plan=plan, dry_run=dry_run),
            Planned if dry_run else Accepted,
            timeout=ANSWER_SECONDS,
            resend=RESEND_SECONDS,
        )
    finally:
        await client.close()


def _plan(name: str, content: bytes, chosen: dict[str, str | None]) -> tuple[Plan, Sequence[Any]]:
    """The plan in the file, and what the file says is left out; raises ValueError with line and sentence."""
    try:
        found = value(content)
        if not isinstance(found, dict):
            raise ValueError(f"{name}:1: the file: it must be an object: {{ … }}.")
        made = dict(found)
        left_out = made.get("left_out")
        if made.get("steps") == [] and "rectangle" not in made:
            raise ValueError(f"{name} has no steps: there is nothing to draw.")
        nameless = "id" not in made and chosen["id"] is None
        made |= {field: given for field, given in chosen.items() if given is not None}
        try:
            plan = Plan.model_validate(made | {"id": "nameless"} if nameless else made)
        except ValidationError as error:
            raise ValueError(complaint(name, parse(content), error, Plan)) from None
    except Broken as error:
        raise ValueError(f"{name}:{error.line}:{error.column}: {error}") from None
    if nameless:
        plan = plan.model_copy(update={"id": f"plan-{_digest(plan)}"})
    return plan, left_out if isinstance(left_out, list) else []


def _digest(plan: Plan) -> str:
    """The same for the same work, so that a file published twice changes nothing."""
    content = plan.model_dump(mode="json", exclude={"id", "name"})
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _as(kind: Any, rule: str) -> Callable[[str], str]:
    """A reader of one argument that is held to a type of the protocol."""

    def read(text: str) -> str:
        try:
            return str(TypeAdapter(kind).validate_python(text))
        except ValidationError:
            raise argparse.ArgumentTypeError(rule) from None

    return read


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="supervisor.py publish",
        description="Publish a plan: JSON as PROTOCOL.md describes it, or what `plan --json` prints. "
        "Publishing the same id again changes nothing; without an id, the plan's content makes one.",
    )
    identifier = _as(Identifier, "1 to 128 letters, digits and . _ : / + , - are taken")
    parser.add_argument("file", metavar="FILE", help="the plan as JSON; - reads standard input")
    parser.add_argument("--id", type=identifier, metavar="ID", help="the plan's id")
    parser.add_argument(
        "--name", type=_as(Line, "a line of up to 300 characters is taken"), help="what people call it"
    )
    parser.add_argument("--model", type=identifier, metavar="MODEL_ID", help="whose calls these are")
    parser.add_argument(
        "--prompt", type=_as(Text, "up to 8,000 characters are taken"), help="instead of the model's own"
    )
    parser.add_argument("--dry-run", action="store_true", help="only prove it and say what it takes")
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG, metavar="FILE", help="app_config.json")
    parser.add_argument(
        "--data", type=Path, default=DEFAULT_DATA, metavar="FOLDER", help="the world's folder"
    )
    return parser
