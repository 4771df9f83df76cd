"""The remains: the tables of a world that was stopped."""

import sqlite3
from collections import defaultdict
from contextlib import closing
from pathlib import Path

from services.drill.chronicle import Chronicle


class Remains:
    """Read once, by somebody who changes nothing."""

    def __init__(self, database: Path) -> None:
        # Not to be created by the one who looks.
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=rw", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            self.integrity = [row[0] for row in connection.execute("PRAGMA integrity_check")]
            self.jobs = {row["id"]: row for row in connection.execute("SELECT * FROM generation_queue")}
            self.plans = {row["id"]: row for row in connection.execute("SELECT * FROM plans")}
            self.versions = connection.execute("SELECT * FROM tile_versions ORDER BY version").fetchall()
            self.tiles = connection.execute("SELECT * FROM tiles").fetchall()
            self.needs = connection.execute("SELECT job_id, needs_id FROM dependencies").fetchall()
            self.orphans = connection.execute("SELECT * FROM orphan_results").fetchall()
            self.seen = {(row[0], row[1]) for row in connection.execute("SELECT version, seen FROM saw")}
            self.tallied = dict(connection.execute("SELECT plan_id, total(cost) FROM plan_tally GROUP BY 1"))
            self.chronicle = Chronicle(connection.execute("SELECT seq, at, change FROM events ORDER BY seq"))
        self.made: dict[int, list[sqlite3.Row]] = defaultdict(list)
        """The versions that each job has put on the map."""
        for version in self.versions:
            self.made[version["job_id"]].append(version)
        self.drawn = [row for row in self.versions if self.jobs[row["job_id"]]["kind"] == "generate"]
        """The versions that models have drawn."""


def place(version: sqlite3.Row) -> str:
    """Where a version belongs, for people."""
    return f"{version['layer']} {version['x']},{version['y']}"
