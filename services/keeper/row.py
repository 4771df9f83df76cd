"""The row: what a job is written down as in `generation_queue`."""

import json
import sqlite3
from collections.abc import Sequence
from operator import itemgetter
from typing import Protocol

from protocol.plan import Lane
from services.keeper.drafted import Drafted, DraftedRender
from services.keeper.lifecycle import Cells, Job
from services.keeper.schema import BULK_RANK

Row = tuple[object, ...]

COLUMNS = (
    "id, plan_id, step, kind, status, model_id, prompt, negative_prompt, layer, input_layer, quadrants, "
    "padding, scaffold, x, y, candidate, seed, lane, priority, rank, place, suspended, deaths, attempt, "
    "max_attempts, not_before, token, lease_request, lease_worker, lease_expires_at, worker, doing, "
    "error_class, reason, limited, calls, cost, handle, reserved, presumed, retold, created_at, "
    "started_at, finished_at"
)
INSERT = f"INSERT INTO generation_queue ({COLUMNS}) VALUES ({', '.join('?' * len(COLUMNS.split(', ')))})"
_FIELD_OF = {"plan_id": "plan", "status": "state"}
"""What a job calls its columns, where that is another word."""
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


def untouched(*, max_attempts: int, created_at: float) -> Row:
    """What is written down behind the place of a job that nobody has begun."""
    return (*_TO_ATTEMPTS, max_attempts, *_TO_CREATED, created_at, *_TO_THE_END)


_decoded = json.JSONDecoder().raw_decode


def _cells(text: str) -> Cells:
    return tuple(map(tuple, _decoded(text)[0])) if text != "[]" else ()


def text(cells: Sequence[tuple[int, int]]) -> str:
    """Quadrants as JSON."""
    # As json.dumps would write them, in a quarter of the time: a large plan has half a million.
    return f"[{', '.join([f'[{x}, {y}]' for x, y in cells])}]" if cells else "[]"


def fresh(id: int, job: Drafted | DraftedRender, plan: str, turn: Row, quadrants: str, rest: Row) -> Row:
    """What a drafted job is written down as, COLUMNS in their order.

    What all jobs of its plan have in common is given: `turn` are lane, priority and rank, `rest` is what is
    behind the place.
    """
    return (
        id,
        plan,
        job.step,
        job.kind,
        job.state,
        job.model_id,
        job.prompt,
        job.negative_prompt,
        job.layer,
        job.input_layer,
        quadrants,
        text(job.padding),
        text(job.scaffold),
        job.x,
        job.y,
        int(job.candidate),
        job.seed,
        *turn,
        id << PLACES,
        *rest,
    )


def row(job: Job) -> Row:
    """What a job is written down as."""
    told = job._asdict() | {
        "quadrants": text(job.quadrants),
        "padding": text(job.padding),
        "scaffold": text(job.scaffold),
        "rank": rank(job),
        "place": place(job),
        "candidate": int(job.candidate),
        "suspended": int(job.suspended),
    }
    return tuple(told[_FIELD_OF.get(name, name)] for name in COLUMNS.split(", "))


def job_of(row: sqlite3.Row) -> Job:
    """The job that a row is."""
    values = list(_BY_FIELD(row))
    for nth in _CELLS:
        values[nth] = _cells(values[nth])
    for nth in _FLAGS:
        values[nth] = bool(values[nth])
    return Job(*values)


# By position: to look up each column by its name takes longer than all the rest.
_NAMED = {field: name for name, field in _FIELD_OF.items()}
_FIELDS = list(Job._fields)
_BY_FIELD = itemgetter(*(COLUMNS.split(", ").index(_NAMED.get(name, name)) for name in _FIELDS))
_CELLS = [_FIELDS.index(name) for name in ("quadrants", "padding", "scaffold")]
_FLAGS = [_FIELDS.index(name) for name in ("candidate", "suspended")]

_FRESH = row(Job(0, "", "", "generate", "pending", "bulk", (), 0, 0.0))
_PLACE, _ATTEMPTS, _CREATED = (
    COLUMNS.split(", ").index(name) for name in ("place", "max_attempts", "created_at")
)
_TO_ATTEMPTS, _TO_CREATED = _FRESH[_PLACE + 1 : _ATTEMPTS], _FRESH[_ATTEMPTS + 1 : _CREATED]
_TO_THE_END = _FRESH[_CREATED + 1 :]
