"""Arguments that commands have in common, each held to a type of the protocol."""

import argparse
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError

from protocol.message import COORDINATE_LIMIT, Identifier, JobKind, JobState, Line, Text
from protocol.order import Where
from protocol.plan import Lane, Priority
from protocol.work import ErrorClass
from services.config import DEFAULT_CONFIG, DEFAULT_DATA

STATES: tuple[str, ...] = get_args(JobState)
KINDS: tuple[str, ...] = get_args(JobKind)
LANES: tuple[str, ...] = get_args(Lane)
ERROR_CLASSES: tuple[str, ...] = (*get_args(ErrorClass), "seam")
LARGEST_ID = 2**62
UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
LONGEST_SECONDS = 10_000_000_000


def _held_to(kind: Any, rule: str, read: Callable[[str], Any] = str) -> Callable[[str], Any]:
    """A reader of one argument that is held to a type of the protocol."""
    adapter: TypeAdapter[Any] = TypeAdapter(kind)

    def reader(text: str) -> Any:
        try:
            return adapter.validate_python(read(text))
        except ValueError:
            # A ValidationError is one as well.
            raise argparse.ArgumentTypeError(rule) from None

    return reader


assert issubclass(ValidationError, ValueError)

identifier = _held_to(Identifier, "1 to 128 letters, digits and . _ : / + , - are taken")
line = _held_to(Line, "a line of up to 300 characters is taken")
text = _held_to(Text, "up to 8,000 characters are taken")
priority = _held_to(Priority, "a whole number from -1000 to 1000 is taken", int)


def number(low: int, high: int) -> Callable[[str], int]:
    """A reader of whole numbers within bounds."""

    def read(given: str) -> int:
        if re.fullmatch(r"-?[0-9]{1,19}", given) and low <= int(given) <= high:
            return int(given)
        raise argparse.ArgumentTypeError(f"a whole number from {low:,} to {high:,} is taken")

    return read


def amount(given: str) -> float:
    """Read an amount of money, in whatever currency."""
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", given):
        return float(given)
    raise argparse.ArgumentTypeError("an amount like 12.50 is taken")


coordinate = number(-COORDINATE_LIMIT, COORDINATE_LIMIT)
job_id = number(1, LARGEST_ID)


def duration(given: str) -> float:
    """Seconds, as 90s, 30m, 12h, 30d or 2w."""
    match = re.fullmatch(r"([0-9]{1,10})([smhdw])", given)
    seconds = int(match[1]) * UNITS[match[2]] if match else -1
    if not 0 <= seconds <= LONGEST_SECONDS:
        raise argparse.ArgumentTypeError("a number with s, m, h, d or w is taken, like 90s, 12h or 30d")
    return float(seconds)


def states(given: str) -> list[str]:
    """States with commas between them; `all` for every one."""
    if given == "all":
        return list(STATES)
    found = list(dict.fromkeys(given.split(",")))
    if not set(found) <= set(STATES):
        raise argparse.ArgumentTypeError(f"`all`, or some of {', '.join(STATES)} with commas, are taken")
    return found


def or_list(typed: Sequence[str]) -> list[str]:
    """What was typed; where no deed was named, it is the list that is asked for."""
    named = typed and (not typed[0].startswith("-") or typed[0] in ("-h", "--help"))
    return [*typed] if named else ["list", *typed]


def world() -> argparse.ArgumentParser:
    """The arguments of every command."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--data", type=Path, default=DEFAULT_DATA, metavar="FOLDER", help="the world's folder"
    )
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG, metavar="FILE", help="app_config.json")
    return parser


def filters() -> argparse.ArgumentParser:
    """The arguments that say which jobs are meant."""
    parser = argparse.ArgumentParser(add_help=False)
    group = parser.add_argument_group("which jobs", "those for which all that is given holds")
    group.add_argument("--state", type=states, default=[], metavar="STATE,…", help=", ".join(STATES))
    group.add_argument("--model", type=identifier, metavar="MODEL_ID")
    group.add_argument("--plan", type=identifier, metavar="ID")
    group.add_argument("--kind", choices=KINDS)
    group.add_argument("--error-class", choices=ERROR_CLASSES, metavar="CLASS", help=", ".join(ERROR_CLASSES))
    group.add_argument("--text", type=_given, help="stands in the prompt or in the reason")
    group.add_argument("--held", action="store_true", help="cannot go on by themselves")
    return parser


def where(given: argparse.Namespace) -> Where:
    """What the filters say."""
    return Where(
        states=given.state,
        model_id=given.model,
        plan=given.plan,
        kind=given.kind,
        error_class=given.error_class,
        text=given.text,
        held=given.held,
    )


def _given(words: str) -> str:
    if not words:
        raise argparse.ArgumentTypeError("a text is taken")
    return str(line(words))
