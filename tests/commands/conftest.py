"""The command line as it is typed, and a world to type it against."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from tests.supervisor.stage import TREE, Stage

PATIENCE = 60.0


class Run(Protocol):
    """Types a command and gives what it answered."""

    def __call__(self, *words: str, given: str | bytes = b"") -> subprocess.CompletedProcess[str]: ...


@pytest.fixture
def plan(tmp_path: Path) -> Run:
    """`supervisor.py plan …` in an empty folder, without a world."""

    def run(*words: str, given: str | bytes = b"") -> subprocess.CompletedProcess[str]:
        data = () if "--data" in words else ("--data", str(tmp_path / "no-world"))
        answer = subprocess.run(
            [sys.executable, str(TREE / "supervisor.py"), "plan", *words, *data],
            input=given.encode() if isinstance(given, str) else given,
            capture_output=True,
            env={**os.environ, "COLUMNS": "100"},
            cwd=tmp_path,
            timeout=PATIENCE,
        )
        assert b"Traceback" not in answer.stderr, answer.stderr.decode()
        said = answer.stdout.decode(), answer.stderr.decode()
        return subprocess.CompletedProcess(answer.args, answer.returncode, *said)

    return run


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Stage]:
    """A world with the real keeper, but neither renderer nor generator."""
    made = Stage(tmp_path, program="supervisor")
    made.settings["services"] = {"renderer": 0, "generator": 0}
    yield made
    made.end()
