"""Turns: which job is handed out next."""

import sqlite3
from collections.abc import Collection, Mapping, Sequence

from protocol.message import JobKind
from services.keeper.halts import Halts
from services.keeper.lifecycle import Job
from services.keeper.queue import Queue

ORDER = "rank, deaths, place, id"
_WAITING = "status = 'pending' AND suspended = 0 AND kind = ?"
MARKS = 4
"""How often one look marks jobs of paused plans before it comes to nothing: some hundredths of a second."""

Found = tuple[int, int, int, int, str, str]
"""Rank, deaths, place, id, model and plan of a job."""


class Turns:
    """The order of handing out: interactive before bulk, the higher priority, then the one that came first.

    What workers died of, or seem to, goes behind the rest of its rank: it must not kill every next worker
    before that has done anything else. Each look takes microseconds, whatever is paused, limited or full.
    """

    def __init__(self, connection: sqlite3.Connection, queue: Queue, halts: Halts) -> None:
        self._connection = connection
        self._queue = queue
        self._halts = halts

    def next(self, kinds: Collection[JobKind], now: float, limits: Mapping[str, int]) -> Job | None:
        """The job to hand out at this moment of the steady clock.

        `limits` says of which models only so many jobs may be in workers' hands at once.
        """
        for _ in range(MARKS):
            looks = [look for kind in set(kinds) if (look := self._first(kind, now, limits)) is not None]
            if not looks:
                return None
            found, index, where, values = min(looks)
            if not self._halts.holds(found[5]):
                return self._queue.get(found[3])
            self._halts.mark_ahead(index, where, values, found[:4])
        return None

    def _first(
        self, kind: JobKind, now: float, limits: Mapping[str, int]
    ) -> tuple[Found, str, str, Sequence[object]] | None:
        """The first job of a kind that may be handed out, and how it was looked for."""
        found = self._look("queue_turn", _WAITING, (kind,), now)
        if found is None or kind != "generate" or self._is_open(found[4], now, limits):
            return found and (found, "queue_turn", _WAITING, (kind,))
        # One look for each model: the jobs of one that is shut may lie before all others by the thousand.
        where = f"{_WAITING} AND model_id = ?"
        looks = [
            (found, "queue_turn_of_model", where, (kind, model))
            for model in self._open_models(now, limits)
            if (found := self._look("queue_turn_of_model", where, (kind, model), now)) is not None
        ]
        return min(looks, default=None)

    def _look(self, index: str, where: str, values: Sequence[object], now: float) -> Found | None:
        row = self._connection.execute(
            f"SELECT {ORDER}, model_id, plan_id FROM generation_queue INDEXED BY {index} "
            f"WHERE {where} AND not_before <= ? ORDER BY {ORDER} LIMIT 1",
            (*values, now),
        ).fetchone()
        return None if row is None else tuple(row)

    def _is_open(self, model_id: str, now: float, limits: Mapping[str, int]) -> bool:
        limit = limits.get(model_id)
        if limit is not None and self._in_hands().get(model_id, 0) >= limit:
            return False
        return self._halts.throttle(model_id).open(now)

    def _open_models(self, now: float, limits: Mapping[str, int]) -> list[str]:
        """The models that have pending jobs, less those that may not be called and those that are full."""
        in_hands = self._in_hands()
        rows = self._connection.execute(
            "SELECT t.model_id FROM queue_tally t LEFT JOIN models m ON m.model_id = t.model_id "
            "WHERE t.status = 'pending' AND t.jobs > 0 AND t.model_id <> '' "
            "AND (m.model_id IS NULL OR (m.paused = 0 AND m.until <= ?))",
            (now,),
        )
        return [model for (model,) in rows if in_hands.get(model, 0) < limits.get(model, 1 << 30)]

    def _in_hands(self) -> dict[str, int]:
        rows = self._connection.execute(
            "SELECT model_id, jobs FROM queue_tally WHERE status = 'processing' AND jobs > 0"
        )
        return {row[0]: row[1] for row in rows}
