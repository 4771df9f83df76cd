"""Staging: the rows of a large plan are written to a file of their own before it is accepted."""

import os
import sqlite3
from collections.abc import Collection
from contextlib import closing
from itertools import islice
from pathlib import Path

from services.keeper.draft import Draft
from services.keeper.entry import lines
from services.keeper.row import COLUMNS, INSERT

WRITTEN_AT_ONCE = 2_000

_TABLES = (
    f"CREATE TABLE generation_queue ({COLUMNS.replace('id,', 'id INTEGER PRIMARY KEY,', 1)})",
    "CREATE TABLE job_quadrants (job_id INTEGER, x INTEGER, y INTEGER, role TEXT, "
    "PRIMARY KEY (job_id, x, y)) WITHOUT ROWID",
    "CREATE TABLE dependencies (job_id INTEGER, needs_id INTEGER, "
    "PRIMARY KEY (job_id, needs_id)) WITHOUT ROWID",
    'CREATE TABLE events (job_id INTEGER PRIMARY KEY, at REAL, plan_id TEXT, "change" TEXT)',
)


def write(path: Path, draft: Draft, first: int) -> None:
    """Write all rows of a draft, numbered from `first`; when it returns they are on disk."""
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        # Nobody reads it before it is whole, and then it is fsynced as a whole.
        file.execute("PRAGMA journal_mode = OFF")
        file.execute("PRAGMA synchronous = OFF")
        for sql in _TABLES:
            file.execute(sql)
        file.execute("BEGIN")
        rows = lines(draft, first)
        while some := list(islice(rows, WRITTEN_AT_ONCE)):
            file.executemany(INSERT, [line.row for line in some])
            file.executemany(
                "INSERT INTO job_quadrants (x, y, job_id, role) VALUES (?, ?, ?, ?)",
                [cell for line in some for cell in line.cells],
            )
            file.executemany(
                "INSERT INTO dependencies (job_id, needs_id) VALUES (?, ?)",
                [needs for line in some for needs in line.needs],
            )
            file.executemany(
                'INSERT INTO events (at, plan_id, job_id, "change") VALUES (?, ?, ?, ?)',
                [line.event for line in some],
            )
        file.execute("COMMIT")
        file.execute("CREATE INDEX quadrants ON job_quadrants (x, y)")
    for place in (path, path.parent):
        handle = os.open(place, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def draws_beside(path: Path, cells: Collection[tuple[int, int]]) -> bool:
    """Whether model calls of a staged plan draw in one of these quadrants or right beside one."""
    if not cells:
        return False
    with closing(sqlite3.connect(path)) as file:
        return any(
            file.execute(
                "SELECT EXISTS (SELECT 1 FROM job_quadrants c JOIN generation_queue q ON q.id = c.job_id "
                "WHERE c.x BETWEEN ? AND ? AND c.y BETWEEN ? AND ? AND q.kind = 'generate')",
                (x - 1, x + 1, y - 1, y + 1),
            ).fetchone()[0]
            for x, y in cells
        )
