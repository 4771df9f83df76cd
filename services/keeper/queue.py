"""The queue: every job, in `generation_queue`."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from itertools import groupby

from protocol.message import JobState
from services.keeper.lifecycle import Job
from services.keeper.row import COLUMNS, INSERT, Row, job_of, place, rank, text
from services.tiling.quadrant import FRAME, frame_of

CellRow = tuple[int, int, int, str]

SMALL_BOX = 2_500
"""Quadrants."""
FEW = 1_000
"""While no more jobs are under way or failed, each is asked where it lies, not each place who was there."""
ALWAYS, LOOKED = 64, 5_000
"""Quadrants that are looked at however much was there, and cells of jobs that are looked at in others."""
PAGE = 1_000
"""Jobs that are looked through at a time."""
LIVE = "('blocked', 'pending', 'processing')"

_ON_MAP = "('blocked', 'pending', 'processing', 'error')"


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

    def lying_in(
        self, box: tuple[int, int, int, int], job_ids: Collection[int]
    ) -> list[tuple[tuple[int, int], int]]:
        """The quadrants of the box that these jobs touch, each with the job."""
        rows = self._connection.execute(
            "SELECT c.x, c.y, c.job_id FROM json_each(?5) w "
            "CROSS JOIN job_quadrants c INDEXED BY job_quadrants_of_job ON c.job_id = w.value "
            "WHERE c.x BETWEEN ?1 AND ?3 AND c.y BETWEEN ?2 AND ?4",
            (*box, json.dumps(list(job_ids))),
        )
        return [((row[0], row[1]), row[2]) for row in rows]

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
            "WHERE c.x BETWEEN ?1 AND ?3 AND c.y BETWEEN ?2 AND ?4 AND q.kind = 'render' "
            "AND q.status IN ('pending', 'processing') ORDER BY q.id DESC",
            (x0, y0, x1, y1),
        )
        return {frame_of((x, y)): job_id for x, y, job_id in rows}

    def renders_of(self, frames: Iterable[tuple[int, int]]) -> dict[tuple[int, int], int]:
        """The render jobs of these canonical frames that are pending or processing, by frame."""
        # A render draws its whole frame, so that one quadrant of it says enough.
        corners = text([(x * FRAME, y * FRAME) for x, y in frames])
        rows = self._connection.execute(
            "SELECT c.x, c.y, q.id FROM json_each(?) f CROSS JOIN job_quadrants c "
            "ON c.x = json_extract(f.value, '$[0]') AND c.y = json_extract(f.value, '$[1]') "
            "CROSS JOIN generation_queue q ON q.id = c.job_id WHERE q.kind = 'render' "
            "AND q.status IN ('pending', 'processing') ORDER BY q.id DESC",
            (corners,),
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
        joined = (
            f"{_joined(x0, y0, x1, y1)} CROSS JOIN plans p ON p.id = q.plan_id"
            if _is_small(x0, y0, x1, y1)
            else "plans p CROSS JOIN generation_queue q ON q.plan_id = p.id AND p.x0 <= ?3 AND p.x1 >= ?1 "
            "AND p.y0 <= ?4 AND p.y1 >= ?2 CROSS JOIN job_quadrants c ON c.job_id = q.id"
        )
        rows = self._connection.execute(
            f"SELECT c.x, c.y, q.plan_id FROM {joined} WHERE c.x BETWEEN ?1 AND ?3 AND c.y BETWEEN ?2 AND ?4 "
            "AND q.kind = 'generate' AND q.status IN ('blocked', 'pending', 'processing', 'error') "
            "AND p.settled = 0 AND q.plan_id NOT IN (SELECT value FROM json_each(?5))",
            (x0, y0, x1, y1, json.dumps(list(but))),
        )
        return [(row[0], row[1], row[2]) for row in rows]

    def failed(self, x0: int, y0: int, x1: int, y1: int) -> set[tuple[int, int]]:
        """Where model calls failed for good there, called off since or not."""
        rows = self._connection.execute(
            f"SELECT c.x, c.y FROM {_joined(x0, y0, x1, y1)} "
            "WHERE c.x BETWEEN ?1 AND ?3 AND c.y BETWEEN ?2 AND ?4 AND q.kind = 'generate' "
            "AND q.status IN ('error', 'cancelled') "
            "AND (q.status = 'error' OR q.error_class NOT IN ('', 'seam'))",
            (x0, y0, x1, y1),
        )
        return {(row[0], row[1]) for row in rows}

    def of_plan(self, plan_id: str) -> list[Job]:
        """The plan's model calls that have not been completed."""
        return self.select("plan_id = ? AND kind = 'generate' AND status <> 'complete'", (plan_id,))

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

    def within(self, x0: int, y0: int, x1: int, y1: int, *, limit: int) -> list[Job] | None:
        """The jobs there that are under way or failed; at work first, then those that failed.

        None if there are more than `limit`, or if there were so many that looking for them takes too long.
        """
        box = (x0, y0, x1, y1)
        on_map, oldest = self._connection.execute(
            "SELECT total(jobs), min((SELECT min(id) FROM generation_queue INDEXED BY queue_counts "
            "WHERE status = t.status AND model_id = t.model_id)) FROM queue_tally t "
            f"WHERE jobs > 0 AND status IN {_ON_MAP}"
        ).fetchone()
        if on_map <= FEW:
            sql = (
                f"SELECT id FROM generation_queue WHERE status IN {_ON_MAP} AND EXISTS (SELECT 1 "
                "FROM job_quadrants c INDEXED BY job_quadrants_of_job WHERE c.job_id = generation_queue.id "
                "AND c.x BETWEEN ?1 AND ?3 AND c.y BETWEEN ?2 AND ?4) LIMIT ?5"
            )
            ids = [row[0] for row in self._connection.execute(sql, (*box, limit + 1))]
        else:
            if (x1 - x0 + 1) * (y1 - y0 + 1) > ALWAYS:
                looked = self._connection.execute(
                    f"SELECT count(*) FROM (SELECT 1 {_THERE} LIMIT {LOOKED + 1})", (*box, oldest)
                ).fetchone()[0]
                if looked > LOOKED:
                    return None
            sql = (
                f"SELECT q.id FROM (SELECT DISTINCT c.job_id {_THERE}) j CROSS JOIN generation_queue q "
                f"ON q.id = j.job_id WHERE q.status IN {_ON_MAP} LIMIT ?6"
            )
            ids = [row[0] for row in self._connection.execute(sql, (*box, oldest, limit + 1))]
        if len(ids) > limit:
            return None
        return self.among(ids, order="status = 'processing' DESC, status = 'error' DESC, rank, place, id")

    def touching(self, x: int, y: int, *, limit: int) -> list[Job]:
        """The jobs that draw a quadrant, the newest first."""
        return self.select(
            "id IN (SELECT job_id FROM job_quadrants WHERE x = ? AND y = ?)",
            (x, y),
            order=f"id DESC LIMIT {limit:d}",
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


_THERE = (
    "FROM (WITH RECURSIVE columns (x) AS (SELECT min(x) FROM job_quadrants WHERE x >= ?1 UNION ALL "
    "SELECT (SELECT min(x) FROM job_quadrants WHERE x > columns.x) FROM columns WHERE x < ?3) "
    "SELECT x FROM columns WHERE x <= ?3) columns CROSS JOIN job_quadrants c ON c.x = columns.x "
    "WHERE c.y BETWEEN ?2 AND ?4 AND c.job_id >= ?5"
)
"""The cells in a box of the jobs from one on; columns in which nothing ever was are not even passed."""
_COLUMNS = (
    "(WITH RECURSIVE columns (x) AS (SELECT ?1 UNION ALL SELECT x + 1 FROM columns WHERE x < ?3) "
    "SELECT x FROM columns) columns"
)
"""Every x of a box: column by column nothing is looked at that lies above or below it."""


def _is_small(x0: int, y0: int, x1: int, y1: int) -> bool:
    """Whether few jobs ever were in a box; in a large one fewer are under way than there ever were."""
    return (x1 - x0 + 1) * (y1 - y0 + 1) <= SMALL_BOX


def _joined(x0: int, y0: int, x1: int, y1: int) -> str:
    """The jobs that touch a box, as tables to select from: `c` is where, `q` is the job.

    The box is ?1 to ?4 of the statement, so that it reads the same wherever one asks.
    """
    if _is_small(x0, y0, x1, y1):
        return (
            f"{_COLUMNS} CROSS JOIN job_quadrants c ON c.x = columns.x "
            "CROSS JOIN generation_queue q ON q.id = c.job_id"
        )
    return "generation_queue q CROSS JOIN job_quadrants c ON c.job_id = q.id"
