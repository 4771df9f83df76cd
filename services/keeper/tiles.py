"""The tiles: the version that stands in each place, and the files of the whole map."""

import json
import sqlite3
from collections.abc import Collection, Sequence

from pydantic import TypeAdapter

from protocol.event import TileRef
from protocol.message import RENDERED, Layer
from services.keeper.lookout import Lookout
from services.keeper.versions import Standing
from services.tiling.region import bounding

_REFS = TypeAdapter(list[TileRef])


class Tiles:
    """Which of the versions are the map."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.lookouts: list[Lookout] = []
        """Who is told of each tile that is laid or lifted."""

    def at(self, layer: Layer, x: int, y: int) -> int:
        """The version that people see there, 0 if there is none; scaffold is no map."""
        row = self._connection.execute(
            "SELECT version FROM tiles WHERE layer = ? AND x = ? AND y = ? AND scaffold_plan IS NULL",
            (layer, x, y),
        ).fetchone()
        return int(row[0]) if row else 0

    def lay(self, layer: Layer, x: int, y: int, version: int, *, scaffold_of: str | None = None) -> None:
        """Let a version stand there; as scaffold only its plan counts it."""
        self._tell(layer, x, y)
        self._connection.execute(
            "INSERT INTO tiles (layer, x, y, version, scaffold_plan, stale) VALUES (?, ?, ?, ?, ?, 0) "
            "ON CONFLICT (layer, x, y) DO UPDATE SET version = excluded.version, "
            "scaffold_plan = excluded.scaffold_plan, stale = 0",
            (layer, x, y, version, scaffold_of),
        )

    def lift(self, layer: Layer, x: int, y: int) -> None:
        """Let nothing stand there; scaffold stays."""
        self._tell(layer, x, y)
        self._connection.execute(
            "DELETE FROM tiles WHERE layer = ? AND x = ? AND y = ? AND scaffold_plan IS NULL", (layer, x, y)
        )

    def _tell(self, layer: Layer, x: int, y: int) -> None:
        for lookout in self.lookouts:
            lookout.note(layer, x, y)

    def columns(self, x0: int, x1: int, limit: int) -> list[int]:
        """The first columns there in which anything stands."""
        rows = self._connection.execute(
            "WITH RECURSIVE columns (x) AS (SELECT min(x) FROM tiles WHERE x >= ?1 UNION ALL "
            "SELECT (SELECT min(x) FROM tiles WHERE x > columns.x) FROM columns WHERE x < ?2) "
            "SELECT x FROM columns WHERE x <= ?2 LIMIT ?3",
            (x0, x1, limit),
        )
        return [row[0] for row in rows]

    def standing_in(
        self, layer: Layer, columns: Sequence[int], y0: int, y1: int, *, plan: str
    ) -> list[tuple[int, int]]:
        """What stands in a part of these columns, without what the plan has still to draw anew."""
        cursor = self._connection.cursor()
        # Plain tuples: they are made in a third of the time.
        cursor.row_factory = None
        found: list[tuple[int, int]] = cursor.execute(
            "SELECT t.x, t.y FROM json_each(?) w CROSS JOIN tiles t ON t.layer = ? AND t.x = w.value "
            "WHERE t.y BETWEEN ? AND ? AND (t.scaffold_plan IS NULL OR t.scaffold_plan = ?)",
            (json.dumps(list(columns)), layer, y0, y1, plan),
        ).fetchall()
        old = self._to_repair(layer, columns[0], y0, columns[-1], y1, plan) if layer not in RENDERED else {}
        return [cell for cell in found if cell not in old] if old else found

    def finished(
        self, layer: Layer, x0: int, y0: int, x1: int, y1: int, *, plan: str = ""
    ) -> set[tuple[int, int]]:
        """The quadrants of a layer there as one plan counts them, its scaffold among them.

        Other plans' scaffold is no map, and neither is what the plan repairs and has not drawn anew yet.
        """
        rows = self._connection.execute(
            "SELECT x, y FROM tiles WHERE layer = ? AND x BETWEEN ? AND ? AND y BETWEEN ? AND ? "
            "AND (scaffold_plan IS NULL OR scaffold_plan = ?)",
            (layer, x0, x1, y0, y1, plan),
        )
        found = {(row[0], row[1]) for row in rows}
        return found - self._to_repair(layer, x0, y0, x1, y1, plan).keys() if plan else found

    def repair(self, plan: str, layer: Layer, quadrants: Collection[tuple[int, int]]) -> None:
        """Remember which finished quadrants of its layer a plan draws anew."""
        self._connection.executemany(
            "INSERT OR IGNORE INTO repairs (plan_id, layer, x, y) VALUES (?, ?, ?, ?)",
            [(plan, layer, x, y) for x, y in quadrants],
        )

    def take_off(
        self, plan: str, layer: Layer, infill: Collection[tuple[int, int]]
    ) -> list[tuple[tuple[int, int], int]]:
        """Take off the map what the plan repairs and has not drawn anew, in or against what it just drew.

        Beside pixels that were made without seeing it, it would be a seam; its version stays.
        """
        xs, ys = [x for x, _ in infill], [y for _, y in infill]
        old = self._to_repair(layer, min(xs) - 1, min(ys) - 1, max(xs) + 1, max(ys) + 1, plan)
        for (x, y), version in old.items():
            self.taken(plan, x, y, version)
            self.lift(layer, x, y)
        return list(old.items())

    def taken(self, plan: str, x: int, y: int, version: int) -> None:
        """Remember what a plan took off the map to draw it anew."""
        self._connection.execute(
            "UPDATE repairs SET taken = ? WHERE plan_id = ? AND x = ? AND y = ?", (version, plan, x, y)
        )

    def repairs(self, plan: str, infill: Collection[tuple[int, int]]) -> dict[tuple[int, int], int]:
        """What a plan draws anew in or against these quadrants, with the version that it took off, or 0."""
        x0, y0, x1, y1 = bounding(infill)
        rows = self._connection.execute(
            "SELECT x, y, taken FROM repairs WHERE plan_id = ? AND x BETWEEN ? AND ? AND y BETWEEN ? AND ?",
            (plan, x0 - 1, x1 + 1, y0 - 1, y1 + 1),
        )
        return {(row[0], row[1]): row[2] for row in rows}

    def _to_repair(
        self, layer: Layer, x0: int, y0: int, x1: int, y1: int, plan: str
    ) -> dict[tuple[int, int], int]:
        """The finished quadrants there that a plan still has to draw anew, with the versions that stand."""
        rows = self._connection.execute(
            "SELECT t.x, t.y, t.version FROM repairs r CROSS JOIN tiles t "
            "ON t.layer = r.layer AND t.x = r.x AND t.y = r.y "
            "JOIN tile_versions v ON v.version = t.version "
            "WHERE r.plan_id = ?1 AND r.x BETWEEN ?2 AND ?4 AND r.y BETWEEN ?3 AND ?5 AND r.layer = ?6 "
            "AND v.plan_id <> ?1",
            (plan, x0, y0, x1, y1, layer),
        )
        return {(row[0], row[1]): row[2] for row in rows}

    def rendered(self, x0: int, y0: int, x1: int, y1: int) -> set[tuple[int, int]]:
        """The rendered quadrants there."""
        rows = self._connection.execute(
            "SELECT x, y FROM tiles WHERE layer = 'render' AND x BETWEEN ? AND ? AND y BETWEEN ? AND ?",
            (x0, x1, y0, y1),
        )
        return {(row[0], row[1]) for row in rows}

    def standing(
        self, layer: Layer, quadrants: Collection[tuple[int, int]], plan: str | None
    ) -> list[Standing]:
        """The present version of each quadrant that `plan` counts as finished, in the order asked for."""
        found = []
        old: Collection[tuple[int, int]] = ()
        if plan and quadrants and layer not in RENDERED:
            old = self._to_repair(layer, *bounding(quadrants), plan)
        for x, y in quadrants:
            if (x, y) in old:
                continue
            row = self._connection.execute(
                "SELECT v.layer, v.x, v.y, v.version, v.sha256 FROM tiles t "
                "JOIN tile_versions v ON v.version = t.version WHERE t.layer = ? AND t.x = ? AND t.y = ? "
                "AND (t.scaffold_plan IS NULL OR t.scaffold_plan = ?)",
                (layer, x, y, plan or ""),
            ).fetchone()
            if row:
                found.append(Standing(*row))
        return found

    def scaffold_plans(self, plan: str) -> bool:
        """Whether scaffold of the plan still stands."""
        row = self._connection.execute("SELECT 1 FROM tiles WHERE scaffold_plan = ? LIMIT 1", (plan,))
        return row.fetchone() is not None

    def drop_scaffold(self, plan: str) -> list[TileRef]:
        """Take the plan's scaffold off the map; its versions stay in the log."""
        rows = self._connection.execute(
            "DELETE FROM tiles WHERE scaffold_plan = ? RETURNING layer, x, y", (plan,)
        ).fetchall()
        return [TileRef(layer=row[0], x=row[1], y=row[2], version=0) for row in rows]

    def asset(self, name: str) -> str | None:
        """The hash of a file that belongs to the whole map."""
        row = self._connection.execute("SELECT sha256 FROM assets WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else None

    def put_asset(self, name: str, sha256: str, job: int, now: float) -> None:
        """Keep a file of the whole map; the first one stays, since tiles were made with it."""
        self._connection.execute(
            "INSERT INTO assets (name, sha256, job_id, created_at) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (name) DO NOTHING",
            (name, sha256, job, now),
        )

    def within(
        self, x0: int, y0: int, x1: int, y1: int, *, layers: Sequence[Layer] | None, limit: int
    ) -> list[TileRef] | None:
        """What people see there, of all layers they see if none is given; None if it is more than `limit`."""
        among = "(SELECT layer FROM tile_tally WHERE layer NOT IN ('object', 'depth'))"
        if layers is not None:
            among = "(SELECT value FROM json_each(?6))"
        rows = self._connection.execute(
            # Column by column: nothing is looked at that lies above or below the rectangle.
            "WITH RECURSIVE columns (x) AS (SELECT min(x) FROM tiles WHERE x >= ?1 UNION ALL "
            "SELECT (SELECT min(x) FROM tiles WHERE x > columns.x) FROM columns WHERE x < ?3) "
            "SELECT t.layer, t.x, t.y, t.version, t.stale FROM columns c CROSS JOIN tiles t ON t.x = c.x "
            f"WHERE c.x <= ?3 AND t.layer IN {among} AND t.y BETWEEN ?2 AND ?4 "
            "AND t.scaffold_plan IS NULL LIMIT ?5",
            (x0, y0, x1, y1, limit + 1, *([] if layers is None else [json.dumps(layers)])),
        ).fetchall()
        if len(rows) > limit:
            return None
        return _REFS.validate_python(
            [
                {"layer": layer, "x": x, "y": y, "version": version, "stale": bool(stale)}
                for layer, x, y, version, stale in rows
            ]
        )

    def bounds(self) -> tuple[int, int, int, int] | None:
        """The smallest rectangle around everything rendered or generated."""
        row = self._connection.execute(
            "SELECT (SELECT min(x) FROM tiles), (SELECT min(y) FROM tiles), "
            "(SELECT max(x) FROM tiles), (SELECT max(y) FROM tiles)"
        ).fetchone()
        return None if row[0] is None else (row[0], row[1], row[2], row[3])
