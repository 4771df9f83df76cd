"""Lanes: where jobs stand among the others of their rank, and the room between them."""

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from protocol.plan import Lane
from services.keeper.row import PLACES
from services.keeper.schema import BULK_RANK

FAR = 1 << PLACES
"""Between two jobs that nobody has moved."""
STANDING = "status IN ('pending', 'blocked')"


@dataclass(frozen=True)
class Stand:
    """Where one job stands."""

    id: int
    rank: int
    place: int


class Lanes:
    """Every pending or blocked job, by rank and place."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def end(self, lane: Lane, *, back: bool) -> Stand | None:
        """The first or the last of a lane."""
        way = "DESC" if back else "ASC"
        side = "<" if lane == "interactive" else ">="
        found = self._stands(f"rank {side} ?", (BULK_RANK // 2,), f"rank {way}, place {way}, id {way}", 1)
        return found[0] if found else None

    def ahead(self, rank: int, place: int, *, but: Collection[int]) -> Stand | None:
        """Who stands right before a place, some jobs apart."""
        found = self._stands("rank = ? AND place < ?", (rank, place), "place DESC, id DESC", len(but) + 1)
        return next((stand for stand in found if stand.id not in but), None)

    def behind(self, rank: int, place: int, *, but: Collection[int], limit: int) -> list[Stand]:
        """Who stands at a place and behind it, some jobs apart."""
        found = self._stands("rank = ? AND place >= ?", (rank, place), "place, id", limit + len(but))
        return [stand for stand in found if stand.id not in but]

    def put(self, job_id: int, place: int) -> None:
        """Move one job among those of its rank."""
        self._connection.execute("UPDATE generation_queue SET place = ? WHERE id = ?", (place, job_id))

    def _stands(self, where: str, values: Sequence[object], order: str, limit: int) -> list[Stand]:
        rows = self._connection.execute(
            "SELECT id, rank, place FROM generation_queue INDEXED BY queue_lane "
            f"WHERE {STANDING} AND {where} ORDER BY {order} LIMIT ?",
            (*values, limit),
        )
        return [Stand(row[0], row[1], row[2]) for row in rows]


def between(low: int, high: int, count: int) -> list[int] | None:
    """So many places between two others, as far apart as can be; None if there is no room for them."""
    step = (high - low) // (count + 1)
    if step < 2:
        return None
    # 0 is what a job has that has no place yet.
    return [low + step * nth or 1 for nth in range(1, count + 1)]
