"""Dependencies: which jobs wait for which, and what follows when one of them ends."""

import sqlite3
from collections.abc import Iterable

from services.keeper.lifecycle import Job
from services.keeper.queue import LIVE, Queue


class Dependencies:
    """Every `after` between jobs, in the table `dependencies`."""

    def __init__(self, connection: sqlite3.Connection, queue: Queue) -> None:
        self._connection = connection
        self._queue = queue

    def dependants(self, job_id: int) -> list[Job]:
        """The blocked jobs that wait for this one."""
        return self._queue.select(
            "status = 'blocked' AND id IN (SELECT job_id FROM dependencies WHERE needs_id = ?)", (job_id,)
        )

    def needs(self, job_id: int) -> list[Job]:
        """The jobs that this one waits for and that are not complete."""
        return self._queue.select(
            "status <> 'complete' AND id IN (SELECT needs_id FROM dependencies WHERE job_id = ?)", (job_id,)
        )

    def releasable(self, job_id: int) -> list[Job]:
        """The blocked jobs that wait for this one and, now that it is complete, for no other."""
        return self._queue.select(
            "status = 'blocked' AND id IN (SELECT job_id FROM dependencies WHERE needs_id = ?) "
            "AND NOT EXISTS (SELECT 1 FROM dependencies d JOIN generation_queue n ON n.id = d.needs_id "
            "WHERE d.job_id = generation_queue.id AND n.status <> 'complete')",
            (job_id,),
        )

    def held_by(self, job_ids: Iterable[int]) -> list[Job]:
        """The blocked jobs that wait for these, directly or through others."""
        found: dict[int, Job] = {}
        frontier = list(job_ids)
        while frontier:
            for job in self.dependants(frontier.pop()):
                if job.id not in found:
                    found[job.id] = job
                    frontier.append(job.id)
        return list(found.values())

    def can_go_on(self, plan_id: str) -> bool:
        """Whether a job of the plan runs, may run, or waits for one that does."""
        if self._queue.count("plan_id = ? AND status IN ('pending', 'processing')", (plan_id,)):
            return True
        if not self._queue.count("plan_id = ? AND status = 'blocked'", (plan_id,)):
            return False
        return bool(
            self._connection.execute(
                "WITH RECURSIVE stuck (id) AS ("
                "SELECT d.job_id FROM generation_queue n JOIN dependencies d ON d.needs_id = n.id "
                "WHERE n.status IN ('error', 'cancelled') "
                "UNION SELECT d.job_id FROM stuck s JOIN dependencies d ON d.needs_id = s.id) "
                "SELECT EXISTS (SELECT 1 FROM generation_queue "
                "WHERE plan_id = ? AND status = 'blocked' AND id NOT IN (SELECT id FROM stuck))",
                (plan_id,),
            ).fetchone()[0]
        )

    def heir(self, job: Job) -> str | None:
        """Another plan with a blocked job that waits for this one."""
        row = self._connection.execute(
            "SELECT q.plan_id FROM dependencies d JOIN generation_queue q ON q.id = d.job_id "
            "WHERE d.needs_id = ? AND q.status = 'blocked' AND q.plan_id <> ? ORDER BY q.id LIMIT 1",
            (job.id, job.plan),
        ).fetchone()
        return str(row[0]) if row else None

    def hurry(self, job_ids: Iterable[int]) -> None:
        """Move jobs that interactive work waits for, with what they wait for, to the interactive lane."""
        for job_id in job_ids:
            self._connection.execute(
                f"UPDATE generation_queue SET lane = 'interactive', priority = 0 WHERE status IN {LIVE} "
                "AND priority > 0 AND "
                "(id = ?1 OR id IN (SELECT needs_id FROM dependencies WHERE job_id = ?1))",
                (job_id,),
            )
