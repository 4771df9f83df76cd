"""The relics: rows of what ended long ago, found and removed a bounded number at a time."""

import json
import sqlite3
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from services.keeper.schema import RENDERED

_PRUNABLE = (
    "v.created_at < :before AND v.version < (SELECT max(version) FROM tile_versions) "
    "AND NOT EXISTS (SELECT 1 FROM tiles t WHERE t.layer = v.layer AND t.x = v.x AND t.y = v.y "
    "AND t.version = v.version) "
    "AND NOT EXISTS (SELECT 1 FROM saw s CROSS JOIN tile_versions w ON w.version = s.version "
    "CROSS JOIN tiles t ON t.layer = w.layer AND t.x = w.x AND t.y = w.y AND t.version = w.version "
    "WHERE s.seen = v.version) "
    "AND NOT EXISTS (SELECT 1 FROM tile_versions b CROSS JOIN tiles t ON t.layer = b.layer AND t.x = b.x "
    "AND t.y = b.y AND t.version = b.version WHERE b.job_id = v.job_id AND b.layer = v.layer "
    f"AND v.layer NOT IN {RENDERED}) "
    "AND NOT EXISTS (SELECT 1 FROM plans p WHERE p.id = v.plan_id AND p.settled = 0) "
    "AND NOT EXISTS (SELECT 1 FROM tile_versions n CROSS JOIN plans p ON p.id = n.plan_id "
    "WHERE n.x = v.x AND n.y = v.y AND n.replaced = v.version "
    "AND p.id NOT IN (SELECT value FROM json_each(:gone))) "
    "AND NOT EXISTS (SELECT 1 FROM repairs r WHERE r.x = v.x AND r.y = v.y AND r.taken = v.version "
    "AND r.plan_id NOT IN (SELECT value FROM json_each(:gone)))"
)
"""Of a version: it is old, does not stand, nothing that stands saw it or was drawn in one call with it, by
which it is known what is stale, and no plan can be reverted to it."""


@dataclass(frozen=True)
class Part:
    """What one look at a plan's jobs came to."""

    jobs: list[int]
    may_go: bool


