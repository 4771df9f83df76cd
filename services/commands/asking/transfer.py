"""The queue as a file: written whole or not at all, read strictly, published plan by plan."""

import itertools
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from protocol.errors import Code, ProtocolError
from protocol.plan import Plan
from services import source
from services.client import Unanswered
from services.commands.asking import words
from services.commands.asking.line import REFUSED, WELL, Line, told
from services.commands.asking.publisher import Publisher, publishing, say_busy
from services.complaint import complaint
from services.positions import Broken, parse, value

LIMIT_BYTES = 256 << 20


class Exchange(BaseModel):
    """What an export holds."""

    model_config = ConfigDict(strict=True, extra="forbid")

    plans: Annotated[list[Plan], Field(max_length=100_000)]


def export(line: Line, file: str, plan: str | None) -> int:
    """Write what has not ended into a file, `-` being standard output."""
    found = line.exported(plan)
    # Asked before anything is written: what is refused leaves no file behind.
    first = next(found, None)
    plans, steps = 0, 0
    target = None if file == "-" else Path(file)
    draft = target.with_name(f".{target.name}.{os.getpid()}") if target else None
    try:
        with open(draft, "w", encoding="utf-8") if draft else words.standard_output() as out:
            out.write('{"plans": [')
            for one in itertools.chain([first] if first else [], found):
                out.write((",\n" if plans else "") + one.model_dump_json(exclude_defaults=True))
                plans, steps = plans + 1, steps + len(one.steps)
            out.write("]}\n")
            out.flush()
            if draft:
                os.fsync(out.fileno())
        if draft and target:
            draft.replace(target)
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            words.reader_gone()
            return WELL
        print(f"{file} cannot be written: {error.strerror}.", file=sys.stderr)
        return REFUSED
    finally:
        if draft:
            draft.unlink(missing_ok=True)
    print(f"{words.count(plans, 'plan')} with {words.count(steps, 'step')} written.", file=sys.stderr)
    return WELL


def import_(data: Path, file: str, *, as_json: bool, patient: bool) -> int:
    """Publish what a file holds; its plans are all looked at before the first is published."""
    try:
        plans = read(source.name(file), source.read(file, LIMIT_BYTES))
    except ValueError as error:
        print(error, file=sys.stderr)
        return REFUSED
    return publishing(data, lambda: _import(data, plans, as_json=as_json, patient=patient))


def read(name: str, content: bytes) -> list[Plan]:
    """The plans in the file; raises ValueError with line and sentence."""
    try:
        found = value(content)
        try:
            return Exchange.model_validate(found).plans
        except ValidationError as error:
            raise ValueError(complaint(name, parse(content), error, Exchange)) from None
    except Broken as error:
        raise ValueError(f"{name}:{error.line}:{error.column}: {error}") from None


async def _import(data: Path, plans: Sequence[Plan], *, as_json: bool, patient: bool) -> int:
    taken: list[dict[str, Any]] = []
    not_taken: list[dict[str, str]] = []
    async with Publisher(data, patient=patient, told=lambda steps: None, busy=say_busy) as publisher:
        for plan in plans:
            try:
                answer = await publisher.publish(plan)
            except Unanswered:
                raise
            except ProtocolError as error:
                if error.code in (Code.BUSY, Code.NO_SPACE, Code.UNAVAILABLE):
                    raise
                not_taken.append({"plan": plan.id, "code": error.code, "message": error.message})
                print(f"{plan.id}: {told(error)}", file=sys.stderr)
                continue
            jobs = len(answer.jobs)
            taken.append({"plan": answer.plan, "duplicate": answer.duplicate, "jobs": jobs})
            if not as_json:
                known = (
                    "was already known" if answer.duplicate else f"is accepted: {words.count(jobs, 'job')}"
                )
                words.say(f"{answer.plan} {known}.")
    if as_json:
        words.say(json.dumps({"plans": taken, "refused": not_taken}))
    elif not plans:
        words.say("There is no plan in it.")
    return REFUSED if not_taken else WELL
