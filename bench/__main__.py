"""Run every bench, or those whose name contains the word given: `python -m bench [NAME]`."""

import argparse
import importlib
import json
import os
import platform
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.figure import Figure

BENCHES = (
    "figures",
    "flight",
    "large",
    "model",
    "peers",
    "planner",
    "queue",
    "recovery",
    "remote",
    "renderer",
    "scene",
    "starter",
)
LATEST = Path(__file__).parent / "latest.json"


def measured(names: list[str], console: Console) -> Iterator[Figure]:
    """The figures of each bench, as they come."""
    for name in names:
        console.print(f"measuring {name} …")
        yield from importlib.import_module(f"bench.{name}").figures()


def main() -> int:
    """Print the table, write bench/latest.json; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("only", nargs="?", default="", help="part of a bench's name: " + ", ".join(BENCHES))
    only = parser.parse_args().only
    names = [name for name in BENCHES if only in name]
    if not names:
        parser.error(f"no bench is named like {only!r}; there are {', '.join(BENCHES)}")
    console = Console()
    found = list(measured(names, Console(stderr=True)))
    table = Table(title=f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}")
    for heading in ("figure", "value", "unit", "goal", "", "note"):
        table.add_column(heading, justify="right" if heading == "value" else "left")
    for figure in found:
        verdict = ("✓" if figure.ok else "✗") if figure.goal else ""
        table.add_row(figure.name, f"{figure.value:,.4g}", figure.unit, figure.goal, verdict, figure.note)
    console.print(table)
    LATEST.write_text(json.dumps([figure.as_json() for figure in found], indent=1) + "\n")
    return 0 if all(figure.ok for figure in found) else 1


if __name__ == "__main__":
    sys.exit(main())
