"""Blobs on disk, and how long to wait."""

import random
from pathlib import Path

import pytest

from services.backoff import exponential
from services.blobs import Blobs


def test_a_blob_is_found_by_its_hash_and_written_once(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "blobs")
    (name,) = blobs.write([b"picture"])
    assert blobs.read(name) == b"picture"
    again, other, once_more = blobs.write([b"picture", b"other", b"picture"])
    assert again == once_more == name
    assert {path.name for path in blobs.folder.rglob("*.png")} == {f"{name[2:]}.png", f"{other[2:]}.png"}
    with pytest.raises(FileNotFoundError):
        blobs.read("0" * 64)


def test_backoff_doubles_up_to_its_limit_and_jitters_below() -> None:
    bounds = [exponential(attempt, first=1, limit=10) for attempt in range(1, 7)]
    assert bounds == [1, 2, 4, 8, 10, 10]
    chance = random.Random(1)
    assert all(0 <= exponential(9_999, first=1, limit=10, chance=chance) <= 10 for _ in range(100))
