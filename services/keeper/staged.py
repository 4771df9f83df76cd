"""Staged plans: accepted with their rows in a file, until all of them are in the tables."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path


class Staged:
    """The staged plans, and the one of them that is attached. `ATTACH` takes place between transactions."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def waiting(self) -> list[tuple[str, str, tuple[int, int, int, int]]]:
        """Plans that are not wholly in the tables: id, file and bounds, the first accepted first."""
        rows = self._connection.execute(
            "SELECT id, staged, x0, y0, x1, y1 FROM plans WHERE settled = 0 AND staged <> '' ORDER BY rowid"
        )
        return [(row[0], row[1], (row[2], row[3], row[4], row[5])) for row in rows]

    def last_id(self) -> int:
        """The highest id that is promised to a job of such a plan, 0 if there is none."""
        row = self._connection.execute(
            "SELECT max(first_job + jobs - 1) FROM plans WHERE settled = 0 AND staged <> ''"
        ).fetchone()
        return int(row[0] or 0)

    def attach(self, path: Path) -> None:
        """Open the file of one plan beside the database; raises sqlite3.Error if it is not whole."""
        self._connection.execute("ATTACH DATABASE ? AS staged", (str(path),))

    def detach(self) -> None:
        """Let go of it."""
        self._connection.execute("DETACH DATABASE staged")

    def entered(self, plan_id: str) -> int:
        """How many jobs of the plan are in the tables."""
        row = self._connection.execute("SELECT entered FROM plans WHERE id = ?", (plan_id,)).fetchone()
        return int(row[0])

    def enter(self, plan_id: str, first: int, count: int) -> Sequence[int]:
        """Move the next jobs of the attached plan over, from the id `first` on; their ids."""
        span = (first, first + count - 1)
        for table, columns, key in (
            # What a newer program writes down about jobs, older files do not have.
            ("generation_queue", self._columns(), "id"),
            ("job_quadrants", "x, y, job_id, role", "job_id"),
            ("dependencies", "job_id, needs_id", "job_id"),
            ("events", 'at, plan_id, job_id, "change"', "job_id"),
        ):
            moved = self._connection.execute(
                f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM staged.{table} "
                f"WHERE {key} BETWEEN ? AND ? ORDER BY {key}",
                span,
            ).rowcount
            if table == "generation_queue":
                count = moved
        self._connection.execute("UPDATE plans SET entered = entered + ? WHERE id = ?", (count, plan_id))
        return range(first, first + count)

    def cut(self, plan_id: str) -> None:
        """Let no more of the plan into the tables: what is there is all there is of it."""
        self._connection.execute(
            "UPDATE plans SET staged = '', jobs = entered WHERE id = ? AND staged <> ''", (plan_id,)
        )

    def done(self, plan_id: str) -> None:
        """All of the plan is in the tables."""
        self._connection.execute("UPDATE plans SET staged = '' WHERE id = ?", (plan_id,))

    def _columns(self) -> str:
        rows = self._connection.execute("SELECT name FROM pragma_table_info('generation_queue', 'staged')")
        return ", ".join(row[0] for row in rows)
