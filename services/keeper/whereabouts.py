"""The whereabouts of jobs: which of them lie where, by their cells in `job_quadrants`."""

import json
import sqlite3
from collections.abc import Collection, Iterable

from protocol.message import Layer
from services.keeper.lifecycle import Job
from services.keeper.queue import Queue
from services.keeper.row import text
from services.tiling.quadrant import FRAME, frame_of

SMALL_BOX = 2_500
"""Quadrants."""
FEW = 1_000
"""While no more jobs are under way or failed, each is asked where it lies, not each place who was there."""
ALWAYS, LOOKED = 64, 5_000
"""Quadrants that are looked at however much was there, and cells of jobs that are looked at in others."""
_DRAWING = "q.kind = 'generate' AND q.status IN ('blocked', 'pending', 'processing') AND q.held = 0"
_ON_MAP = "('blocked', 'pending', 'processing', 'error')"


class Whereabouts:
    """Where every job lies that there ever was."""

    def __init__(self, connection: sqlite3.Connection, queue: Queue) -> None:
        self._connection = connection
        self._queue = queue

    def running_renders(self, x0: int, y0: int, x1: int, y1: int) -> dict[tuple[int, int], int]:
        """The render jobs there that are pending or processing, by canonical frame; they wait for nothing."""
        rows = self._connection.execute(
            f"SELECT c.x, c.y, q.id FROM {_joined(x0, y0, x1, y1)} "
            "WHERE c.x BETWEEN ?1 AND ?3 AND c.y BETWEEN ?2 AND ?4 AND q.kind = 'render' "
            "AND q.status IN ('pending', 'processing') ORDER BY q.id DESC",
            (x0, y0, x1, y1),
        )
        return {frame_of((x, y)): job_id for x, y, job_id in rows}

    def renders_of(self, frames: Iterable[tuple[int, int]]) -> dict[tuple[int, int], int]:
        """The render jobs of these canonical frames that are pending or processing, by frame."""
        # A render draws its whole frame, so that one quadrant of it says enough.
        corners = text([(x * FRAME, y * FRAME) for x, y in frames])
        rows = self._connection.execute(
            "SELECT c.x, c.y, q.id FROM json_each(?) f CROSS JOIN job_quadrants c "
            "ON c.x = json_extract(f.value, '$[0]') AND c.y = json_extract(f.value, '$[1]') "
            "CROSS JOIN generation_queue q ON q.id = c.job_id WHERE q.kind = 'render' "
            "AND q.status IN ('pending', 'processing') ORDER BY q.id DESC",
            (corners,),
        )
        return {frame_of((x, y)): job_id for x, y, job_id in rows}

    def reserved(
        self, layer: Layer, x0: int, y0: int, x1: int, y1: int, *, but: Collection[str]
    ) -> list[tuple[int, int, str]]:
        """What unsettled plans, except those in `but`, are still to draw there in a layer: `(x, y, plan)`."""
        joined = (
            f"{_joined(x0, y0, x1, y1)} CROSS JOIN plans p ON p.id = q.plan_id"
            if _is_small(x0, y0, x1, y1)
            else "plans p CROSS JOIN generation_queue q ON q.plan_id = p.id AND p.x0 <= ?3 AND p.x1 >= ?1 "
            "AND p.y0 <= ?4 AND p.y1 >= ?2 CROSS JOIN job_quadrants c ON c.job_id = q.id"
        )
        rows = self._connection.execute(
            f"SELECT c.x, c.y, q.plan_id FROM {joined} WHERE c.x BETWEEN ?1 AND ?3 AND c.y BETWEEN ?2 AND ?4 "
            "AND q.kind = 'generate' AND q.status IN ('blocked', 'pending', 'processing', 'error') "
            "AND p.settled = 0 AND p.layer = ?6 AND q.plan_id NOT IN (SELECT value FROM json_each(?5))",
            (x0, y0, x1, y1, json.dumps(list(but)), layer),
        )
        return [(row[0], row[1], row[2]) for row in rows]

    def drawing(self, layer: Layer, x0: int, y0: int, x1: int, y1: int) -> dict[tuple[int, int], int]:
        """The jobs that are to finish quadrants of a layer there and can go on, the last of each quadrant."""
        rows = self._connection.execute(
            f"SELECT c.x, c.y, q.id FROM {_joined(x0, y0, x1, y1)} "
            "WHERE c.x BETWEEN ?1 AND ?3 AND c.y BETWEEN ?2 AND ?4 AND c.role = 'quadrants' "
            f"AND {_DRAWING} AND q.layer = ?5 ORDER BY q.id",
            (x0, y0, x1, y1, layer),
        )
        return {(row[0], row[1]): row[2] for row in rows}

    def failed(self, layer: Layer, x0: int, y0: int, x1: int, y1: int) -> set[tuple[int, int]]:
        """Where model calls for a layer failed for good there, called off since or not."""
        rows = self._connection.execute(
            f"SELECT c.x, c.y FROM {_joined(x0, y0, x1, y1)} "
            "WHERE c.x BETWEEN ?1 AND ?3 AND c.y BETWEEN ?2 AND ?4 AND q.kind = 'generate' "
            "AND q.status IN ('error', 'cancelled') "
            "AND (q.status = 'error' OR q.error_class NOT IN ('', 'seam')) AND q.layer = ?5",
            (x0, y0, x1, y1, layer),
        )
        return {(row[0], row[1]) for row in rows}

    def lying_in(
        self, box: tuple[int, int, int, int], job_ids: Collection[int], *, kept: bool = False
    ) -> list[tuple[tuple[int, int], int]]:
        """The quadrants of the box that these jobs touch, or only those kept for good, each with the job."""
        of_role = "AND c.role = 'quadrants'" if kept else ""
        rows = self._connection.execute(
            "SELECT c.x, c.y, c.job_id FROM json_each(?5) w "
            "CROSS JOIN job_quadrants c INDEXED BY job_quadrants_of_job ON c.job_id = w.value "
            f"WHERE c.x BETWEEN ?1 AND ?3 AND c.y BETWEEN ?2 AND ?4 {of_role}",
            (*box, json.dumps(list(job_ids))),
        )
        return [((row[0], row[1]), row[2]) for row in rows]

    def within(
        self, x0: int, y0: int, x1: int, y1: int, *, layers: Collection[Layer] | None, limit: int
    ) -> list[Job] | None:
        """The jobs there that are under way or failed; at work first, then those that failed.

        Of all layers if none is given. None if there are more than `limit`, or if there were so many that
        looking for them takes too long.
        """
        box = (x0, y0, x1, y1)
        asked = [] if layers is None else [json.dumps(list(layers))]
        on_map, oldest = self._connection.execute(
            "SELECT total(jobs), min((SELECT min(id) FROM generation_queue INDEXED BY queue_counts "
            "WHERE status = t.status AND model_id = t.model_id)) FROM queue_tally t "
            f"WHERE jobs > 0 AND status IN {_ON_MAP}"
        ).fetchone()
        if on_map <= FEW:
            sql = (
                f"SELECT id FROM generation_queue WHERE status IN {_ON_MAP} AND EXISTS (SELECT 1 "
                "FROM job_quadrants c INDEXED BY job_quadrants_of_job WHERE c.job_id = generation_queue.id "
                f"AND c.x BETWEEN ?1 AND ?3 AND c.y BETWEEN ?2 AND ?4) {_among(layers, '?6')} LIMIT ?5"
            )
            ids = [row[0] for row in self._connection.execute(sql, (*box, limit + 1, *asked))]
        else:
            if (x1 - x0 + 1) * (y1 - y0 + 1) > ALWAYS:
                looked = self._connection.execute(
                    f"SELECT count(*) FROM (SELECT 1 {_THERE} LIMIT {LOOKED + 1})", (*box, oldest)
                ).fetchone()[0]
                if looked > LOOKED:
                    return None
            sql = (
                f"SELECT q.id FROM (SELECT DISTINCT c.job_id {_THERE}) j CROSS JOIN generation_queue q "
                f"ON q.id = j.job_id WHERE q.status IN {_ON_MAP} {_among(layers, '?7')} LIMIT ?6"
            )
            ids = [row[0] for row in self._connection.execute(sql, (*box, oldest, limit + 1, *asked))]
        if len(ids) > limit:
            return None
        order = "status = 'processing' DESC, status = 'error' DESC, rank, place, id"
        return self._queue.among(ids, order=order)

    def touching(self, x: int, y: int, *, limit: int) -> list[Job]:
        """The jobs that draw a quadrant, the newest first."""
        return self._queue.select(
            "id IN (SELECT job_id FROM job_quadrants WHERE x = ? AND y = ?)",
            (x, y),
            order=f"id DESC LIMIT {limit:d}",
        )


