"""The line: how many stand before a job, counted in indexes up to a bound, and reckoned from there on."""

import json
import sqlite3
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from protocol.message import JobKind

COUNTED, WEIGHED = 10_000, 4_000
"""Jobs from the front that are counted, and whose work is; beyond, places say about how many stand before."""
LOOKS = 150
"""Counts of one question: where there are more, neighbours in the line are given the same."""
FRONT = -(1 << 62)

_PENDING = (
    "(SELECT count(*) FROM generation_queue INDEXED BY queue_order "
    "WHERE status = 'pending' AND suspended = 0 AND {})"
)
_WORK = (
    "(SELECT count(*) FROM generation_queue INDEXED BY queue_turn_of_model WHERE status = 'pending' "
    "AND suspended = 0 AND kind = ?1 AND model_id = m.value AND {0}) + "
    "(SELECT count(*) FROM generation_queue INDEXED BY queue_blocked WHERE status = 'blocked' AND held = 0 "
    "AND kind = ?1 AND model_id = m.value AND {1})"
)

Turn = tuple[int, int, int, int]
"""Rank, deaths, place and id of a job."""


@dataclass(frozen=True)
class Edge:
    """Up to where is counted."""

    turn: Turn
    last: int
    """The last place of that rank."""

    def share(self, turn: Turn) -> float:
        """About how much of all that stands behind the edge stands before a turn, from 0 to 1."""
        if turn[:2] != self.turn[:2] or turn[2] >= self.last:
            return 1.0
        return max(0.0, (turn[2] - self.turn[2]) / (self.last - self.turn[2]))


class Line:
    """Counts; each range of an index once, however many jobs are asked for."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def positions(self, turns: Iterable[Turn], pending: int) -> dict[int, int]:
        """The place of each of these pending jobs in the order of handing out, from 1; `pending` is all."""
        found: dict[int, int] = {}
        edge = self._edge(
            "queue_order", "status = 'pending' AND suspended = 0", "rank, deaths, place", pending, COUNTED
        )
        ordered = sorted(turns)
        counted = bisect_right(ordered, edge.turn) if edge else len(ordered)
        before, group = 0, (FRONT, 0)
        for (rank, deaths), members in groupby(ordered[:counted], lambda turn: turn[:2]):
            before += self._between(group, (rank, deaths))
            group, beside_them = (rank, deaths), list(members)
            steps = [(a[2], b[2], b[3]) for a, b in pairwise([(0, 0, FRONT, 0), *beside_them])]
            passed = _PENDING.format(
                "rank = ?1 AND deaths = ?2 AND place >= json_extract(value, '$[0]') "
                "AND place < json_extract(value, '$[1]')"
            )
            beside = _PENDING.format(
                "rank = ?1 AND deaths = ?2 AND place = json_extract(value, '$[1]') "
                "AND id <= json_extract(value, '$[2]')"
            )
            rows = self._connection.execute(
                f"SELECT {passed}, {beside} FROM json_each(?3)", (rank, deaths, json.dumps(steps))
            )
            nth = before
            for turn, (more, own) in zip(beside_them, rows, strict=True):
                nth += more
                found[turn[3]] = nth + own
        for turn in ordered[counted:]:
            assert edge is not None
            found[turn[3]] = COUNTED + max(1, round(edge.share(turn) * (pending - COUNTED)))
        return found

    def edge(self, waiting: int) -> Edge | None:
        """Up to where the work is counted that waits, blocked or pending; None if all of it is."""
        return self._edge("queue_lane", "status IN ('pending', 'blocked')", "rank, place", waiting, WEIGHED)

    def work(
        self, kind: JobKind, models: Sequence[str], stands: Sequence[tuple[int, int]]
    ) -> list[dict[str, int]]:
        """How many jobs of a kind that can go on stand before each rank and place, in order, by model."""
        if not models:
            return [{} for _ in stands]
        every = max(1, -(-len(stands) * len(models) // LOOKS))
        asked = stands[::every]
        found: list[dict[str, int]] = []
        names = json.dumps(list(models))
        below, behind = dict.fromkeys(models, 0), FRONT
        for rank, members in groupby(asked, lambda stand: stand[0]):
            ranks = "rank >= ?3 AND rank < ?4"
            rows = self._connection.execute(
                f"SELECT m.value, {_WORK.format(ranks, ranks)} FROM json_each(?2) m",
                (kind, names, behind, rank),
            )
            for model, more in rows:
                below[model] += more
            behind = rank
            steps = [(a[1], b[1]) for a, b in pairwise([(rank, FRONT), *members])]
            places = "place >= json_extract(s.value, '$[0]') AND place < json_extract(s.value, '$[1]')"
            work = _WORK.format(f"rank = ?4 AND deaths = 0 AND {places}", f"rank = ?4 AND {places}")
            rows = self._connection.execute(
                f"SELECT s.key, m.value, {work} FROM json_each(?3) s CROSS JOIN json_each(?2) m",
                (kind, names, json.dumps(steps), rank),
            )
            counted = dict(below)
            for _, of_step in groupby(rows, lambda row: row[0]):
                for _, model, more in of_step:
                    counted[model] += more
                found.append(dict(counted))
        return [found[nth // every] for nth in range(len(stands))]

    def _edge(self, index: str, where: str, order: str, waiting: int, nth: int) -> Edge | None:
        if waiting <= nth:
            return None
        row = self._connection.execute(
            f"SELECT {order}, id FROM generation_queue INDEXED BY {index} WHERE {where} "
            f"ORDER BY {order} LIMIT 1 OFFSET ?",
            (nth - 1,),
        ).fetchone()
        if row is None:
            return None
        beside = " AND ".join(f"{column} = ?" for column in order.split(", ")[:-1])
        last = self._connection.execute(
            f"SELECT max(place) FROM generation_queue INDEXED BY {index} WHERE {where} AND {beside}", row[:-2]
        ).fetchone()
        deaths = row[1] if len(row) == 4 else 0
        return Edge((row[0], deaths, row[-2], row[-1]), last[0])

    def _between(self, first: tuple[int, int], last: tuple[int, int]) -> int:
        """How many pending jobs are of ranks and deaths from the one up to the other, that one apart."""
        if first[0] == last[0]:
            where = "rank = ?1 AND deaths >= ?2 AND deaths < ?4"
            return self._count(where, (*first, *last))
        return (
            self._count("rank = ?1 AND deaths >= ?2", first)
            + self._count("rank > ?1 AND rank < ?2", (first[0], last[0]))
            + self._count("rank = ?1 AND deaths < ?2", last)
        )

    def _count(self, where: str, values: Sequence[int]) -> int:
        return int(self._connection.execute(f"SELECT {_PENDING.format(where)}", values).fetchone()[0])
