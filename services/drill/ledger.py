"""Ledgers: what somebody was told, one JSON line each, written before they go on."""

import json
import os
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

Fact = dict[str, Any]
Facts = dict[str, list[Fact]]
"""By what they say."""


class Ledger:
    """One file that one life of one process adds to."""

    def __init__(self, folder: Path, who: str) -> None:
        self._fd = os.open(
            folder / f"{who}.{os.getpid()}", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600
        )

    def note(self, what: str, **fact: Any) -> None:
        """Write a fact down, with the time of the clock that all processes share."""
        line = json.dumps({"what": what, "at": time.monotonic(), **fact}) + "\n"
        # Not synced: what the kernel has outlives every process, and no drill cuts the power.
        os.write(self._fd, line.encode())

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._fd)


def facts(folder: Path) -> Facts:
    """Every fact in a folder of ledgers, those of a kind in the order in which they were noted."""
    found: list[Fact] = []
    for path in folder.iterdir():
        *lines, rest = path.read_text().split("\n")
        # A process that was killed half way through a line was told nothing by it.
        del rest
        found += ({"who": path.name, **json.loads(line)} for line in lines)
    by_kind: Facts = defaultdict(list)
    for fact in sorted(found, key=lambda fact: float(fact["at"])):
        by_kind[fact["what"]].append(fact)
    return by_kind


def of(facts: Facts, what: str) -> set[int]:
    """The jobs that facts of a kind are about."""
    return {fact["job"] for fact in facts[what]}
