"""The queue: every job, in `generation_queue`."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from itertools import groupby

from protocol.message import JobKind
from services.keeper.lifecycle import Job
from services.keeper.row import COLUMNS, MARKS, Row, job_of, place, rank
from services.tiling.quadrant import frame_of

CellRow = tuple[int, int, int, str]

SMALL_BOX = 2_500
"""Quadrants."""
LIVE = "('blocked', 'pending', 'processing')"

_WITHIN = (
    "status IN ('blocked', 'pending', 'processing', 'error') AND id IN "
    "(SELECT job_id FROM job_quadrants WHERE x BETWEEN ? AND ? AND y BETWEEN ? AND ?)"
)


class Queue:
    """Every job there ever was."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def next_id(self) -> int:
        """The id that the next job gets."""
        return int(self._connection.execute("SELECT max(id) FROM generation_queue").fetchone()[0] or 0) + 1

    def insert(self, rows: Iterable[Row], cells: Iterable[CellRow], needs: Iterable[tuple[int, int]]) -> None:
        """Add jobs, where they lie, and `(job, needed job)` pairs."""
        self._connection.executemany(f"INSERT INTO generation_queue ({COLUMNS}) VALUES ({MARKS})", rows)
        self._connection.executemany(
            "INSERT INTO job_quadrants (x, y, job_id, role) VALUES (?, ?, ?, ?)", cells
        )
        self._connection.executemany("INSERT INTO dependencies (job_id, needs_id) VALUES (?, ?)", needs)

    def get(self, job_id: int) -> Job | None:
        """The job of that id."""
        return next(iter(self.select("id = ?", (job_id,))), None)

    def select(self, where: str, values: Sequence[object] = (), order: str = "id") -> list[Job]:
        """The jobs for which an SQL condition of this package holds."""
        rows = self._connection.execute(
            f"SELECT {COLUMNS} FROM generation_queue WHERE {where} ORDER BY {order}", values
        )
        return [job_of(row) for row in rows]

    def ids(self, where: str, values: Sequence[object] = ()) -> list[int]:
        """The ids of all jobs an SQL condition of this package holds for, the first first."""
        # Sorted here: SQLite might rather walk through all history than sort what an index finds.
        rows = self._connection.execute(f"SELECT id FROM generation_queue WHERE {where}", values)
        return sorted(row[0] for row in rows)

    def ids_by_plan(self, where: str, values: Sequence[object] = ()) -> list[list[int]]:
        """The same, plan by plan."""
        rows = self._connection.execute(f"SELECT plan_id, id FROM generation_queue WHERE {where}", values)
        found = sorted((row[0], row[1]) for row in rows)
        return [[job for _, job in jobs] for _, jobs in groupby(found, lambda row: row[0])]

    def among(
        self, job_ids: Collection[int], where: str = "1", values: Sequence[object] = (), order: str = "id"
    ) -> list[Job]:
        """Those of these jobs for which a condition holds as well."""
        ids = json.dumps(list(job_ids))
        return self.select(f"id IN (SELECT value FROM json_each(?)) AND {where}", (ids, *values), order)

    def count(self, where: str, values: Sequence[object] = ()) -> int:
        """How many jobs an SQL condition of this package holds for."""
        row = self._connection.execute(f"SELECT count(*) FROM generation_queue WHERE {where}", values)
        return int(row.fetchone()[0])

    def exists(self, where: str, values: Sequence[object] = ()) -> bool:
        """Whether an SQL condition of this package holds for any job."""
        return bool(
            self._connection.execute(
                f"SELECT EXISTS (SELECT 1 FROM generation_queue WHERE {where})", values
            ).fetchone()[0]
        )

    def save(self, job: Job) -> None:
        """Write back everything about a job that can change."""
        self._connection.execute(
            "UPDATE generation_queue SET plan_id = ?, status = ?, error_class = ?, lane = ?, priority = ?, "
            "rank = ?, place = ?, suspended = ?, model_id = ?, prompt = ?, negative_prompt = ?, deaths = ?, "
            "attempt = ?, not_before = ?, token = ?, lease_request = ?, lease_worker = ?, "
            "lease_expires_at = ?, worker = ?, doing = ?, reason = ?, limited = ?, calls = ?, cost = ?, "
            "started_at = ?, finished_at = ?, x = ?, y = ?, held = CASE WHEN ?2 <> 'blocked' THEN 0 "
            "WHEN ?3 = 'seam' THEN 1 ELSE held END WHERE id = ?",
            (
                job.plan,
                job.state,
                job.error_class,
                job.lane,
                job.priority,
                rank(job),
                place(job),
                # Who is no longer pending, or lives again, is marked anew if its plan is still paused.
                int(job.suspended and job.state == "pending"),
                job.model_id,
                job.prompt,
                job.negative_prompt,
                job.deaths,
                job.attempt,
                job.not_before,
                job.token,
                job.lease_request,
                job.lease_worker,
                job.lease_expires_at,
                job.worker,
                job.doing,
                job.reason,
                job.limited,
                job.calls,
                job.cost,
                job.started_at,
                job.finished_at,
                job.x,
                job.y,
                job.id,
            ),
        )

    def leased_for(self, worker: str, request: str) -> Job | None:
        """The job that this very request has already got."""
        found = self.select(
            "status = 'processing' AND lease_worker = ? AND lease_request = ?", (worker, request)
        )
        return found[0] if found else None

    def running_renders(self, x0: int, y0: int, x1: int, y1: int) -> dict[tuple[int, int], int]:
        """The render jobs there that are pending or processing, by canonical frame; they wait for nothing."""
        rows = self._connection.execute(
            f"SELECT c.x, c.y, q.id FROM {_joined(x0, y0, x1, y1)} "
            "WHERE c.x BETWEEN ? AND ? AND c.y BETWEEN ? AND ? AND q.kind = 'render' "
            "AND q.status IN ('pending', 'processing') ORDER BY q.id DESC",
            (x0, x1, y0, y1),
        )
        return {frame_of((x, y)): job_id for x, y, job_id in rows}

    def palette(self) -> int | None:
        """The palette job that is under way."""
        row = self._connection.execute(
            f"SELECT id FROM generation_queue WHERE kind = 'palette' AND status IN {LIVE} ORDER BY id"
        ).fetchone()
        return int(row[0]) if row else None

    def reserved(
        self, x0: int, y0: int, x1: int, y1: int, *, but: Collection[str]
    ) -> list[tuple[int, int, str]]:
        """What unsettled plans, except those in `but`, are still to generate there: `(x, y, plan)`."""
        rows = self._connection.execute(
            f"SELECT c.x, c.y, q.plan_id FROM {_joined(x0, y0, x1, y1)} "
            "CROSS JOIN plans p ON p.id = q.plan_id WHERE c.x BETWEEN ? AND ? AND c.y BETWEEN ? AND ? "
            "AND q.kind = 'generate' AND q.status IN ('blocked', 'pending', 'processing', 'error') "
            "AND p.settled = 0 AND q.plan_id NOT IN (SELECT value FROM json_each(?))",
            (x0, x1, y0, y1, json.dumps(list(but))),
        )
        return [(row[0], row[1], row[2]) for row in rows]

    def failed(self, x0: int, y0: int, x1: int, y1: int) -> set[tuple[int, int]]:
        """Where model calls failed for good there, called off since or not."""
        rows = self._connection.execute(
            f"SELECT c.x, c.y FROM {_joined(x0, y0, x1, y1)} "
            "WHERE c.x BETWEEN ? AND ? AND c.y BETWEEN ? AND ? AND q.kind = 'generate' "
            "AND q.status IN ('error', 'cancelled') "
            "AND (q.status = 'error' OR q.error_class NOT IN ('', 'seam'))",
            (x0, x1, y0, y1),
        )
        return {(row[0], row[1]) for row in rows}

    def of_plan(self, plan_id: str) -> list[Job]:
        """The plan's model calls that have not been completed."""
        return self.select("plan_id = ? AND kind = 'generate' AND status <> 'complete'", (plan_id,))

    def seconds_taken(self, model_id: str, *, latest: int) -> list[float]:
        """How long the latest completed calls of a model took, the shortest first."""
        rows = self._connection.execute(
            "SELECT finished_at - started_at FROM generation_queue WHERE status = 'complete' "
            "AND model_id = ? AND kind = 'generate' ORDER BY id DESC LIMIT ?",
            (model_id, latest),
        )
        return sorted(max(0.0, row[0]) for row in rows)

    def complete_of(self, job_ids: Collection[int]) -> list[int]:
        """Those of these jobs that are complete."""
        rows = self._connection.execute(
            "SELECT id FROM generation_queue WHERE id IN (SELECT value FROM json_each(?)) "
            "AND status = 'complete' ORDER BY id",
            (json.dumps(list(job_ids)),),
        )
        return [row[0] for row in rows]

    def any_dead(self, job_ids: Collection[int]) -> bool:
        """Whether one of these jobs has failed or was called off."""
        return self.exists(
            "id IN (SELECT value FROM json_each(?)) AND status IN ('error', 'cancelled')",
            (json.dumps(list(job_ids)),),
        )

    def counts(self) -> list[tuple[str, str, int]]:
        """How many jobs there are by state and model."""
        rows = self._connection.execute(
            "SELECT status, model_id, count(*) FROM generation_queue GROUP BY status, model_id"
        )
        return [(row[0], row[1], row[2]) for row in rows]

    def page(
        self,
        *,
        states: Collection[str],
        model_id: str | None,
        plan: str | None,
        kind: JobKind | None,
        held: bool,
        cursor: int,
        limit: int,
    ) -> tuple[list[Job], int]:
        """Jobs after id `cursor` for which all that is given holds, and how many there are in all."""
        where, values = ["held = 1" if held else "1"], []
        if states:
            where.append(f"status IN ({', '.join('?' * len(states))})")
            values += list(states)
        for column, wanted in (("model_id", model_id), ("plan_id", plan), ("kind", kind)):
            if wanted is not None:
                where.append(f"{column} = ?")
                values.append(wanted)
        condition = " AND ".join(where)
        found = self.select(f"{condition} AND id > ?", (*values, cursor), order=f"id LIMIT {limit:d}")
        return found, self.count(condition, values)

    def within(self, x0: int, y0: int, x1: int, y1: int) -> list[Job]:
        """Jobs there that are under way or failed; those at work first, then those that failed."""
        return self.select(
            _WITHIN,
            (x0, x1, y0, y1),
            order="status = 'processing' DESC, status = 'error' DESC, rank, place, id",
        )

    def crowded(self, x0: int, y0: int, x1: int, y1: int, *, limit: int) -> bool:
        """Whether more than `limit` jobs there are under way or failed."""
        found = self._connection.execute(
            f"SELECT count(*) FROM (SELECT id FROM generation_queue WHERE {_WITHIN} LIMIT ?)",
            (x0, x1, y0, y1, limit + 1),
        ).fetchone()
        return bool(found[0] > limit)

    def touching(self, x: int, y: int, *, limit: int) -> list[Job]:
        """The jobs that draw a quadrant, the newest first."""
        return self.select(
            "id IN (SELECT job_id FROM job_quadrants WHERE x = ? AND y = ?)",
            (x, y),
            order=f"id DESC LIMIT {limit:d}",
        )

    def positions(self, jobs: Sequence[Job]) -> dict[int, int]:
        """The place of each pending job in the order of handing out, from 1."""
        if not jobs:
            return {}
        last = max(turn(job) for job in jobs)
        # One walk for all of them. Left to itself SQLite takes the index of the counts and then sorts.
        rows = self._connection.execute(
            "SELECT id, nth FROM (SELECT id, row_number() OVER (ORDER BY rank, deaths, place, id) AS nth "
            "FROM generation_queue INDEXED BY queue_order WHERE status = 'pending' AND suspended = 0 "
            "AND (rank, deaths, place, id) <= (?, ?, ?, ?)) "
            "WHERE id IN (SELECT value FROM json_each(?))",
            (*last, json.dumps([job.id for job in jobs])),
        )
        return {job_id: nth for job_id, nth in rows}

    def recall(self, latest: float) -> None:
        """Let no pending job wait longer than until `latest`."""
        self._connection.execute(
            "UPDATE generation_queue SET not_before = ?1 WHERE status = 'pending' AND not_before > ?1",
            (latest,),
        )

    def next_due(self) -> float:
        """When the first lease runs out."""
        row = self._connection.execute(
            "SELECT min(lease_expires_at) FROM generation_queue WHERE status = 'processing'"
        ).fetchone()
        return float(row[0]) if row[0] is not None else float("inf")


def turn(job: Job) -> tuple[int, int, int, int]:
    """What the order of handing out goes by, the lowest first."""
    return rank(job), job.deaths, place(job), job.id


def _joined(x0: int, y0: int, x1: int, y1: int) -> str:
    """The jobs that touch a box, as tables to select from: `c` is where, `q` is the job.

    In a small box few jobs ever were; in a large one those that are under way are fewer than all its history.
    """
    if (x1 - x0 + 1) * (y1 - y0 + 1) <= SMALL_BOX:
        return "job_quadrants c CROSS JOIN generation_queue q ON q.id = c.job_id"
    return "generation_queue q CROSS JOIN job_quadrants c ON c.job_id = q.id"