class Relics:
    """The SQL of pruning. Numbers of jobs, versions and events only grow: the last of each always stays."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def events(self, before: float, after: int, limit: int) -> list[int]:
        """The next numbers of the log's beginning that are old."""
        rows = self._connection.execute(
            "SELECT seq, at FROM events WHERE seq > ? AND seq < (SELECT max(seq) FROM events) "
            "ORDER BY seq LIMIT ?",
            (after, limit),
        )
        found = []
        for seq, at in rows:
            # Only the beginning goes, so that what stays has no gap.
            if at >= before:
                break
            found.append(seq)
        return found

    def drop_events(self, until: int) -> None:
        """Forget the log up to this number."""
        self._connection.execute("DELETE FROM events WHERE seq <= ?", (until,))

    def plans(self, before: float, after: int, limit: int) -> list[tuple[int, str]]:
        """The next plans in the order in which they came, with their place in it, that may be over."""
        rows = self._connection.execute(
            "SELECT rowid, id FROM plans WHERE rowid > ? AND settled = 1 AND staged = '' AND created_at < ? "
            "AND NOT EXISTS (SELECT 1 FROM plan_tally t WHERE t.plan_id = plans.id AND t.jobs > 0 "
            "AND t.status NOT IN ('complete', 'cancelled')) ORDER BY rowid LIMIT ?",
            (after, before, limit),
        )
        return [(row[0], row[1]) for row in rows]

    def is_over(self, plan_id: str) -> bool:
        """Whether a plan has settled, with nothing left to retry."""
        row = self._connection.execute(
            "SELECT settled = 1 AND NOT EXISTS (SELECT 1 FROM plan_tally t WHERE t.plan_id = plans.id "
            "AND t.jobs > 0 AND t.status NOT IN ('complete', 'cancelled')) FROM plans WHERE id = ?",
            (plan_id,),
        ).fetchone()
        return bool(row and row[0])

    def part(self, plan_id: str, before: float, below: int, limit: int) -> Part:
        """The next jobs of a plan below an id, the last first, and whether all of them may go.

        One that was called off stays while a job of another plan is held behind it: that must not go on.
        """
        rows = self._connection.execute(
            "SELECT q.id, q.finished_at < ?1 AND q.id < (SELECT max(id) FROM generation_queue) "
            "AND (q.status = 'complete' OR NOT EXISTS (SELECT 1 FROM dependencies d "
            "CROSS JOIN generation_queue w ON w.id = d.job_id WHERE d.needs_id = q.id "
            "AND w.plan_id <> q.plan_id AND w.status NOT IN ('complete', 'cancelled'))) FROM ("
            "SELECT id FROM generation_queue WHERE plan_id = ?2 AND status = 'complete' AND id < ?3 "
            "UNION ALL SELECT id FROM generation_queue WHERE plan_id = ?2 AND status = 'cancelled' "
            "AND id < ?3 ORDER BY id DESC LIMIT ?4) p CROSS JOIN generation_queue q ON q.id = p.id",
            (before, plan_id, below, limit),
        ).fetchall()
        return Part(sorted((row[0] for row in rows), reverse=True), all(row[1] for row in rows))

    def drop_jobs(self, jobs: Collection[int]) -> None:
        """Forget jobs, where they lay and what waited for what; the tallies follow."""
        ids = (json.dumps(list(jobs)),)
        among = "IN (SELECT value FROM json_each(?))"
        self._connection.execute(f"DELETE FROM job_quadrants WHERE job_id {among}", ids)
        self._connection.execute(f"DELETE FROM dependencies WHERE job_id {among}", ids)
        self._connection.execute(f"DELETE FROM dependencies WHERE needs_id {among}", ids)
        self._connection.execute(f"DELETE FROM generation_queue WHERE id {among}", ids)

    def drop_plan(self, plan_id: str) -> None:
        """Forget a plan that has no jobs left."""
        for sql in (
            "DELETE FROM plans WHERE id = ?",
            "DELETE FROM repairs WHERE plan_id = ?",
            "DELETE FROM plan_tally WHERE plan_id = ?",
        ):
            self._connection.execute(sql, (plan_id,))

    def orphans(self, before: float, after: int, limit: int) -> tuple[int, list[tuple[int, str, int, int]]]:
        """The last row looked at, and the old ones: number, hash, job and token."""
        rows = self._connection.execute(
            "SELECT id, sha256, job_id, token, received_at < ? FROM orphan_results WHERE id > ? "
            "ORDER BY id LIMIT ?",
            (before, after, limit),
        ).fetchall()
        return (rows[-1][0] if rows else 0), [(row[0], row[1], row[2], row[3]) for row in rows if row[4]]

    def drop_orphans(self, numbers: Collection[int]) -> None:
        """Forget images of late results."""
        self._connection.execute(
            "DELETE FROM orphan_results WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(numbers)),),
        )

    def last_version(self) -> int:
        """The newest number of a tile version."""
        return int(self._connection.execute("SELECT max(version) FROM tile_versions").fetchone()[0] or 0)

    def versions(self, before: float, gone: str, after: int, until: int) -> list[tuple[int, str]]:
        """The versions between two numbers that may go once the plans `gone` have, with their hashes."""
        rows = self._connection.execute(
            "SELECT v.version, v.sha256 FROM tile_versions v "
            f"WHERE v.version > :after AND v.version <= :until AND {_PRUNABLE}",
            {"before": before, "gone": gone, "after": after, "until": until},
        )
        return [(row[0], row[1]) for row in rows]

    def drop_versions(self, numbers: Collection[int]) -> None:
        """Forget versions and what they saw."""
        ids = (json.dumps(list(numbers)),)
        among = "IN (SELECT value FROM json_each(?))"
        self._connection.execute(f"DELETE FROM saw WHERE version {among}", ids)
        self._connection.execute(f"DELETE FROM tile_versions WHERE version {among}", ids)

    def hashes(self, after: int, until: int, *, but: tuple[float, str] | None) -> Iterator[str]:
        """The images of versions between two numbers; in a dry run not of those that would go."""
        without = f" AND NOT ({_PRUNABLE})" if but is not None else ""
        before, gone = but or (0.0, "")
        rows = self._connection.execute(
            f"SELECT v.sha256 FROM tile_versions v WHERE v.version > :after AND v.version <= :until{without}",
            {"before": before, "gone": gone, "after": after, "until": until},
        )
        return (row[0] for row in rows)

    def other_hashes(self, but_before: float | None) -> Iterator[str]:
        """The images of late results and the files of the whole map."""
        rows = self._connection.execute(
            "SELECT sha256 FROM orphan_results WHERE ?1 IS NULL OR received_at >= ?1 "
            "UNION ALL SELECT sha256 FROM assets",
            (but_before,),
        )
        return (row[0] for row in rows)

    def any_left(self, versions: Collection[int] = (), orphans: Collection[int] = ()) -> bool:
        """Whether one of these rows is still there."""
        row = self._connection.execute(
            "SELECT EXISTS (SELECT 1 FROM tile_versions WHERE version IN (SELECT value FROM json_each(?))) "
            "OR EXISTS (SELECT 1 FROM orphan_results WHERE id IN (SELECT value FROM json_each(?)))",
            (json.dumps(list(versions)), json.dumps(list(orphans))),
        ).fetchone()
        return bool(row[0])
