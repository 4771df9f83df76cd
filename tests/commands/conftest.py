"""The command line as it is typed, and a world to type it against."""

import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

import supervisor
from tests.supervisor.stage import Stage


class Run(Protocol):
    """Types a command and gives what it answered."""

    def __call__(self, *words: str, given: str | bytes = b"") -> subprocess.CompletedProcess[str]: ...


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """`supervisor.py plan …` in an empty folder, without a world; in this process, to start at once."""

    def run(*words: str, given: str | bytes = b"") -> subprocess.CompletedProcess[str]:
        data = () if "--data" in words else ("--data", str(tmp_path / "no-world"))
        content = given.encode() if isinstance(given, str) else given
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("COLUMNS", "100")
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        try:
            code = supervisor.main(["plan", *words, *data])
        except SystemExit as wrong_usage:
            code = int(wrong_usage.code or 0)
        said = capfd.readouterr()
        return subprocess.CompletedProcess([*words, *data], code, said.out, said.err)

    return run


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Stage]:
    """A world with the real keeper, but neither renderer nor generator."""
    made = Stage(tmp_path, program="supervisor")
    made.settings["services"] = {"renderer": 0, "generator": 0}
    yield made
    made.end()
