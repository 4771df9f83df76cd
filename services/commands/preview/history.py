"""How long the calls of a model took, as the world's database remembers it."""

import contextlib
import sqlite3
from pathlib import Path
from typing import NamedTuple

LATEST = 200
"""Calls that are looked at."""
LOCKED_SECONDS = 0.1

_CALLS = """
    SELECT finished_at - started_at FROM generation_queue
    WHERE status = 'complete' AND kind = 'generate' AND model_id = ? AND started_at > 0
    ORDER BY id DESC LIMIT ?
"""


class Seconds(NamedTuple):
    """What half of the calls and what nine tenths of them took at most."""

    p50: float
    p90: float


def seconds(data: Path, model_id: str) -> Seconds | None:
    """The model's own figures, or None if there are none or the database cannot be read now.

    A keeper that runs has the database to itself; this then looks like a world without a history.
    """
    try:
        with contextlib.closing(_open(data / "tilewright.db")) as connection:
            took = [max(0.0, row[0]) for row in connection.execute(_CALLS, (model_id, LATEST))]
    except (sqlite3.Error, OSError):
        return None
    if not took:
        return None
    took.sort()
    return Seconds(took[-(-len(took) * 5 // 10) - 1], took[-(-len(took) * 9 // 10) - 1])


def _open(path: Path) -> sqlite3.Connection:
    log = path.with_name(f"{path.name}-wal")
    # Without a write-ahead log nothing is missing from the file, and to call it immutable keeps SQLite from
    # leaving files of its own beside it.
    whole = not log.exists() or not log.stat().st_size
    uri = f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if whole else ''}"
    return sqlite3.connect(uri, uri=True, timeout=LOCKED_SECONDS)
