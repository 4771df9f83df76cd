"""The backlog: the place of a job in the line, what lies before it, and what it waits for."""

import json
import sqlite3
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from protocol.message import JobKind
from services.keeper.lifecycle import Job
from services.keeper.row import place, rank

WALK = 20_000
"""Jobs that are counted one by one to say what lies before others; beyond, all that waits does."""
HOPS, FEWEST_HOPS, ALL_HOPS = 48, 4, 2_000
"""Steps back along what a job waits for: at most, at least, and of all jobs that are asked for at once."""

Sort = tuple[JobKind, str]
"""Kind and model of a job: what its pace depends on."""


@dataclass
class Ahead:
    """The work that is to be done before a job."""

    before: Counter[Sort] = field(default_factory=Counter)
    """Jobs before it in its line that have not begun and can go on."""
    chain: list[Sort] = field(default_factory=list)
    """Jobs one after the other that it waits for; the last is its nearest."""
    stretch: float = 1.0
    """By how much the chain is longer than was looked at."""


class Backlog:
    """Counts in indexes, for many jobs in one walk."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def positions(self, jobs: Sequence[Job]) -> dict[int, int]:
        """The place of each pending job in the order of handing out, from 1."""
        found: dict[int, int] = {}
        nth, last = 0, (-(1 << 60), 0, 0, 0)
        for turn, job_id in sorted(((rank(job), job.deaths, place(job), job.id), job.id) for job in jobs):
            nth += self._connection.execute(
                "SELECT count(*) FROM generation_queue INDEXED BY queue_order WHERE status = 'pending' "
                "AND suspended = 0 AND (rank, deaths, place, id) > (?, ?, ?, ?) "
                "AND (rank, deaths, place, id) <= (?, ?, ?, ?)",
                (*last, *turn),
            ).fetchone()[0]
            found[job_id], last = nth, turn
        return found

    def ahead(self, jobs: Sequence[Job], waiting: Counter[Sort]) -> dict[int, Ahead]:
        """What lies before each of these jobs, if `waiting` is all that waits anywhere."""
        rows = self._connection.execute(
            "SELECT rank, place, kind, model_id FROM generation_queue INDEXED BY queue_lane "
            "WHERE status IN ('pending', 'blocked') AND held = 0 AND suspended = 0 "
            "AND (rank, place) < (?, ?) ORDER BY rank, place LIMIT ?",
            (*max(((rank(job), place(job)) for job in jobs), default=(0, 0)), WALK),
        ).fetchall()
        places = [(row[0], row[1]) for row in rows]
        found: dict[int, Ahead] = {}
        before: Counter[Sort] = Counter()
        counted = 0
        for turn, job in sorted(((rank(job), place(job)), job) for job in jobs):
            until = bisect_left(places, turn)
            before.update((row[2], row[3]) for row in rows[counted:until])
            counted = max(counted, until)
            beyond = len(rows) == WALK and turn > places[-1]
            found[job.id] = Ahead(Counter(waiting) if beyond else Counter(before))
        blocked = [job.id for job in jobs if job.state == "blocked"]
        for job_id, chain in self._chains(blocked).items():
            found[job_id].chain = [sort for sort, _ in chain]
            if len(chain) == self._hops(len(blocked)):
                # A longer chain has its jobs as far apart as those that were looked at.
                passed = job_id - chain[-1][1]
                first = self._first_left(job_id)
                found[job_id].stretch = max(1.0, (job_id - first) / passed) if passed > 0 else 1.0
        return found

    def last_left(self, plan_ids: Sequence[str]) -> dict[str, int]:
        """The last job of each plan that can still go on, as far as that is found quickly."""
        found: dict[str, int] = {}
        for state in ("blocked", "pending", "processing"):
            rows = self._connection.execute(
                "SELECT p.value, (SELECT max(id) FROM (SELECT id, held FROM generation_queue "
                "INDEXED BY queue_of_plan WHERE plan_id = p.value AND status = ? ORDER BY id DESC LIMIT 50) "
                "WHERE held = 0) FROM json_each(?) p",
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

    def _first_left(self, job_id: int) -> int:
        """The first job of the same plan that has not ended."""
        row = self._connection.execute(
            "SELECT min(first) FROM (SELECT (SELECT min(q.id) FROM generation_queue q "
            "INDEXED BY queue_of_plan WHERE q.status = s.value "
            "AND q.plan_id = (SELECT plan_id FROM generation_queue WHERE id = ?)) "
            'AS first FROM json_each(\'["blocked", "pending", "processing"]\') s)',
            (job_id,),
        ).fetchone()
        return int(row[0] or job_id)
