"""Worlds for the system tests, built web pages included."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.system.world import TREE, World

Founder = Callable[..., World]


@pytest.fixture(scope="session", autouse=True)
def built_pages() -> None:
    """Say what is missing instead of failing in strange ways."""
    for built in ("scene/index.html", "studio/index.html", "cities/sanfrancisco/15/5238/12666.mvt"):
        assert (TREE / "web" / "dist" / built).exists(), f"web/dist/{built} is missing: run `make test`"


@pytest.fixture
def found(tmp_path: Path) -> Iterator[Founder]:
    """Makes worlds, and ends them after the test."""
    worlds: list[World] = []

    def founder(name: str = "w", **config: object) -> World:
        folder = tmp_path / name
        folder.mkdir()
        worlds.append(World(folder, **config))
        return worlds[-1]

    yield founder
    for world in worlds:
        world.kill()
