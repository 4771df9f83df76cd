"""The row: what a job is written down as in `generation_queue`."""

import json
import sqlite3
from typing import Protocol

from protocol.plan import Lane
from services.keeper.lifecycle import Cells, Job
from services.keeper.schema import BULK_RANK

Row = tuple[object, ...]

COLUMNS = (
    "id, plan_id, step, kind, status, model_id, prompt, negative_prompt, quadrants, padding, scaffold, x, y, "
    "lane, priority, rank, place, suspended, deaths, attempt, max_attempts, not_before, token, "
    "lease_request, lease_worker, lease_expires_at, worker, doing, error_class, reason, limited, calls, "
    "cost, created_at, started_at, finished_at"
)
INSERT = f"INSERT INTO generation_queue ({COLUMNS}) VALUES ({', '.join('?' * len(COLUMNS.split(', ')))})"


PLACES = 20
"""Bits between the places of two jobs that came one after the other, so that others can be moved between."""


class Ranked(Protocol):
    """What has a place in a lane: a job, or a plan for all its jobs."""

    @property
    def lane(self) -> Lane: ...
    @property
    def priority(self) -> int: ...


def rank(job: Ranked) -> int:
    """What comes first, the lower: interactive before bulk, then the higher priority."""
    return (0 if job.lane == "interactive" else BULK_RANK) - job.priority


def place(job: Job) -> int:
    """Where a job stands within its rank: in the order of ids until somebody moves it."""
    return job.place or job.id << PLACES


def _cells(text: str) -> Cells:
    return tuple((x, y) for x, y in json.loads(text)) if text != "[]" else ()


def text(cells: Cells) -> str:
    """Quadrants as JSON."""
    # As json.dumps would write them, in a quarter of the time: a large plan has half a million.
    return f"[{', '.join([f'[{x}, {y}]' for x, y in cells])}]" if cells else "[]"


def row(job: Job) -> Row:
    """What a job is written down as."""
    return (
        job.id,
        job.plan,
        job.step,
        job.kind,
        job.state,
        job.model_id,
        job.prompt,
        job.negative_prompt,
        text(job.quadrants),
        text(job.padding),
        text(job.scaffold),
        job.x,
        job.y,
        job.lane,
        job.priority,
        rank(job),
        place(job),
        int(job.suspended),
        job.deaths,
        job.attempt,
        job.max_attempts,
        job.not_before,
        job.token,
        job.lease_request,
        job.lease_worker,
        job.lease_expires_at,
        job.worker,
        job.doing,
        job.error_class,
        job.reason,
        job.limited,
        job.calls,
        job.cost,
        job.created_at,
        job.started_at,
        job.finished_at,
    )


def job_of(row: sqlite3.Row) -> Job:
    """The job that a row is."""
    return Job(
        id=row["id"],
        plan=row["plan_id"],
        step=row["step"],
        kind=row["kind"],
        state=row["status"],
        lane=row["lane"],
        quadrants=_cells(row["quadrants"]),
        max_attempts=row["max_attempts"],
        created_at=row["created_at"],
        padding=_cells(row["padding"]),
        scaffold=_cells(row["scaffold"]),
        x=row["x"],
        y=row["y"],
        model_id=row["model_id"],
        prompt=row["prompt"],
        negative_prompt=row["negative_prompt"],
        priority=row["priority"],
        place=row["place"],
        suspended=bool(row["suspended"]),
        deaths=row["deaths"],
        attempt=row["attempt"],
        not_before=row["not_before"],
        token=row["token"],
        lease_request=row["lease_request"],
        lease_worker=row["lease_worker"],
        lease_expires_at=row["lease_expires_at"],
        worker=row["worker"],
        doing=row["doing"],
        error_class=row["error_class"],
        reason=row["reason"],
        limited=row["limited"],
        calls=row["calls"],
        cost=row["cost"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
    )
