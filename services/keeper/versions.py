"""The tile versions: every image that was ever committed, and where it came from."""

import json
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from protocol.message import Layer
from protocol.work import Made
from services.keeper.lifecycle import Job

REACH = 2
"""Quadrants around a tile beyond which its model cannot have seen anything."""


@dataclass(frozen=True)
class Stored:
    """One image that lies on disk under the hash of its bytes."""

    layer: Layer
    x: int
    y: int
    sha256: str


@dataclass(frozen=True)
class Standing:
    """One tile version as it is looked up."""

    layer: Layer
    x: int
    y: int
    version: int
    sha256: str
    scaffold: bool = False


@dataclass(frozen=True)
class Drawn:
    """A quadrant that a plan has changed: what it put there, what stood there before, and now. 0 is none."""

    x: int
    y: int
    version: int
    before: int
    now: int

    @property
    def stands(self) -> bool:
        """Whether the map there is still as the plan left it."""
        return self.now == self.version


class Versions:
    """Every image that was ever committed, with its provenance."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add(
        self,
        job: Job,
        image: Stored,
        made: Made,
        *,
        scaffold: bool,
        replaced: int,
        cost: float | None,
        now: float,
    ) -> int:
        """Append one version; its number is larger than any before."""
        version = self._connection.execute(
            "INSERT INTO tile_versions (layer, x, y, sha256, job_id, plan_id, model_id, prompt, "
            "negative_prompt, worker, seconds, model_seconds, attempt, template, source, scaffold, "
            "created_at, token, replaced, seed, parameters, renders, cost) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                image.layer,
                image.x,
                image.y,
                image.sha256,
                job.id,
                job.plan,
                job.model_id,
                job.prompt,
                job.negative_prompt,
                made.worker,
                made.seconds,
                made.model_seconds,
                job.attempt,
                made.template,
                made.source,
                int(scaffold),
                now,
                job.token,
                replaced,
                made.seed,
                made.parameters,
                made.renders,
                cost,
            ),
        ).lastrowid
        assert version is not None
        if made.saw and image.layer == "generation":
            # A worker's word: what cannot have been in its window is not believed.
            self._connection.execute(
                "INSERT OR IGNORE INTO saw (version, seen) SELECT ?1, v.version FROM json_each(?2) j "
                "CROSS JOIN tile_versions v ON v.version = j.value WHERE v.layer = 'generation' "
                "AND v.x BETWEEN ?3 - ?5 AND ?3 + ?5 AND v.y BETWEEN ?4 - ?5 AND ?4 + ?5",
                (version, json.dumps(made.saw), image.x, image.y, REACH),
            )
        return version

    def find(self, numbers: Collection[int]) -> list[Standing]:
        """Versions by number, those that exist, in the order asked for."""
        found = []
        for number in numbers:
            row = self._connection.execute(
                "SELECT layer, x, y, version, sha256, scaffold FROM tile_versions WHERE version = ?",
                (number,),
            ).fetchone()
            if row:
                found.append(Standing(row[0], row[1], row[2], row[3], row[4], bool(row[5])))
        return found

    def of_quadrant(self, x: int, y: int, *, limit: int) -> list[sqlite3.Row]:
        """The versions of one quadrant, the newest first, each with whether it stands and is stale."""
        return self._connection.execute(
            "SELECT v.*, t.version IS NOT NULL AS stands, coalesce(t.stale, 0) AS stale "
            "FROM tile_versions v LEFT JOIN tiles t ON t.layer = v.layer AND t.x = v.x AND t.y = v.y "
            "AND t.version = v.version WHERE v.x = ? AND v.y = ? ORDER BY v.version DESC LIMIT ?",
            (x, y, limit),
        ).fetchall()

    def seen_by(self, numbers: Sequence[int]) -> dict[int, list[tuple[int, int, int]]]:
        """What the models of these versions were shown: `(version, x, y)` of each finished neighbour."""
        rows = self._connection.execute(
            "SELECT s.version, n.version, n.x, n.y FROM json_each(?) j "
            "CROSS JOIN saw s ON s.version = j.value CROSS JOIN tile_versions n ON n.version = s.seen "
            "ORDER BY s.version, n.version",
            (json.dumps(list(numbers)),),
        )
        found: dict[int, list[tuple[int, int, int]]] = {}
        for row in rows:
            found.setdefault(row[0], []).append((row[1], row[2], row[3]))
        return found

    def drawn_by(self, plan_id: str, *, after: int, limit: int) -> list[Drawn]:
        """The quadrants that a plan has put on the map, by version number after `after`."""
        rows = self._connection.execute(
            "SELECT v.x, v.y, v.version, v.replaced, coalesce(t.version, 0) FROM tile_versions v "
            "LEFT JOIN tiles t ON t.layer = v.layer AND t.x = v.x AND t.y = v.y AND t.scaffold_plan IS NULL "
            "WHERE v.plan_id = ? AND v.layer = 'generation' AND v.scaffold = 0 AND v.version > ? "
            "ORDER BY v.version LIMIT ?",
            (plan_id, after, limit),
        )
        return [Drawn(*row) for row in rows]

    def taken_by(self, plan_id: str) -> list[Drawn]:
        """The quadrants that a plan has taken off the map to draw them anew, and has not drawn."""
        rows = self._connection.execute(
            "SELECT r.x, r.y, 0, r.taken, coalesce(t.version, 0) FROM repairs r "
            "LEFT JOIN tiles t ON t.layer = 'generation' AND t.x = r.x AND t.y = r.y "
            "AND t.scaffold_plan IS NULL WHERE r.plan_id = ?1 AND r.taken > 0 "
            "AND NOT EXISTS (SELECT 1 FROM tile_versions v WHERE v.x = r.x AND v.y = r.y "
            "AND v.plan_id = ?1 AND v.layer = 'generation' AND v.scaffold = 0) ORDER BY r.x, r.y",
            (plan_id,),
        )
        return [Drawn(*row) for row in rows]
