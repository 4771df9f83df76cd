"""The command line as it is typed, and a world to type it against."""

import io
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Protocol

import pytest

import supervisor
from tests.keeper.house import House, opened


class Run(Protocol):
    """Types a command and gives what it answered."""

    def __call__(self, *words: str, given: str | bytes = b"") -> subprocess.CompletedProcess[str]: ...


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """`supervisor.py …` in an empty folder, without a world; in this process, to start at once."""

    def run(*words: str, given: str | bytes = b"") -> subprocess.CompletedProcess[str]:
        data = () if "--data" in words else ("--data", str(tmp_path / "no-world"))
        content = given.encode() if isinstance(given, str) else given
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("COLUMNS", "100")
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        try:
            code = supervisor.main([*words, *data])
        except SystemExit as wrong_usage:
            code = int(wrong_usage.code or 0)
        said = capfd.readouterr()
        return subprocess.CompletedProcess([*words, *data], code, said.out, said.err)

    return run


@pytest.fixture
def plan(typed: Run) -> Run:
    """`supervisor.py plan …`."""
    return partial(typed, "plan")


@pytest.fixture
def house(short: Path) -> Iterator[House]:
    """A keeper in a thread, and nobody else."""
    with opened(short) as house:
        yield house


@pytest.fixture
def told(house: House, typed: Run) -> Run:
    """`supervisor.py …` for the world of that keeper."""

    def run(*words: str, given: str | bytes = b"") -> subprocess.CompletedProcess[str]:
        return typed(*words, "--data", str(house.data), given=given)

    return run
