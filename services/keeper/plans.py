"""Plans: what was asked for, under which id, and whether it can still go on by itself."""

import json
import sqlite3
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from protocol.plan import Lane

OUTMOST = 500
"""Plans on either side that are looked at to say how far all reach."""


class PlanRow(NamedTuple):
    """One accepted plan. `borrowed` are jobs of other plans that already do what this one asked for."""

    id: str
    name: str
    model_id: str
    lane: Lane
    created_at: float
    settled: bool
    quadrants_total: int
    position: int
    first_job: int = 0
    jobs: int = 0
    entered: int = 0
    """How many of its jobs are in the queue by now."""
    borrowed: tuple[int, ...] = ()
    bounds: tuple[int, int, int, int] = (0, 0, 0, 0)
    left_out: tuple[tuple[int, int, str], ...] = ()
    """The first quadrants that were asked for and that no step draws, with the reasons."""
    left_out_count: int = 0
    priority: int = 0
    staged: str = ""
    """The file that holds its jobs until all of them are in the queue."""
    cost_cap: float | None = None
    reserved: float = 0.0
    """What calls may cost, or may have cost, of which that is not known yet."""
    capped: str = ""
    """Why its cap has paused it."""
    layer: str = "generation"
    """What its model calls draw."""

    @property
    def job_ids(self) -> list[int]:
        """The jobs it was accepted with, in order; a plan's own jobs are numbered without a gap."""
        own = range(self.first_job, self.first_job + self.jobs)
        return sorted({*own, *self.borrowed}) if self.borrowed else list(own)


class Plans:
    """Every plan that was accepted."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def insert(self, plans: Iterable[PlanRow]) -> None:
        """Add plans."""
        self._connection.executemany(
            "INSERT INTO plans (id, name, model_id, lane, created_at, settled, quadrants_total, position, "
            "first_job, jobs, borrowed, x0, y0, x1, y1, left_out, left_out_count, priority, entered, staged, "
            "cost_cap, layer) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    plan.id,
                    plan.name,
                    plan.model_id,
                    plan.lane,
                    plan.created_at,
                    int(plan.settled),
                    plan.quadrants_total,
                    plan.position,
                    plan.first_job,
                    plan.jobs,
                    json.dumps(plan.borrowed) if plan.borrowed else "[]",
                    *plan.bounds,
                    json.dumps(plan.left_out) if plan.left_out else "[]",
                    plan.left_out_count,
                    plan.priority,
                    plan.entered,
                    plan.staged,
                    plan.cost_cap,
                    plan.layer,
                )
                for plan in plans
            ],
        )

    def get(self, plan_id: str) -> PlanRow | None:
        """The plan of that id."""
        row = self._connection.execute("SELECT * FROM plans WHERE id = ?", (plan_id,)).fetchone()
        return _plan(row) if row else None

    def among(self, plan_ids: Collection[str]) -> dict[str, PlanRow]:
        """Those of these plans that there are, by id."""
        rows = self._connection.execute(
            "SELECT * FROM plans WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(list(plan_ids)),)
        )
        return {row["id"]: _plan(row) for row in rows}

    def newest(self, limit: int) -> list[PlanRow]:
        """The plans accepted last, the newest first."""
        rows = self._connection.execute(
            # By the order in which they were put in: the wall's clock may have been set in between.
            "SELECT * FROM plans ORDER BY rowid DESC LIMIT ?",
            (limit,),
        )
        return [_plan(row) for row in rows]

    def paused(self, plan_ids: Collection[str]) -> set[str]:
        """Those of these plans that a person has paused."""
        rows = self._connection.execute(
            "SELECT p.id FROM json_each(?) w CROSS JOIN plans p ON p.id = w.value WHERE p.paused = 1",
            (json.dumps(list(plan_ids)),),
        )
        return {row[0] for row in rows}

    def entering(self, box: tuple[int, int, int, int]) -> str | None:
        """A plan in or touching the box whose jobs are not all in the queue yet."""
        x0, y0, x1, y1 = box
        row = self._connection.execute(
            "SELECT id FROM plans WHERE settled = 0 AND staged <> '' "
            "AND x0 <= ? AND x1 >= ? AND y0 <= ? AND y1 >= ? LIMIT 1",
            (x1, x0, y1, y0),
        ).fetchone()
        return str(row[0]) if row else None

    def open_within(self, box: tuple[int, int, int, int]) -> set[str]:
        """The unsettled plans that may draw something in the box."""
        x0, y0, x1, y1 = box
        rows = self._connection.execute(
            "SELECT id FROM plans WHERE settled = 0 AND x0 <= ? AND x1 >= ? AND y0 <= ? AND y1 >= ?",
            (x1, x0, y1, y0),
        )
        return {row[0] for row in rows}

    def open_bounds(self) -> tuple[int, int, int, int] | None:
        """The smallest rectangle around what unsettled plans draw; of very many, the outmost ones."""
        row = self._connection.execute(
            "SELECT min(x0), min(y0), max(x1), max(y1) FROM ("
            "SELECT * FROM (SELECT x0, y0, x1, y1 FROM plans INDEXED BY plans_open WHERE settled = 0 "
            "ORDER BY x0 LIMIT ?1) UNION ALL "
            "SELECT * FROM (SELECT x0, y0, x1, y1 FROM plans INDEXED BY plans_open WHERE settled = 0 "
            "ORDER BY x0 DESC LIMIT ?1))",
            (OUTMOST,),
        ).fetchone()
        return None if row[0] is None else (row[0], row[1], row[2], row[3])


def _plan(row: sqlite3.Row) -> PlanRow:
    return PlanRow(
        id=row["id"],
        name=row["name"],
        model_id=row["model_id"],
        lane=row["lane"],
        created_at=row["created_at"],
        settled=bool(row["settled"]),
        quadrants_total=row["quadrants_total"],
        position=row["position"],
        first_job=row["first_job"],
        jobs=row["jobs"],
        entered=row["entered"],
        borrowed=tuple(_list(row["borrowed"])),
        bounds=(row["x0"], row["y0"], row["x1"], row["y1"]),
        left_out=tuple((x, y, reason) for x, y, reason in _list(row["left_out"])),
        left_out_count=row["left_out_count"],
        priority=row["priority"],
        staged=row["staged"],
        cost_cap=row["cost_cap"],
        reserved=row["reserved"],
        capped=row["capped"],
        layer=row["layer"],
    )


def _list(text: str) -> list[Any]:
    found: list[Any] = json.loads(text) if text != "[]" else []
    return found
