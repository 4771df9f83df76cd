"""Answers as a person reads them: numbers with their nouns, sizes, times, tables."""

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TextIO

from rich.console import Console
from rich.markup import escape
from rich.table import Table


def count(number: int, what: str) -> str:
    """A number and its noun."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def size(octets: int) -> str:
    """A number of bytes in the unit that suits it."""
    if octets < 1 << 10:
        return count(octets, "byte")
    value, units = float(octets), iter(("KiB", "MiB", "GiB", "TiB"))
    unit = ""
    while value >= 1 << 10 and (following := next(units, "")):
        value, unit = value / (1 << 10), following
    return f"{value:.1f} {unit}"


def moment(seconds: float) -> str:
    """A time of day where this command is typed; empty if it has not come."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds)) if seconds else ""


def quadrants(cells: Sequence[Sequence[int]]) -> str:
    """Some quadrants, the first ones by name."""
    named = " ".join(f"{x},{y}" for x, y in cells[:4])
    return named if len(cells) <= 4 else f"{named} and {len(cells) - 4:,} more"


def say(*lines: str) -> None:
    """Print lines; whoever reads may have seen enough, as `head` does."""
    try:
        print(*lines, sep="\n", flush=True)
    except BrokenPipeError:
        reader_gone()


def say_json(value: Any) -> None:
    """Print a value as JSON."""
    say(json.dumps(value, indent=2, ensure_ascii=False))


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table; what is wide folds on a terminal and stays whole in a pipe."""
    console = Console(soft_wrap=not sys.stdout.isatty(), highlight=False)
    if not console.is_terminal:
        console.width = 10_000
    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*map(escape, row))
    with console.capture() as captured:
        console.print(drawn)
    say(*(each.rstrip() for each in captured.get().rstrip("\n").splitlines()))


@contextlib.contextmanager
def standard_output() -> Iterator[TextIO]:
    """Standard output as a file that is not closed."""
    yield sys.stdout


def reader_gone() -> None:
    """Write no more: what is still buffered must not be tried again while Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
