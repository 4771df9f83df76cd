"""Turns: which job is handed out next."""

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from protocol.message import JobKind
from services.keeper.halts import PAUSED, Halts
from services.keeper.lifecycle import Job
from services.keeper.row import COLUMNS, job_of, place, rank

_WAITING = "status = 'pending' AND suspended = 0 AND kind = ?"
MARKS = 4
"""How often one look marks jobs of paused plans before it comes to nothing: some hundredths of a second."""


OPEN, ONE_AT_A_TIME, SHUT = 0, 1, 2

_SHUT = "(m.paused = 1 OR m.shut = 1 OR max(m.until, m.resting, m.paced) > ?)"
_GATE = (
    f"(SELECT CASE WHEN {_SHUT} THEN {SHUT} WHEN m.trips > 0 THEN {ONE_AT_A_TIME} ELSE {OPEN} END "
    "FROM models m WHERE m.model_id = generation_queue.model_id)"
)


@dataclass(frozen=True)
class Found:
    """The first job of an index, and how it was looked for."""

    job: Job
    halted: bool
    """Whether its plan is paused."""
    capped: bool
    """Whether its plan may only cost so much."""
    gate: int
    """Whether its model may be called at this moment: OPEN, one job at a time, or SHUT."""
    index: str
    where: str
    values: Sequence[object]


class Turns:
    """The order of handing out: interactive before bulk, the higher priority, then the one that came first.

    What workers died of, or seem to, goes behind the rest of its rank: it must not kill every next worker
    before that has done anything else. Each look takes microseconds, whatever is paused, limited or full.
    """

    def __init__(self, connection: sqlite3.Connection, halts: Halts) -> None:
        self._connection = connection
        self._halts = halts

    def next(self, kinds: Collection[JobKind], now: float, limits: Mapping[str, int]) -> Found | None:
        """The job to hand out at this moment of the steady clock, as it was found.

        `limits` says of which models only so many jobs may be in workers' hands at once.
        """
        for _ in range(MARKS):
            found = _first(self._of_kind(kind, now, limits) for kind in set(kinds))
            if found is None:
                return None
            if not found.halted:
                return found
            self._halts.mark_ahead(found.index, found.where, found.values, turn(found.job))
        return None

    def _of_kind(self, kind: JobKind, now: float, limits: Mapping[str, int]) -> Found | None:
        """The first job of a kind that may be handed out."""
        found = self._look("queue_turn", _WAITING, (kind,), now)
        if found is None or kind != "generate" or not self._is_held(found, limits):
            return found
        # One look for each model: the jobs of one that is shut may lie before all others by the thousand.
        where = f"{_WAITING} AND model_id = ?"
        return _first(
            self._look("queue_turn_of_model", where, (kind, model), now)
            for model in self._open_models(now, limits)
        )

    def _look(self, index: str, where: str, values: Sequence[object], now: float) -> Found | None:
        row = self._connection.execute(
            f"SELECT {COLUMNS}, (SELECT (p.paused = {PAUSED}) + 2 * (p.cost_cap IS NOT NULL) FROM plans p "
            f"WHERE p.id = generation_queue.plan_id), {_GATE} "
            f"FROM generation_queue INDEXED BY {index} "
            f"WHERE {where} AND not_before <= ? ORDER BY rank, deaths, place, id LIMIT 1",
            (now, *values, now),
        ).fetchone()
        if row is None:
            return None
        plan = row[-2] or 0
        return Found(job_of(row), bool(plan & 1), bool(plan & 2), row[-1] or OPEN, index, where, values)

    def _is_held(self, found: Found, limits: Mapping[str, int]) -> bool:
        if found.gate == SHUT:
            return True
        model = found.job.model_id
        limit = 1 if found.gate == ONE_AT_A_TIME else limits.get(model)
        return limit is not None and self._in_hands().get(model, 0) >= limit

    def _open_models(self, now: float, limits: Mapping[str, int]) -> list[str]:
        """The models that have pending jobs, less those that may not be called and those that are full."""
        in_hands = self._in_hands()
        rows = self._connection.execute(
            "SELECT t.model_id, m.trips > 0 FROM queue_tally t LEFT JOIN models m ON m.model_id = t.model_id "
            "WHERE t.status = 'pending' AND t.jobs > 0 AND t.model_id <> '' "
            f"AND (m.model_id IS NULL OR NOT {_SHUT})",
            (now,),
        )
        return [
            model
            for model, one in rows
            if in_hands.get(model, 0) < (1 if one else limits.get(model, 1 << 30))
        ]

    def _in_hands(self) -> dict[str, int]:
        rows = self._connection.execute(
            "SELECT model_id, jobs FROM queue_tally WHERE status = 'processing' AND jobs > 0"
        )
        return {row[0]: row[1] for row in rows}


def turn(job: Job) -> tuple[int, int, int, int]:
    """What the order of handing out goes by, the lowest first."""
    return rank(job), job.deaths, place(job), job.id


def _first(looks: Iterable[Found | None]) -> Found | None:
    return min(
        (found for found in looks if found is not None), key=lambda found: turn(found.job), default=None
    )
