"""The queue: every job, in `generation_queue`."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from itertools import groupby

from protocol.message import JobState
from services.keeper.lifecycle import Job
from services.keeper.row import COLUMNS, INSERT, Row, job_of, place, rank

CellRow = tuple[int, int, int, str]

PAGE = 1_000
"""Jobs that are looked through at a time."""
LIVE = "('blocked', 'pending', 'processing')"


class Queue:
    """Every job there ever was."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def next_id(self) -> int:
        """The id that the next job gets."""
        return int(self._connection.execute("SELECT max(id) FROM generation_queue").fetchone()[0] or 0) + 1

    def insert(self, rows: Iterable[Row], cells: Iterable[CellRow], needs: Iterable[tuple[int, int]]) -> None:
        """Add jobs, where they lie, and `(job, needed job)` pairs."""
        self._connection.executemany(INSERT, rows)
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
        # Joined in this order: else SQLite may walk through all jobs of a state, of which a city has many.
        rows = self._connection.execute(
            f"SELECT {COLUMNS} FROM (SELECT DISTINCT value AS wanted FROM json_each(?)) "
            f"CROSS JOIN generation_queue ON id = wanted WHERE {where} ORDER BY {order}",
            (json.dumps(list(job_ids)), *values),
        )
        return [job_of(row) for row in rows]

    def count(self, where: str, values: Sequence[object] = ()) -> int:
        """How many jobs an SQL condition of this package holds for."""
        row = self._connection.execute(f"SELECT count(*) FROM generation_queue WHERE {where}", values)
        return int(row.fetchone()[0])

    def standing_before(self, rank: int) -> int:
        """How many pending jobs come before a new one of this rank."""
        if rank <= 0:
            return self.count("status = 'pending' AND rank <= ?", (rank,))
        # Of a million pending jobs nearly all have the usual rank: count those that come after instead.
        pending = self._connection.execute(
            "SELECT total(jobs) FROM queue_tally WHERE status = 'pending'"
        ).fetchone()
        after = self._connection.execute(
            "SELECT count(*) FROM generation_queue INDEXED BY queue_order "
            "WHERE status = 'pending' AND suspended = 0 AND rank > ?",
            (rank,),
        ).fetchone()
        return int(pending[0]) - int(after[0])

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
            "handle = ?, reserved = ?, presumed = ?, retold = ?, started_at = ?, finished_at = ?, "
            "x = ?, y = ?, held = CASE WHEN ?2 <> 'blocked' THEN 0 WHEN ?3 = 'seam' THEN 1 ELSE held END "
            "WHERE id = ?",
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
                job.handle,
                job.reserved,
                job.presumed,
                job.retold,
                job.started_at,
                job.finished_at,
                job.x,
                job.y,
                job.id,
            ),
        )

    def page(
        self, state: JobState, model_id: str, where: str, after: int
    ) -> tuple[list[tuple[int, str]], int | None]:
        """Of the next jobs in a state those for which a condition holds, with their plans; and what follows.

        That is the id to go on after, or None behind the last.
        """
        rows = self._connection.execute(
            f"SELECT id, plan_id, {where} FROM generation_queue INDEXED BY queue_counts "
            f"WHERE status = ? AND model_id = ? AND id > ? ORDER BY id LIMIT {PAGE}",
            (state, model_id, after),
        ).fetchall()
        found = [(row[0], row[1]) for row in rows if row[2]]
        return found, rows[-1][0] if len(rows) == PAGE else None

    def leased_for(self, worker: str, request: str) -> Job | None:
        """The job that this very request has already got."""
        found = self.select(
            "status = 'processing' AND lease_worker = ? AND lease_request = ?", (worker, request)
        )
        return found[0] if found else None

    def palette(self) -> int | None:
        """The palette job that is under way."""
        row = self._connection.execute(
            f"SELECT id FROM generation_queue WHERE kind = 'palette' AND status IN {LIVE} ORDER BY id"
        ).fetchone()
        return int(row[0]) if row else None

    def of_plan(self, plan_id: str) -> list[Job]:
        """The plan's model calls for the map that have not been completed."""
        where = "plan_id = ? AND kind = 'generate' AND status <> 'complete' AND candidate = 0"
        return self.select(where, (plan_id,))

    def candidates(self, plan_id: str | None, *, after: int, limit: int) -> list[Job]:
        """The jobs that make candidates, of one plan or of all, by id."""
        return self.select(
            "candidate = 1 AND id > ?1 AND (?2 IS NULL OR plan_id = ?2)",
            (after, plan_id),
            f"id LIMIT {limit:d}",
        )

    def first_failed(self, plan_id: str) -> Job | None:
        """The first job of a plan that failed for good."""
        found = self.select("plan_id = ? AND status = 'error'", (plan_id,), order="id LIMIT 1")
        return found[0] if found else None

    def first_barred(self, plan_id: str) -> Job | None:
        """The first job of a plan that is blocked because it is no longer legal."""
        # Asked whole, SQLite would rather look through all that is blocked.
        row = self._connection.execute(
            "SELECT min(id) FROM generation_queue INDEXED BY queue_barred "
            "WHERE plan_id = ? AND status = 'blocked' AND error_class = 'seam'",
            (plan_id,),
        ).fetchone()
        return None if row[0] is None else self.get(row[0])

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

    def recall(self, latest: float) -> None:
        """Let no pending job wait longer than until `latest`."""
        self._connection.execute(
            "UPDATE generation_queue SET not_before = ?1 WHERE status = 'pending' AND not_before > ?1",
            (latest,),
        )

    def unfinished(self) -> int:
        """How many jobs there are that have not ended."""
        row = self._connection.execute(
            f"SELECT total(jobs) FROM queue_tally WHERE status IN {LIVE}"
        ).fetchone()
        return int(row[0])

    def next_due(self) -> float:
        """When the first lease runs out."""
        row = self._connection.execute(
            "SELECT min(lease_expires_at) FROM generation_queue WHERE status = 'processing'"
        ).fetchone()
        return float(row[0]) if row[0] is not None else float("inf")
