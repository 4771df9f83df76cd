"""Stale marks: the standing tiles that were made to match a neighbour which no longer stands."""

import json
import sqlite3
from collections.abc import Collection

from protocol.event import TileRef

# A tile matches what its model was shown, whatever layer that is in, and what the same call drew beside it.
# Scaffold is apart: it goes when its plan ends. A version that is gone from the history cannot stand.
_GONE = (
    "coalesce(n.scaffold, 0) = 0 AND NOT EXISTS (SELECT 1 FROM tiles o WHERE o.layer = n.layer "
    "AND o.x = n.x AND o.y = n.y AND o.version = n.version)"
)
_CONCERNED = (
    "WITH changed (version) AS (SELECT value FROM json_each(?)), concerned (version) AS ("
    "SELECT version FROM changed "
    "UNION SELECT s.version FROM changed c CROSS JOIN saw s ON s.seen = c.version "
    "UNION SELECT b.version FROM changed c CROSS JOIN tile_versions v ON v.version = c.version "
    "CROSS JOIN tile_versions b ON b.job_id = v.job_id AND b.layer = v.layer) "
    "SELECT t.layer, t.x, t.y, t.version, t.stale, "
    f"EXISTS (SELECT 1 FROM saw s LEFT JOIN tile_versions n ON n.version = s.seen "
    f"WHERE s.version = t.version AND {_GONE}) "
    f"OR EXISTS (SELECT 1 FROM tile_versions n WHERE n.job_id = v.job_id AND n.layer = v.layer "
    f"AND {_GONE}) AS outdated "
    "FROM concerned c CROSS JOIN tile_versions v ON v.version = c.version CROSS JOIN tiles t "
    "ON t.layer = v.layer AND t.x = v.x AND t.y = v.y AND t.version = v.version "
    "WHERE t.scaffold_plan IS NULL"
)


class Stale:
    """The column `stale` of the table `tiles`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def refresh(self, versions: Collection[int]) -> list[TileRef]:
        """These versions have come onto the map or left it: mark whom that concerns; whose mark changed."""
        if not versions:
            return []
        rows = self._connection.execute(_CONCERNED, (json.dumps(list(versions)),)).fetchall()
        changed = [row for row in rows if bool(row[4]) != bool(row[5])]
        self._connection.executemany(
            "UPDATE tiles SET stale = ? WHERE layer = ? AND x = ? AND y = ?",
            [(int(bool(row[5])), row[0], row[1], row[2]) for row in changed],
        )
        return [
            TileRef(layer=row[0], x=row[1], y=row[2], version=row[3], stale=bool(row[5])) for row in changed
        ]
