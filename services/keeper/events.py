"""The event log: append-only, numbered from 1."""

import json
import sqlite3
from collections.abc import Iterable, Sequence

from protocol.event import Change, Event, JobChange, LateChange, MapChange, QueueChange, TileRef
from services.keeper.lifecycle import Job

Row = tuple[float, str, int, str]


class EventLog:
    """What changed, in the order in which it was committed."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def append(self, change: Change, now: float) -> None:
        """Write one change; its number is the next one."""
        self.extend([row(change, now)])

    def extend(self, rows: Iterable[Row]) -> None:
        """Write changes, numbered in their order."""
        self._connection.executemany(
            'INSERT INTO events (at, plan_id, job_id, "change") VALUES (?, ?, ?, ?)', rows
        )

    def last(self) -> int:
        """The newest number, 0 in an empty log."""
        row = self._connection.execute("SELECT max(seq) FROM events").fetchone()
        return int(row[0] or 0)

    def since(self, seq: int, limit: int) -> list[Event]:
        """Up to `limit` events after number `seq`, oldest first."""
        rows = self._connection.execute(
            'SELECT seq, at, "change" FROM events WHERE seq > ? ORDER BY seq LIMIT ?', (seq, limit)
        )
        return [
            Event.model_validate_json(f'{{"seq": {row[0]}, "at": {row[1]!r}, "change": {row[2]}}}')
            for row in rows
        ]


def job_row(job: Job, now: float, tiles: Sequence[TileRef] = ()) -> Row:
    """What the change of a job is written down as: the text of a JobChange, without making one."""
    reason = json.dumps(job.reason[:8_000]) if job.reason else '""'
    laid = ",".join(tile.model_dump_json() for tile in tiles)
    quadrants = ",".join([f"[{x},{y}]" for x, y in job.quadrants])
    text = job_text(
        str(job.id),
        job.plan,
        job.kind,
        job.state,
        job.model_id,
        job.layer,
        f"[{quadrants}]",
        job.attempt,
        reason,
        laid,
    )
    return now, job.plan, job.id, text


def plan_row(plan: str, name: str, jobs: int, now: float) -> Row:
    """What it is written down as that a plan was accepted: the text of a PlanChange, without making one."""
    named = json.dumps(name) if name else '""'
    text = f'{{"kind":"plan","plan":"{plan}","name":{named},"state":"accepted","jobs":{jobs},"tiles":[]}}'
    return now, plan, 0, text


def job_text(
    job: str,
    plan: str,
    kind: str,
    state: str,
    model_id: str,
    layer: str,
    quadrants: str,
    attempt: int = 0,
    reason: str = '""',
    tiles: str = "",
) -> str:
    """A JobChange as JSON; `quadrants`, `reason` and `tiles` are JSON already."""
    return (
        f'{{"kind":"job","job":{job},"plan":"{plan}","job_kind":"{kind}","state":"{state}",'
        f'"model_id":"{model_id}","layer":"{layer}","quadrants":{quadrants},"attempt":{attempt},'
        f'"reason":{reason},"tiles":[{tiles}]}}'
    )


def row(change: Change, now: float) -> Row:
    """What a change is written down as."""
    job = change.job if isinstance(change, JobChange | LateChange) else 0
    plan = "" if isinstance(change, QueueChange | MapChange) else change.plan
    return now, plan, job, change.model_dump_json(exclude_defaults=False)
