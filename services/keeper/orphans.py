"""The orphans: results that came too late, and candidates, kept since they were paid for."""

import json
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from protocol.work import Made
from services.keeper.lifecycle import Job
from services.keeper.versions import Stored


@dataclass(frozen=True)
class Orphan:
    """One late result or candidate: the images, how they were made, and what was asked for when they came."""

    id: int
    job: int
    token: int
    tiles: tuple[Stored, ...]
    made: Made
    attempt: int
    """0 if it is not known: the job had been handed out again by then."""
    model_id: str
    prompt: str
    negative_prompt: str
    received_at: float
    adopted: bool
    candidate: bool


_FIRST = (
    "NOT EXISTS (SELECT 1 FROM orphan_results b WHERE b.job_id = o.job_id AND b.token = o.token "
    "AND b.id < o.id)"
)
"""One row for each result: its first image lends it its number."""


class Orphans:
    """Every late result and every candidate that nobody has deleted."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def keep(self, job: Job, token: int, images: Sequence[Stored], made: Made, now: float) -> bool:
        """Remember a result whole; False if that has been done before."""
        attempt = job.attempt if job.token == token else 0
        how = made.model_dump_json()
        added = self._connection.executemany(
            "INSERT OR IGNORE INTO orphan_results (job_id, token, layer, x, y, sha256, made, received_at, "
            "attempt, model_id, prompt, negative_prompt, candidate) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    job.id,
                    token,
                    image.layer,
                    image.x,
                    image.y,
                    image.sha256,
                    how,
                    now,
                    attempt,
                    job.model_id,
                    job.prompt,
                    job.negative_prompt,
                    int(job.candidate),
                )
                for image in images
            ],
        )
        return added.rowcount > 0

    def get(self, orphan: int) -> Orphan | None:
        """The result of that number, adopted or not."""
        rows = self._connection.execute(
            f"SELECT * FROM orphan_results o WHERE o.id = ? AND {_FIRST}", (orphan,)
        ).fetchall()
        return self._whole(rows[0]) if rows else None

    def page(self, *, after: int, limit: int) -> list[Orphan]:
        """Late results that wait for a person, by number, after `after`."""
        rows = self._connection.execute(
            "SELECT * FROM orphan_results o WHERE o.adopted = 0 AND o.candidate = 0 AND o.id > ? "
            f"AND {_FIRST} ORDER BY o.id LIMIT ?",
            (after, limit),
        ).fetchall()
        return [self._whole(row) for row in rows]

    def candidates(self, jobs: Collection[int]) -> dict[int, list[Orphan]]:
        """What these jobs made, by job."""
        rows = self._connection.execute(
            "SELECT o.* FROM json_each(?) w CROSS JOIN orphan_results o ON o.job_id = w.value "
            f"WHERE o.candidate = 1 AND {_FIRST} ORDER BY o.id",
            (json.dumps(list(jobs)),),
        ).fetchall()
        found: dict[int, list[Orphan]] = {}
        for row in rows:
            found.setdefault(row["job_id"], []).append(self._whole(row))
        return found

    def count(self, *, candidates: bool = False) -> int:
        """How many late results wait for a person, or how many candidates."""
        row = self._connection.execute(
            "SELECT count(*) FROM (SELECT DISTINCT job_id, token FROM orphan_results "
            "WHERE adopted = 0 AND candidate = ?)",
            (int(candidates),),
        ).fetchone()
        return int(row[0])

    def adopt(self, orphan: Orphan) -> None:
        """It is on the map now; asked again, that can still be told."""
        self._connection.execute(
            "UPDATE orphan_results SET adopted = 1 WHERE job_id = ? AND token = ?", (orphan.job, orphan.token)
        )

    def delete(self, orphan: Orphan) -> None:
        """Forget it; its images stay on disk."""
        self._connection.execute(
            "DELETE FROM orphan_results WHERE job_id = ? AND token = ?", (orphan.job, orphan.token)
        )

    def _whole(self, first: sqlite3.Row) -> Orphan:
        rows = self._connection.execute(
            "SELECT layer, x, y, sha256 FROM orphan_results WHERE job_id = ? AND token = ? ORDER BY id",
            (first["job_id"], first["token"]),
        )
        return Orphan(
            id=first["id"],
            job=first["job_id"],
            token=first["token"],
            tiles=tuple(Stored(*row) for row in rows),
            made=Made.model_validate_json(first["made"]),
            attempt=first["attempt"],
            model_id=first["model_id"],
            prompt=first["prompt"],
            negative_prompt=first["negative_prompt"],
            received_at=first["received_at"],
            adopted=bool(first["adopted"]),
            candidate=bool(first["candidate"]),
        )
