"""The tile versions: every image that was ever committed, and where it came from."""

import json
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from protocol.message import Layer
from protocol.work import Made
from services.keeper.lifecycle import Job
from services.keeper.schema import RENDERED

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

    layer: Layer
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
        seam = next((one for one in made.seams if (one.x, one.y) == (image.x, image.y)), None)
        version = self._connection.execute(
            "INSERT INTO tile_versions (layer, x, y, sha256, job_id, plan_id, model_id, prompt, "
            "negative_prompt, worker, seconds, model_seconds, attempt, template, source, scaffold, "
            "created_at, token, replaced, seed, parameters, renders, cost, seam, flagged) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
                None if seam is None else seam.score,
                int(seam is not None and seam.flagged),
            ),
        ).lastrowid
        assert version is not None
        if made.saw and job.kind == "generate":
            # A worker's word: what cannot have been in its window is not believed.
            self._connection.execute(
                "INSERT OR IGNORE INTO saw (version, seen) SELECT ?1, v.version FROM json_each(?2) j "
                "CROSS JOIN tile_versions v ON v.version = j.value WHERE v.layer IN (?6, ?7) "
                f"AND v.layer NOT IN {RENDERED} AND v.x BETWEEN ?3 - ?5 AND ?3 + ?5 "
                "AND v.y BETWEEN ?4 - ?5 AND ?4 + ?5",
                (version, json.dumps(made.saw), image.x, image.y, REACH, job.layer, job.input_layer),
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

    def seen_by(self, numbers: Sequence[int]) -> dict[int, list[tuple[int, str, int, int]]]:
        """What the models of these versions were shown that models had drawn: `(version, layer, x, y)`."""
        rows = self._connection.execute(
            "SELECT s.version, n.version, n.layer, n.x, n.y FROM json_each(?) j "
            "CROSS JOIN saw s ON s.version = j.value CROSS JOIN tile_versions n ON n.version = s.seen "
            "ORDER BY s.version, n.version",
            (json.dumps(list(numbers)),),
        )
        found: dict[int, list[tuple[int, str, int, int]]] = {}
        for row in rows:
            found.setdefault(row[0], []).append((row[1], row[2], row[3], row[4]))
        return found

    def drawn_by(self, plan_id: str, *, after: int, limit: int) -> list[Drawn]:
        """The quadrants that a plan has put on the map, by version number after `after`."""
        rows = self._connection.execute(
            "SELECT v.layer, v.x, v.y, v.version, v.replaced, coalesce(t.version, 0) FROM tile_versions v "
            "LEFT JOIN tiles t ON t.layer = v.layer AND t.x = v.x AND t.y = v.y AND t.scaffold_plan IS NULL "
            f"WHERE v.plan_id = ? AND v.layer NOT IN {RENDERED} AND v.scaffold = 0 AND v.version > ? "
            # A candidate that gave way to another of its comparison is not what the plan left there.
            "AND (v.version = t.version OR NOT EXISTS (SELECT 1 FROM tile_versions n WHERE n.x = v.x "
            "AND n.y = v.y AND n.layer = v.layer AND n.plan_id = v.plan_id AND n.version > v.version)) "
            "ORDER BY v.version LIMIT ?",
            (plan_id, after, limit),
        )
        return [Drawn(*row) for row in rows]

    def before_plan(self, version: int, plan_id: str) -> int:
        """What stood there before this plan drew, if this version is one of the plan's; else the version."""
        row = self._connection.execute(
            "SELECT replaced FROM tile_versions WHERE version = ? AND plan_id = ?", (version, plan_id)
        ).fetchone()
        return int(row[0]) if row else version

    def standing_of(
        self, plan_id: str, layer: Layer, cells: Collection[tuple[int, int]]
    ) -> set[tuple[int, int]]:
        """Those of the quadrants where a version of this plan stands in the layer."""
        rows = self._connection.execute(
            "SELECT t.x, t.y FROM json_each(?) w CROSS JOIN tiles t ON t.layer = ? "
            "AND t.x = json_extract(w.value, '$[0]') AND t.y = json_extract(w.value, '$[1]') "
            "CROSS JOIN tile_versions v ON v.version = t.version WHERE v.plan_id = ?",
            (json.dumps(list(cells)), layer, plan_id),
        )
        return {(row[0], row[1]) for row in rows}

    def taken_by(self, plan_id: str) -> list[Drawn]:
        """The quadrants that a plan has taken off the map to draw them anew, and has not drawn."""
        rows = self._connection.execute(
            "SELECT r.layer, r.x, r.y, 0, r.taken, coalesce(t.version, 0) FROM repairs r "
            "LEFT JOIN tiles t ON t.layer = r.layer AND t.x = r.x AND t.y = r.y "
            "AND t.scaffold_plan IS NULL WHERE r.plan_id = ?1 AND r.taken > 0 "
            "AND NOT EXISTS (SELECT 1 FROM tile_versions v WHERE v.x = r.x AND v.y = r.y "
            "AND v.plan_id = ?1 AND v.layer = r.layer AND v.scaffold = 0) ORDER BY r.x, r.y",
            (plan_id,),
        )
        return [Drawn(*row) for row in rows]
