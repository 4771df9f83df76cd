"""The listing: pages of jobs, each found in bounded time whatever is asked for among a million."""

import heapq
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from protocol.message import JobState
from protocol.order import Where
from services.keeper.lifecycle import Job
from services.keeper.row import COLUMNS, job_of
from services.keeper.tallies import STATES, Tallies

SCAN, CHUNK = 2_000, 500
"""Jobs that one request looks at one by one, where no index knows which are meant, and how many at a time."""
NEVER = 1 << 62
CLASSED: tuple[JobState, ...] = ("blocked", "pending", "error", "cancelled")
"""The states in which a job may have an error class."""


@dataclass(frozen=True)
class Page:
    """Some of the jobs meant."""

    jobs: list[Job]
    cursor: int
    """What to go on from; 0 if there are no more."""
    total: int
    at_least: bool
    """Whether `total` is only how many were found so far."""


class Listing:
    """Finds jobs in the order of their ids, from either end, or those that wait in the order of the line.

    States, models and plans are found in indexes and counted by the tallies. For all else jobs are looked
    at one by one, up to a bound: then a page may have few jobs, or none, and still not be the last.
    """

    def __init__(self, connection: sqlite3.Connection, tallies: Tallies) -> None:
        self._connection = connection
        self._tallies = tallies
        connection.create_function("has_text", 3, has_text, deterministic=True)

    def page(self, where: Where, *, cursor: int, limit: int, newest: bool) -> Page:
        """Up to `limit` of the jobs meant, behind id `cursor`."""
        total = self._total(where)
        looked = limit + 1 if total is not None else SCAN
        after = cursor or (NEVER if newest else 0)
        ids = heapq.merge(*self._streams(where, after, looked, newest), reverse=newest)
        jobs: list[Job] = []
        last = left = 0
        for _ in range(0, looked, CHUNK):
            chunk = list(islice(ids, min(CHUNK, looked)))
            jobs += self._meant(where, chunk, limit + 1 - len(jobs))
            last, left = chunk[-1] if chunk else last, len(chunk)
            if len(jobs) > limit or left < CHUNK:
                break
        if len(jobs) > limit:
            jobs = jobs[:limit]
            last, left = jobs[-1].id, CHUNK
        more = last if left == CHUNK else 0
        if total is None:
            return Page(jobs, more, len(jobs), bool(cursor or more))
        return Page(jobs, more, total, False)

    def line(self, where: Where, *, cursor: int, limit: int) -> Page:
        """Up to `limit` of the pending jobs meant, behind job `cursor`, in the order of handing out.

        Those of paused plans, which are not handed out, come behind all others, by id.
        """
        where = where.model_copy(update={"states": ["pending"]})
        total = self._total(where)
        looked = limit + 1 if total is not None and where.plan is None and where.kind is None else SCAN
        ids = list(islice(self._in_turn(where, cursor, looked), looked))
        jobs: list[Job] = []
        for first in range(0, len(ids), CHUNK):
            chunk = ids[first : first + CHUNK]
            nth = {job_id: i for i, job_id in enumerate(chunk)}
            jobs += sorted(self._meant(where, chunk, CHUNK), key=lambda job: nth[job.id])
            if len(jobs) > limit:
                break
        if len(jobs) > limit:
            jobs = jobs[:limit]
            more = jobs[-1].id
        else:
            more = ids[-1] if len(ids) == looked else 0
        if total is None:
            return Page(jobs, more, len(jobs), bool(cursor or more))
        return Page(jobs, more, total, False)

    def _in_turn(self, where: Where, cursor: int, limit: int) -> Iterator[int]:
        after = self._connection.execute(
            "SELECT rank, deaths, place, id, suspended FROM generation_queue WHERE id = ?", (cursor,)
        ).fetchone()
        if after is None or not after[4]:
            behind, values = (
                ("1", ()) if after is None else ("(rank, deaths, place, id) > (?, ?, ?, ?)", after[:4])
            )
            index = "queue_order"
            if where.model_id is not None:
                # Renders and palettes are of no model.
                index, behind = "queue_turn_of_model", f"kind = 'generate' AND model_id = ? AND {behind}"
                values = (where.model_id, *values)
            rows = self._connection.execute(
                f"SELECT id FROM generation_queue INDEXED BY {index} WHERE status = 'pending' "
                f"AND suspended = 0 AND {behind} ORDER BY rank, deaths, place, id LIMIT ?",
                (*values, limit),
            )
            yield from (row[0] for row in rows)
        paused = self._connection.execute("SELECT id FROM plans WHERE paused = 1").fetchall()
        yield from heapq.merge(
            *(
                self._ids(
                    "plan_id = ? AND status = 'pending' AND suspended = 1",
                    (plan[0],),
                    "queue_of_plan",
                    after[3] if after is not None and after[4] else 0,
                    limit,
                    False,
                )
                for plan in paused
            )
        )

    def _total(self, where: Where) -> int | None:
        """How many jobs are meant, if the tallies know."""
        if where.error_class or where.text or where.held:
            return None
        if where.plan is not None:
            if where.model_id is not None:
                return None
            return self._tallies.of_plan(where.plan, states=where.states, kind=where.kind)
        if where.kind in ("render", "palette") or (where.kind == "generate" and where.model_id == ""):
            return None
        return sum(
            jobs
            for state, model_id, jobs in self._tallies.queue()
            if (not where.states or state in where.states)
            and (where.model_id is None or model_id == where.model_id)
            and (where.kind is None or model_id)
        )

    def _streams(self, where: Where, after: int, scan: int, newest: bool) -> list[Iterator[int]]:
        """Ids in order, from each part of an index that holds jobs that may be meant."""
        states = set(where.states)
        if where.error_class:
            states = (states or set(CLASSED)) & set(CLASSED)
        if where.held:
            if states and "blocked" not in states:
                return []
            if where.plan is None:
                return [self._ids("held = 1", (), "queue_held_all", after, scan, newest)]
            return [self._ids("held = 1 AND plan_id = ?", (where.plan,), "queue_held", after, scan, newest)]
        if where.plan is not None:
            return [
                self._ids(
                    "plan_id = ? AND status = ?", (where.plan, state), "queue_of_plan", after, scan, newest
                )
                for state in STATES
                if not states or state in states
            ]
        return [
            self._ids("status = ? AND model_id = ?", (state, model), "queue_counts", after, scan, newest)
            for state, model, _ in self._tallies.queue()
            if (not states or state in states)
            and (where.model_id is None or model == where.model_id)
            and (where.kind is None or bool(model) == (where.kind == "generate"))
        ]

    def _ids(
        self, where: str, values: tuple[object, ...], index: str, after: int, scan: int, newest: bool
    ) -> Iterator[int]:
        way, order = ("<", "DESC") if newest else (">", "ASC")
        rows = self._connection.execute(
            f"SELECT id FROM generation_queue INDEXED BY {index} WHERE {where} AND id {way} ? "
            f"ORDER BY id {order} LIMIT ?",
            (*values, after, scan),
        )
        return (row[0] for row in rows)

    def _meant(self, where: Where, ids: list[int], limit: int) -> list[Job]:
        """The first of these jobs that are meant."""
        conditions: list[str] = ["1"]
        values: list[object] = [json.dumps(ids)]
        for column, wanted in (
            ("kind", where.kind),
            ("model_id", where.model_id),
            ("plan_id", where.plan),
            ("error_class", where.error_class),
        ):
            if wanted is not None:
                conditions.append(f"{column} = ?")
                values.append(wanted)
        if where.states:
            conditions.append("status IN (SELECT value FROM json_each(?))")
            values.append(json.dumps(where.states))
        if where.text is not None:
            conditions.append("has_text(prompt, reason, ?)")
            values.append(where.text.casefold())
        rows = self._connection.execute(
            # Joined in this order, job by job as they are given: else SQLite may walk through a whole plan.
            f"SELECT {COLUMNS} FROM (SELECT value AS wanted FROM json_each(?)) "
            "CROSS JOIN generation_queue ON id = wanted "
            f"WHERE {' AND '.join(conditions)} LIMIT ?",
            (*values, limit),
        )
        return [job_of(row) for row in rows]


def has_text(prompt: str, reason: str, folded: str) -> bool:
    """Whether a text stands in either, whatever the case of its letters. An SQL function."""
    return folded in prompt.casefold() or folded in reason.casefold()