_THERE = (
    "FROM (WITH RECURSIVE columns (x) AS (SELECT min(x) FROM job_quadrants WHERE x >= ?1 UNION ALL "
    "SELECT (SELECT min(x) FROM job_quadrants WHERE x > columns.x) FROM columns WHERE x < ?3) "
    "SELECT x FROM columns WHERE x <= ?3) columns CROSS JOIN job_quadrants c ON c.x = columns.x "
    "WHERE c.y BETWEEN ?2 AND ?4 AND c.job_id >= ?5"
)
"""The cells in a box of the jobs from one on; columns in which nothing ever was are not even passed."""
_COLUMNS = (
    "(WITH RECURSIVE columns (x) AS (SELECT ?1 UNION ALL SELECT x + 1 FROM columns WHERE x < ?3) "
    "SELECT x FROM columns) columns"
)
"""Every x of a box: column by column nothing is looked at that lies above or below it."""


def _among(layers: Collection[Layer] | None, place: str) -> str:
    """A condition on jobs: that they draw one of the layers in a parameter of the statement, if there are."""
    drawn = "CASE kind WHEN 'generate' THEN layer ELSE 'render' END"
    return "" if layers is None else f"AND {drawn} IN (SELECT value FROM json_each({place}))"


def _is_small(x0: int, y0: int, x1: int, y1: int) -> bool:
    """Whether few jobs ever were in a box; in a large one fewer are under way than there ever were."""
    return (x1 - x0 + 1) * (y1 - y0 + 1) <= SMALL_BOX


def _joined(x0: int, y0: int, x1: int, y1: int) -> str:
    """The jobs that touch a box, as tables to select from: `c` is where, `q` is the job.

    The box is ?1 to ?4 of the statement, so that it reads the same wherever one asks.
    """
    if _is_small(x0, y0, x1, y1):
        return (
            f"{_COLUMNS} CROSS JOIN job_quadrants c ON c.x = columns.x "
            "CROSS JOIN generation_queue q ON q.id = c.job_id"
        )
    return "generation_queue q CROSS JOIN job_quadrants c ON c.job_id = q.id"
