"""Settling: which plans can no longer go on by themselves, asked for all of a batch at once."""

import json
import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """How far a plan is."""

    plan: str
    name: str
    jobs: int
    settled: bool
    """As it is written down."""
    goes_on: bool
    """Whether a job of it runs, may run, or waits for one that does."""
    left: int
    """Jobs that failed or are held, if it does not go on."""
    scaffold: bool
    """Whether scaffold of it stands."""


class Settling:
    """The column `settled` of the table `plans`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def look(self, plan_ids: Collection[str]) -> list[Outcome]:
        """How far each of these plans is, in the order of their ids.

        Not those of which not all is in the queue: what is may have ended, and they go on all the same.
        """
        # What goes on is asked in two questions: as one, SQLite walks through all that the plan has done.
        rows = self._connection.execute(
            "WITH looked AS MATERIALIZED (SELECT p.id, p.name, p.jobs, p.settled, "
            "EXISTS (SELECT 1 FROM generation_queue "
            "WHERE plan_id = p.id AND status IN ('pending', 'processing')) "
            "OR EXISTS (SELECT 1 FROM generation_queue "
            "WHERE plan_id = p.id AND status = 'blocked' AND held = 0) AS goes_on "
            "FROM json_each(?) w CROSS JOIN plans p ON p.id = w.value WHERE p.staged = '') "
            "SELECT id, name, jobs, settled, goes_on, CASE WHEN goes_on THEN 0 ELSE ("
            "SELECT count(*) FROM generation_queue WHERE plan_id = looked.id "
            "AND status IN ('blocked', 'error')) END, "
            "EXISTS (SELECT 1 FROM tiles WHERE scaffold_plan = looked.id) FROM looked ORDER BY id",
            (json.dumps(list(plan_ids)),),
        )
        return [
            Outcome(plan, name, jobs, bool(settled), bool(goes_on), left, bool(scaffold))
            for plan, name, jobs, settled, goes_on, left, scaffold in rows
        ]

    def write(self, plan_ids: Iterable[str], settled: bool) -> None:
        """Write down whether these plans can still go on by themselves."""
        self._connection.executemany(
            "UPDATE plans SET settled = ? WHERE id = ?", [(int(settled), plan_id) for plan_id in plan_ids]
        )
