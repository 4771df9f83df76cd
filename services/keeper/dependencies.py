"""Dependencies: which jobs wait for which, and what follows when one of them ends."""

import json
import sqlite3
from collections.abc import Iterable, Sequence

from protocol.message import JobKind
from services.keeper.lifecycle import Job
from services.keeper.queue import LIVE, Queue

BACK = 600
"""Steps back to what holds jobs up, of all jobs that are asked for at once."""


class Dependencies:
    """Every `after` between jobs, in the table `dependencies`."""

    def __init__(self, connection: sqlite3.Connection, queue: Queue) -> None:
        self._connection = connection
        self._queue = queue

    def needs(self, job_id: int) -> list[Job]:
        """The jobs that this one waits for and that are not complete."""
        return self._queue.select(
            "status <> 'complete' AND id IN (SELECT needs_id FROM dependencies WHERE job_id = ?)", (job_id,)
        )

    def releasable(self, job_id: int) -> list[Job]:
        """The blocked jobs that wait for this one and, now that it is complete, for no other."""
        return self._queue.select(
            "status = 'blocked' AND error_class <> 'seam' "
            "AND id IN (SELECT job_id FROM dependencies WHERE needs_id = ?) "
            "AND NOT EXISTS (SELECT 1 FROM dependencies d JOIN generation_queue n ON n.id = d.needs_id "
            "WHERE d.job_id = generation_queue.id AND n.status <> 'complete')",
            (job_id,),
        )

    def ready_among(self, job_ids: Sequence[int]) -> list[Job]:
        """Those of these jobs that are blocked and yet wait for nothing that is not complete."""
        return self._queue.among(
            job_ids,
            "status = 'blocked' AND error_class <> 'seam' AND NOT EXISTS (SELECT 1 FROM dependencies d "
            "JOIN generation_queue n ON n.id = d.needs_id "
            "WHERE d.job_id = generation_queue.id AND n.status <> 'complete')",
        )

    def behind(self, job_ids: Iterable[int]) -> set[int]:
        """The blocked jobs that wait for one of these themselves."""
        rows = self._connection.execute(
            "SELECT q.id FROM json_each(?) r CROSS JOIN dependencies d ON d.needs_id = r.value "
            "CROSS JOIN generation_queue q ON q.id = d.job_id WHERE q.status = 'blocked'",
            (json.dumps(list(job_ids)),),
        )
        return {row[0] for row in rows}

    def stuck_needs(self, job_ids: Iterable[int]) -> set[tuple[int, str, str]]:
        """What these jobs wait for themselves and cannot get: `(job, state, plan)`."""
        rows = self._connection.execute(
            "SELECT n.id, n.status, n.plan_id FROM json_each(?) r "
            "CROSS JOIN dependencies d ON d.job_id = r.value "
            "CROSS JOIN generation_queue n ON n.id = d.needs_id "
            "WHERE n.status IN ('error', 'cancelled') OR n.held = 1",
            (json.dumps(list(job_ids)),),
        )
        return {(row[0], row[1], row[2]) for row in rows}

    def hold(self, job_ids: Iterable[int]) -> set[str]:
        """Mark what cannot go on because some of these jobs are dead or held; the plans that it concerns.

        Held are the blocked jobs that are barred, or that wait, directly or through others, for one that is
        barred, failed or called off.
        """
        rows = self._connection.execute(
            "WITH RECURSIVE behind (id) AS ("
            "SELECT q.id FROM json_each(?) r CROSS JOIN generation_queue n ON n.id = r.value "
            "CROSS JOIN dependencies d ON d.needs_id = n.id CROSS JOIN generation_queue q ON q.id = d.job_id "
            "WHERE (n.status IN ('error', 'cancelled') OR n.held = 1) "
            "AND q.status = 'blocked' AND q.held = 0 "
            "UNION SELECT q.id FROM behind b CROSS JOIN dependencies d ON d.needs_id = b.id "
            "CROSS JOIN generation_queue q ON q.id = d.job_id WHERE q.status = 'blocked' AND q.held = 0) "
            "UPDATE generation_queue SET held = 1 WHERE id IN (SELECT id FROM behind) RETURNING plan_id",
            (json.dumps(list(job_ids)),),
        ).fetchall()
        return {row[0] for row in rows}

    def let_go(self, job_ids: Iterable[int]) -> set[str]:
        """These jobs live again: look anew at what waits behind them; whose plans it concerns."""
        ids = json.dumps(list(job_ids))
        rows = self._connection.execute(
            "WITH RECURSIVE behind (id) AS ("
            "SELECT value FROM json_each(?) "
            "UNION SELECT q.id FROM behind b CROSS JOIN dependencies d ON d.needs_id = b.id "
            "CROSS JOIN generation_queue q ON q.id = d.job_id WHERE q.status = 'blocked') "
            "UPDATE generation_queue SET held = 0 WHERE id IN (SELECT id FROM behind) "
            "AND status = 'blocked' AND error_class <> 'seam' RETURNING id, plan_id",
            (ids,),
        ).fetchall()
        roots = self._connection.execute(
            "SELECT DISTINCT n.id FROM json_each(?) r CROSS JOIN dependencies d ON d.job_id = r.value "
            "CROSS JOIN generation_queue n ON n.id = d.needs_id "
            "WHERE n.status IN ('error', 'cancelled') OR n.held = 1",
            (json.dumps([row[0] for row in rows]),),
        ).fetchall()
        self.hold(row[0] for row in roots)
        return {row[1] for row in rows}

    def held_among(self, job_ids: Iterable[int]) -> set[int]:
        """Those of these jobs that cannot go on by themselves."""
        rows = self._connection.execute(
            "SELECT q.id FROM json_each(?) r CROSS JOIN generation_queue q ON q.id = r.value "
            "WHERE q.held = 1",
            (json.dumps(list(job_ids)),),
        )
        return {row[0] for row in rows}

    def holders(self, job_ids: Iterable[int]) -> dict[int, int]:
        """Behind which job each of these is held, if it is: one that is barred, failed or called off.

        From each to the first stuck one that it waits for, and on from there: there may be very many ways
        back. A way that is too long is not gone to its end; then it is the first that is stuck in its plan.
        """
        dead = "n.status IN ('error', 'cancelled') OR n.error_class = 'seam' AND n.status = 'blocked'"
        stuck = (
            f"CASE WHEN {dead} THEN NULL ELSE (SELECT min(m.id) FROM dependencies d "
            "CROSS JOIN generation_queue m ON m.id = d.needs_id WHERE d.job_id = n.id "
            "AND (m.held = 1 OR m.status IN ('error', 'cancelled'))) END"
        )
        asked = json.dumps(list(job_ids))
        rows = self._connection.execute(
            f"WITH RECURSIVE back (id, next) AS (SELECT n.id, {stuck} FROM json_each(?) r "
            "CROSS JOIN generation_queue n ON n.id = r.value WHERE n.held = 1 "
            f"UNION SELECT n.id, {stuck} FROM back b CROSS JOIN generation_queue n ON n.id = b.next LIMIT ?) "
            "SELECT id, next FROM back",
            (asked, BACK),
        )
        following: dict[int, int | None] = {row[0]: row[1] for row in rows}
        found: dict[int, int] = {}
        for job_id, in_plan in self._first_stuck(asked):
            at: int = job_id
            while (after := following.get(at)) is not None:
                at = after
            if job_id in following:
                found[job_id] = at if at in following else in_plan
        return found

    def _first_stuck(self, job_ids: str) -> list[sqlite3.Row]:
        """The first job of each one's plan that failed, is barred or was called off; else it itself."""
        failed, cancelled = (
            "(SELECT min(id) FROM generation_queue INDEXED BY queue_of_plan "
            f"WHERE plan_id = q.plan_id AND status = '{state}')"
            for state in ("error", "cancelled")
        )
        barred = (
            "(SELECT min(id) FROM generation_queue INDEXED BY queue_barred WHERE plan_id = q.plan_id "
            "AND status = 'blocked' AND error_class = 'seam')"
        )
        return self._connection.execute(
            f"SELECT q.id, coalesce({failed}, {barred}, {cancelled}, q.id) FROM json_each(?) r "
            "CROSS JOIN generation_queue q ON q.id = r.value",
            (job_ids,),
        ).fetchall()

    def can_go_on(self, plan_id: str, *, kind: JobKind | None = None) -> bool:
        """Whether a job of the plan, of this kind, runs, may run, or waits for one that does."""
        # Two questions: asked as one, SQLite walks through everything that the plan has completed.
        of_kind = "AND (?2 IS NULL OR kind = ?2)"
        return self._queue.exists(
            f"plan_id = ?1 AND status IN ('pending', 'processing') {of_kind}", (plan_id, kind)
        ) or self._queue.exists(
            f"plan_id = ?1 AND status = 'blocked' AND held = 0 {of_kind}", (plan_id, kind)
        )

    def held_in(self, plan_id: str) -> int:
        """How many model calls of a plan cannot go on by themselves."""
        row = self._connection.execute(
            "SELECT count(*) FROM generation_queue INDEXED BY queue_held "
            "WHERE plan_id = ? AND held = 1 AND kind = 'generate'",
            (plan_id,),
        ).fetchone()
        return int(row[0])

    def heir(self, job: Job) -> str | None:
        """Another plan with a blocked job that waits for this one."""
        row = self._connection.execute(
            "SELECT q.plan_id FROM dependencies d CROSS JOIN generation_queue q ON q.id = d.job_id "
            "WHERE d.needs_id = ? AND q.status = 'blocked' AND q.plan_id <> ? ORDER BY q.id LIMIT 1",
            (job.id, job.plan),
        ).fetchone()
        return str(row[0]) if row else None

    def hurry(self, job_ids: Iterable[int]) -> None:
        """Move jobs that interactive work waits for, with what they wait for, to the interactive lane."""
        for job_id in job_ids:
            self._connection.execute(
                f"UPDATE generation_queue SET lane = 'interactive', rank = -priority WHERE status IN {LIVE} "
                "AND lane = 'bulk' AND "
                "(id = ?1 OR id IN (SELECT needs_id FROM dependencies WHERE job_id = ?1))",
                (job_id,),
            )
