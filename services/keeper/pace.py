"""The pace: how long calls take and how many come out in a minute, from what ended last."""

import json
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from protocol.message import JobKind
from services.keeper.schema import RENDERED

LATEST = 100
"""The calls that times come from."""
RATE_SECONDS = 300.0
"""What the rate of a model is of: not so short that slow ones seem to stand still in between."""
PLAN_LATEST, ALL_LATEST = 60, 1_500
"""The commits that the rate of a plan comes from, and those of all plans asked for at once."""


@dataclass(frozen=True)
class Pace:
    """How long the latest jobs of one sort took: half of them at most `p50`, nine in ten at most `p90`."""

    p50: float
    p90: float


def pace_of(seconds: Sequence[float]) -> Pace | None:
    """The pace of jobs that took so long, the shortest first; None if there are none."""
    return Pace(percentile(seconds, 0.5), percentile(seconds, 0.9)) if seconds else None


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest of the values that this share of them does not exceed."""
    return ordered[max(0, -(-len(ordered) * int(share * 100) // 100) - 1)]


def per_minute(ended: Sequence[tuple[float, float]], now: float, most: int) -> float:
    """The rate of jobs that `(started, ended)` so in the last minutes, the latest first, at most `most`.

    Over the time since the first of them began, so that a model that has just begun does not seem slow.
    """
    if not ended:
        return 0.0
    since = ended[-1][1] if len(ended) == most else min(started for started, _ in ended)
    seconds = min(RATE_SECONDS, max(1.0, now - since))
    return 60.0 * len(ended) / seconds


def worked(spans: Sequence[tuple[float, float]]) -> float:
    """Seconds in which at least one of the spans `(from, to)` ran."""
    total, until = 0.0, float("-inf")
    for begin, end in sorted(spans):
        total += max(0.0, end - max(begin, until))
        until = max(until, end)
    return total


class Paces:
    """Looks at what ended last; never at more than a few hundred rows."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def seconds(self, model_id: str, *, kind: JobKind = "generate", latest: int = LATEST) -> list[float]:
        """How long the latest jobs of a model took, the shortest first; renders are of the model ''.

        As the worker measured it: the keeper's own times are those of a wall clock, which people set.
        """
        rows = self._connection.execute(
            # Only of a job that no worker has measured the row itself is looked at.
            "SELECT coalesce(nullif((SELECT seconds FROM tile_versions v WHERE v.job_id = q.id LIMIT 1), 0), "
            "max(0.0, finished_at - started_at)) FROM generation_queue q INDEXED BY queue_taken "
            "WHERE q.status = 'complete' AND q.model_id = ? AND q.kind = ? ORDER BY q.id DESC LIMIT ?",
            (model_id, kind, latest),
        )
        return sorted(row[0] for row in rows)

    def rate(self, model_id: str, now: float) -> float:
        """Calls of a model that came out in a minute lately."""
        rows = self._connection.execute(
            "SELECT started_at, finished_at FROM generation_queue INDEXED BY queue_finished "
            "WHERE status = 'complete' AND model_id = ? AND finished_at > ? AND finished_at <= ? "
            "ORDER BY finished_at DESC LIMIT ?",
            (model_id, now - RATE_SECONDS, now, LATEST),
        ).fetchall()
        return per_minute([(row[0], row[1]) for row in rows], now, LATEST)

    def committed(self, since: float, until: float) -> int:
        """How many generated quadrants came onto the map between two moments of the wall's clock."""
        row = self._connection.execute(
            f"SELECT count(*) FROM tile_versions WHERE layer NOT IN {RENDERED} AND created_at > ? "
            "AND created_at <= ? AND scaffold = 0",
            (since, until),
        ).fetchone()
        return int(row[0])

    def plan_rates(self, plan_ids: Collection[str]) -> dict[str, float]:
        """Quadrants that each plan puts on the map in a minute in which it is worked on; 0 if unknown."""
        rows = self._connection.execute(
            "SELECT p.value, v.created_at - v.seconds, v.created_at FROM json_each(?) p "
            "CROSS JOIN tile_versions v WHERE v.version IN (SELECT version FROM tile_versions "
            "INDEXED BY versions_of_plan WHERE plan_id = p.value ORDER BY version DESC LIMIT ?) "
            f"AND v.layer NOT IN {RENDERED} AND v.scaffold = 0",
            (json.dumps(list(plan_ids)), min(PLAN_LATEST, ALL_LATEST // max(1, len(plan_ids)))),
        )
        spans: dict[str, list[tuple[float, float]]] = {}
        for plan_id, begin, end in rows:
            spans.setdefault(plan_id, []).append((begin, end))
        return {
            plan_id: 60.0 * len(of_plan) / seconds if (seconds := worked(of_plan)) > 0 else 0.0
            for plan_id, of_plan in spans.items()
        }
