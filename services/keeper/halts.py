"""Halts: the models and plans whose jobs are not handed out for now."""

import json
import sqlite3
from collections.abc import Sequence

from services.keeper.circuit import Circuit
from services.keeper.throttle import Throttle

SLICE = 200
"""Jobs that are looked at in one go: some milliseconds of work."""
RUNS, PAUSED, RESUMING = 0, 1, 2
"""`plans.paused`; a plan is resuming until the last of its jobs has been marked so."""


class Halts:
    """What holds jobs back, in the table `models` and in `plans.paused`.

    Jobs of a paused plan are marked `suspended`, so that nobody walks over them. A plan may have many, so
    that is done bit by bit; until then whoever meets one asks `holds`.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def throttle(self, model_id: str) -> Throttle:
        """How a model stands."""
        row = self._connection.execute("SELECT * FROM models WHERE model_id = ?", (model_id,)).fetchone()
        return _throttle(row) if row else Throttle(model_id)

    def throttles(self) -> list[Throttle]:
        """Every model that is paused or was limited."""
        rows = self._connection.execute(
            "SELECT * FROM models WHERE paused = 1 OR until > 0 ORDER BY model_id"
        )
        return [_throttle(row) for row in rows]

    def keep(self, throttle: Throttle) -> None:
        """Write down how a model stands."""
        self._know(throttle.model_id)
        self._connection.execute(
            "UPDATE models SET paused = ?, until = ?, reason = ?, strikes = ? WHERE model_id = ?",
            (int(throttle.paused), throttle.until, throttle.reason, throttle.strikes, throttle.model_id),
        )

    def circuit(self, model_id: str) -> Circuit:
        """How the latest tries of a model ended."""
        row = self._connection.execute("SELECT * FROM models WHERE model_id = ?", (model_id,)).fetchone()
        return _circuit(row) if row else Circuit(model_id)

    def circuits(self) -> list[Circuit]:
        """Every model whose latest tries have failed."""
        rows = self._connection.execute("SELECT * FROM models WHERE failures > 0 ORDER BY model_id")
        return [_circuit(row) for row in rows]

    def keep_circuit(self, circuit: Circuit) -> None:
        """Write down how the latest tries of a model ended."""
        self._know(circuit.model_id)
        self._connection.execute(
            "UPDATE models SET failures = ?, trips = ?, resting = ?, fault = ? WHERE model_id = ?",
            (circuit.failures, circuit.trips, circuit.until, circuit.reason, circuit.model_id),
        )

    def paced(self, model_id: str) -> float:
        """When the next call of a model may begin, on the steady clock."""
        row = self._connection.execute("SELECT paced FROM models WHERE model_id = ?", (model_id,)).fetchone()
        return float(row[0]) if row else 0.0

    def pace(self, model_id: str, until: float) -> None:
        """Let no call of a model begin before that."""
        self._know(model_id)
        self._connection.execute("UPDATE models SET paced = ? WHERE model_id = ?", (until, model_id))

    def recall_paces(self, latest: float) -> None:
        """Let no model wait for its next call longer than until `latest`."""
        self._connection.execute("UPDATE models SET paced = min(paced, ?)", (latest,))

    def holds(self, plan_id: str) -> bool:
        """Whether a plan is paused."""
        row = self._connection.execute("SELECT paused FROM plans WHERE id = ?", (plan_id,)).fetchone()
        return bool(row) and row[0] == PAUSED

    def knows(self, model_id: str) -> bool:
        """Whether there ever was a job of that model."""
        row = self._connection.execute("SELECT 1 FROM queue_tally WHERE model_id = ?", (model_id,)).fetchone()
        return row is not None

    def waiting(self, *, model_id: str | None = None, plan: str | None = None) -> int:
        """How many pending jobs there are: of a model, of a plan, or in all."""
        row = self._connection.execute(
            "SELECT total(jobs) FROM plan_tally WHERE plan_id = ?1 AND status = 'pending'"
            if plan is not None
            else "SELECT total(jobs) FROM queue_tally WHERE status = 'pending' AND ?1 IN (model_id, '')",
            (plan or model_id or "",),
        ).fetchone()
        return int(row[0])

    def set_plan(self, plan_id: str, state: int) -> None:
        """Write down that a plan is paused, resuming or runs."""
        self._connection.execute("UPDATE plans SET paused = ? WHERE id = ?", (state, plan_id))

    def unfinished(self) -> list[tuple[str, bool]]:
        """The plans that are paused or resuming, and whether it is the former."""
        rows = self._connection.execute("SELECT id, paused FROM plans WHERE paused <> 0")
        return [(row[0], row[1] == PAUSED) for row in rows]

    def mark_plan(self, plan_id: str, suspended: bool, after: int) -> int | None:
        """Mark pending jobs of a plan behind id `after`; the last one looked at, None if none is left."""
        rows = self._connection.execute(
            "SELECT id, suspended FROM generation_queue INDEXED BY queue_of_plan "
            "WHERE plan_id = ? AND status = 'pending' AND id > ? ORDER BY id LIMIT ?",
            (plan_id, after, SLICE),
        ).fetchall()
        self._mark([row[0] for row in rows if bool(row[1]) != suspended], suspended)
        return rows[-1][0] if rows else None

    def mark_ahead(self, index: str, where: str, values: Sequence[object], turn: Sequence[int]) -> None:
        """Mark the jobs of paused plans among the next ones of an index, from a turn on."""
        rows = self._connection.execute(
            "SELECT id FROM (SELECT id, plan_id FROM generation_queue "
            f"INDEXED BY {index} WHERE {where} AND (rank, deaths, place, id) >= (?, ?, ?, ?) "
            "ORDER BY rank, deaths, place, id LIMIT ?) "
            f"WHERE plan_id IN (SELECT id FROM plans WHERE paused = {PAUSED})",
            (*values, *turn, SLICE),
        ).fetchall()
        self._mark([row[0] for row in rows], True)

    def _know(self, model_id: str) -> None:
        """Let there be a row for a model; a new one says that nothing holds it back."""
        self._connection.execute(
            "INSERT INTO models (model_id, paused, until, reason, strikes) VALUES (?, 0, 0, '', 0) "
            "ON CONFLICT (model_id) DO NOTHING",
            (model_id,),
        )

    def _mark(self, job_ids: Sequence[int], suspended: bool) -> None:
        self._connection.execute(
            "UPDATE generation_queue SET suspended = ? WHERE id IN (SELECT value FROM json_each(?))",
            (int(suspended), json.dumps(job_ids)),
        )


def _circuit(row: sqlite3.Row) -> Circuit:
    return Circuit(
        model_id=row["model_id"],
        failures=row["failures"],
        trips=row["trips"],
        until=row["resting"],
        reason=row["fault"],
    )


def _throttle(row: sqlite3.Row) -> Throttle:
    return Throttle(
        model_id=row["model_id"],
        paused=bool(row["paused"]),
        until=row["until"],
        reason=row["reason"],
        strikes=row["strikes"],
    )
