"""The backlog: the place of a job in the line, what lies before it, and what it waits for."""

import json
import sqlite3
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from protocol.message import JobKind
from services.keeper.lifecycle import Job
from services.keeper.line import Line
from services.keeper.row import place, rank
from services.keeper.turns import turn

HOPS, FEWEST_HOPS, ALL_HOPS = 48, 2, 300
"""Steps back along what a job waits for: at most, at least, and of all jobs that are asked for at once."""

Sort = tuple[JobKind, str]
"""Kind and model of a job: what its pace depends on."""


@dataclass
class Ahead:
    """The work that is to be done before a job."""

    before: Mapping[Sort, int] = field(default_factory=dict)
    """Jobs before it in its line that have not begun and can go on."""
    chain: list[Sort] = field(default_factory=list)
    """Jobs one after the other that it waits for; the last is its nearest."""
    stretch: float = 1.0
    """By how much the chain is longer than was looked at."""


class Backlog:
    """Counts in indexes, for many jobs in one walk."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._line = Line(connection)

    def positions(self, jobs: Sequence[Job]) -> dict[int, int]:
        """The place of each pending job in the order of handing out, from 1; far back about that place."""
        if not jobs:
            return {}
        return self._line.positions([turn(job) for job in jobs], self._tallied(("pending",)))

    def ahead(self, jobs: Sequence[Job], waiting: Counter[Sort]) -> dict[int, Ahead]:
        """What lies before each of these jobs, if `waiting` is all that waits anywhere."""
        edge = self._line.edge(sum(waiting.values()))
        found: dict[int, Ahead] = {}
        for kind, of_kind in groupby(sorted(jobs, key=lambda job: job.kind), lambda job: job.kind):
            models = [model for other, model in waiting if other == kind]
            stands = sorted((rank(job), 0, place(job), job.id) for job in of_kind)
            counted = bisect_right(stands, edge.turn) if edge else len(stands)
            asked = [(stand[0], stand[2]) for stand in stands[:counted]]
            if edge is not None and counted < len(stands):
                asked.append((edge.turn[0], edge.turn[2]))
            work = self._line.work(kind, models, asked)
            for stand, before in zip(stands, work, strict=False):
                found[stand[3]] = Ahead({(kind, model): n for model, n in before.items()})
            for stand in stands[counted:]:
                assert edge is not None
                share, near = edge.share(stand), work[-1]
                found[stand[3]] = Ahead(
                    {
                        (kind, model): n + round(share * max(0, waiting[kind, model] - n))
                        for model, n in near.items()
                    }
                )
        blocked = [job for job in jobs if job.state == "blocked"]
        first_left: dict[str, int] = {}
        plans = {job.id: job.plan for job in blocked}
        for job_id, chain in self._chains(list(plans)).items():
            found[job_id].chain = [sort for sort, _ in chain]
            if len(chain) == self._hops(len(blocked)):
                # A longer chain has its jobs as far apart as those that were looked at.
                plan, passed = plans[job_id], job_id - chain[-1][1]
                if plan not in first_left:
                    first_left[plan] = self._first_left(plan)
                found[job_id].stretch = max(1.0, (job_id - first_left[plan]) / passed) if passed > 0 else 1.0
        return found

    def last_left(self, plan_ids: Sequence[str]) -> dict[str, int]:
        """The last job of each plan that can still go on, as far as that is found quickly."""
        found: dict[str, int] = {}
        for state in ("blocked", "pending", "processing"):
            rows = self._connection.execute(
                "SELECT p.value, (SELECT id FROM (SELECT id, held FROM generation_queue "
                "INDEXED BY queue_of_plan WHERE plan_id = p.value AND status = ? ORDER BY id DESC LIMIT 50) "
                "WHERE held = 0 LIMIT 1) FROM json_each(?) p",
                (state, json.dumps(list(plan_ids))),
            )
            for plan_id, job_id in rows:
                if job_id is not None:
                    found[plan_id] = max(found.get(plan_id, 0), job_id)
        return found

    def _chains(self, job_ids: Sequence[int]) -> dict[int, list[tuple[Sort, int]]]:
        """Back from each job along the latest of what it still waits for: each with its id."""
        found: dict[int, list[tuple[Sort, int]]] = {}
        if not job_ids:
            return found
        rows = self._connection.execute(
            "WITH RECURSIVE back (root, id, hops) AS (SELECT value, value, 0 FROM json_each(?) UNION ALL "
            "SELECT b.root, (SELECT max(n.id) FROM dependencies d CROSS JOIN generation_queue n "
            "ON n.id = d.needs_id WHERE d.job_id = b.id "
            "AND n.status IN ('blocked', 'pending', 'processing')), b.hops + 1 FROM back b "
            "WHERE b.id IS NOT NULL AND b.hops < ?) "
            "SELECT b.root, q.kind, q.model_id, q.id FROM back b "
            "CROSS JOIN generation_queue q ON q.id = b.id WHERE b.hops > 0 ORDER BY b.root, b.hops",
            (json.dumps(job_ids), self._hops(len(job_ids))),
        )
        for root, kind, model_id, job_id in rows:
            found.setdefault(root, []).append(((kind, model_id), job_id))
        return found

    def _hops(self, jobs: int) -> int:
        return max(FEWEST_HOPS, min(HOPS, ALL_HOPS // jobs))

    def _first_left(self, plan_id: str) -> int:
        """The first job of a plan that has not ended."""
        row = self._connection.execute(
            "SELECT min(first) FROM (SELECT (SELECT min(q.id) FROM generation_queue q "
            "INDEXED BY queue_of_plan WHERE q.status = s.value AND q.plan_id = ?) "
            'AS first FROM json_each(\'["blocked", "pending", "processing"]\') s)',
            (plan_id,),
        ).fetchone()
        return int(row[0])

    def _tallied(self, states: Sequence[str]) -> int:
        row = self._connection.execute(
            "SELECT total(jobs) FROM queue_tally WHERE status IN (SELECT value FROM json_each(?))",
            (json.dumps(states),),
        ).fetchone()
        return int(row[0])
