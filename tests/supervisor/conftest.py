"""Stages for the supervisor's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.supervisor.stage import Stage


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A world whose services are stand-ins."""
    made = Stage(tmp_path)
    yield made
    made.end()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Stage]:
    """A world with the real services, but neither renderer nor generator."""
    made = Stage(tmp_path, program="supervisor")
    made.settings["services"] = {"renderer": 0, "generator": 0}
    yield made
    made.end()
