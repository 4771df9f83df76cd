"""`supervisor.py publish FILE|-`: hand a plan to the keeper."""

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError
from rich.console import Console

from protocol.ingest import Accepted
from protocol.plan import Plan
from protocol.region import Planned
from protocol.view import LeftOut
from services import source
from services.commands.asking import arguments, words
from services.commands.asking.line import REFUSED, WELL
from services.commands.asking.publisher import Publisher, publishing, say_busy
from services.commands.preview import figures
from services.complaint import complaint
from services.positions import Broken, parse, value

LIMIT_BYTES = 256 << 20
"""A hundred thousand steps, each with a prompt of its own."""


def main(typed: Sequence[str]) -> int:
    """Publish the plan in a file. Exit code: 0 accepted, 1 refused, 2 wrong usage, 3 not running."""
    given = _parser().parse_args(typed)
    chosen = {"id": given.id, "name": given.name, "model_id": given.model, "prompt": given.prompt}
    try:
        content = source.read(given.file, LIMIT_BYTES)
        plan, left_out = _plan(source.name(given.file), content, chosen)
    except ValueError as error:
        print(error, file=sys.stderr)
        return REFUSED
    return publishing(given.data, lambda: _publish(plan, left_out, given))


async def _publish(plan: Plan, left_out: Sequence[Any], given: argparse.Namespace) -> int:
    """Hand the plan over; on a terminal a line says how far a large one is."""
    answer: Accepted | Planned
    console = Console(stderr=True)
    with console.status(f"{plan.id}: asking the keeper …") as line:

        def handed_over(steps: int) -> None:
            line.update(f"{plan.id}: {steps:,} of {words.count(len(plan.steps), 'step')} handed over …")

        patient = not given.no_wait
        async with Publisher(given.data, patient=patient, told=handed_over, busy=say_busy) as publisher:
            answer = await (publisher.try_out(plan) if given.dry_run else publisher.publish(plan))
    # Whoever made the plan left these out, and the keeper did not see them.
    told = answer.left_out_count or len(left_out)
    if given.json:
        print(json.dumps({**answer.model_dump(), "left_out_count": told}))
    else:
        print(_would_take(plan, answer) if isinstance(answer, Planned) else _is_accepted(answer))
        if told:
            print(_are_left_out(told, answer.left_out or left_out))
    return WELL


def _are_left_out(count: int, named: Sequence[Any]) -> str:
    told = f"{words.count(count, 'quadrant')} of the region {'is' if count == 1 else 'are'} left out."
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
    return (
        f"{answer.plan} is accepted: {words.count(len(answer.jobs), 'job')}, {answer.position} before {them}."
    )


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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="supervisor.py publish",
        parents=[arguments.world()],
        description="Publish a plan: JSON as PROTOCOL.md describes it, or what `plan --json` prints. "
        "Publishing the same id again changes nothing; without an id, the plan's content makes one.",
    )
    parser.add_argument("file", metavar="FILE", help="the plan as JSON; - reads standard input")
    parser.add_argument("--id", type=arguments.identifier, metavar="ID", help="the plan's id")
    parser.add_argument("--name", type=arguments.line, help="what people call it")
    parser.add_argument(
        "--model", type=arguments.identifier, metavar="MODEL_ID", help="whose calls these are"
    )
    parser.add_argument("--prompt", type=arguments.text, help="instead of the model's own")
    parser.add_argument("--dry-run", action="store_true", help="only prove it and say what it takes")
    parser.add_argument("--no-wait", action="store_true", help="do not wait while the queue is full")
    return parser
