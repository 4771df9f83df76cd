"""The remainders: what plans have still to do, read step by step."""

import json
import sqlite3
from collections.abc import Collection, Sequence

from services.keeper.lifecycle import Job
from services.keeper.queue import Queue

_LEFT = "('blocked', 'pending', 'processing', 'error')"


class Remainders:
    """The SQL of exports. A step that waits behind one that was called off or is not legal is none."""

    def __init__(self, connection: sqlite3.Connection, queue: Queue) -> None:
        self._connection = connection
        self._queue = queue

    def next_plan(self, after: int) -> tuple[int, str] | None:
        """The first plan behind a place in their order that has not settled, with its place."""
        row = self._connection.execute(
            "SELECT rowid, id FROM plans INDEXED BY plans_open WHERE settled = 0 AND rowid > ? "
            "ORDER BY rowid LIMIT 1",
            (after,),
        ).fetchone()
        return (row[0], row[1]) if row else None

    def place(self, plan_id: str) -> int:
        """The place of a plan in their order."""
        row = self._connection.execute("SELECT rowid FROM plans WHERE id = ?", (plan_id,)).fetchone()
        return int(row[0]) if row else 0

    def is_entering(self, plan_id: str) -> bool:
        """Whether some of the plan's jobs are not in the queue yet."""
        row = self._connection.execute("SELECT staged <> '' FROM plans WHERE id = ?", (plan_id,)).fetchone()
        return bool(row and row[0])

    def repairing(self, plan_id: str) -> set[tuple[int, int]]:
        """The finished quadrants that the plan has still to draw anew."""
        rows = self._connection.execute(
            "SELECT r.x, r.y FROM repairs r CROSS JOIN tiles t ON t.layer = r.layer AND t.x = r.x "
            "AND t.y = r.y CROSS JOIN tile_versions v ON v.version = t.version "
            "WHERE r.plan_id = ? AND v.plan_id <> r.plan_id",
            (plan_id,),
        )
        return {(row[0], row[1]) for row in rows}

    def texts(self, plan_id: str) -> tuple[str, str]:
        """The prompts of the plan's first model call, which most of its others share."""
        row = self._connection.execute(
            "SELECT prompt, negative_prompt FROM generation_queue WHERE id = (SELECT min(id) FROM "
            "(SELECT min(id) AS id FROM generation_queue WHERE plan_id = ?1 AND kind = 'generate' "
            "GROUP BY status))",
            (plan_id,),
        ).fetchone()
        return (row[0], row[1]) if row else ("", "")

    def dropped(self, plan_id: str) -> set[int]:
        """The plan's blocked model calls that would not be legal, or wait behind what nobody will draw."""
        rows = self._connection.execute(
            "WITH RECURSIVE behind (id) AS ("
            "SELECT id FROM generation_queue INDEXED BY queue_of_plan "
            "WHERE plan_id = ?1 AND status IN ('cancelled', 'blocked') AND kind = 'generate' "
            "AND (status = 'cancelled' OR held = 1 AND error_class = 'seam') "
            "UNION SELECT q.id FROM behind b CROSS JOIN dependencies d ON d.needs_id = b.id "
            "CROSS JOIN generation_queue q ON q.id = d.job_id "
            "WHERE q.plan_id = ?1 AND q.status IN ('blocked', 'error') AND q.kind = 'generate') "
            "SELECT id FROM behind",
            (plan_id,),
        )
        return {row[0] for row in rows}

    def calls(self, plan_id: str, after: int, limit: int) -> list[Job]:
        """The next model calls of a plan that have not ended, candidates apart: they are for this map."""
        found: list[int] = []
        for state in ("blocked", "pending", "processing", "error"):
            rows = self._connection.execute(
                "SELECT id FROM (SELECT id, kind, candidate FROM generation_queue INDEXED BY queue_of_plan "
                "WHERE plan_id = ? AND status = ? AND id > ? ORDER BY id) "
                "WHERE kind = 'generate' AND candidate = 0 LIMIT ?",
                (plan_id, state, after, limit),
            )
            found += [row[0] for row in rows]
        return self._queue.among(sorted(found)[:limit])

    def priority(self, plan_id: str) -> int:
        """The priority of a job that is left: a plan says it once for all its steps."""
        row = self._connection.execute(
            f"SELECT priority FROM generation_queue WHERE plan_id = ? AND status IN {_LEFT} LIMIT 1",
            (plan_id,),
        ).fetchone()
        return int(row[0]) if row else 0

    def renders(self, plan_id: str) -> dict[str, list[tuple[int, int]]]:
        """The quadrants of render steps that were asked for, not of those that model calls brought along."""
        rows = self._connection.execute(
            f"SELECT step, quadrants FROM generation_queue WHERE plan_id = ? AND status IN {_LEFT} "
            "AND kind = 'render' AND step NOT LIKE 'render:%'",
            (plan_id,),
        )
        found: dict[str, list[tuple[int, int]]] = {}
        for step, quadrants in rows:
            found.setdefault(step, []).extend((x, y) for x, y in json.loads(quadrants))
        return found

    def needed(self, jobs: Sequence[int], but: Collection[int]) -> dict[int, list[str]]:
        """The steps of the same plan that each of these jobs has still to wait for."""
        rows = self._connection.execute(
            "SELECT d.job_id, n.id, n.step FROM json_each(?) r "
            "CROSS JOIN dependencies d ON d.job_id = r.value "
            "CROSS JOIN generation_queue n ON n.id = d.needs_id "
            "CROSS JOIN generation_queue q ON q.id = d.job_id "
            f"WHERE n.plan_id = q.plan_id AND n.status IN {_LEFT} "
            "AND (n.kind = 'generate' OR n.kind = 'render' AND n.step NOT LIKE 'render:%') "
            "ORDER BY d.job_id, n.id",
            (json.dumps(list(jobs)),),
        )
        found: dict[int, list[str]] = {}
        for job_id, needed, step in rows:
            if needed not in but and step not in found.setdefault(job_id, []):
                found[job_id].append(step)
        return found
