"""The first tables: what the world of version 1 was laid in, and how a table is made."""

from typing import Any

from sqlite_utils import Database


def lay(db: Database) -> None:
    """Lay the queue, the plans, the tiles, the events and what the keeper remembers about itself."""
    make_table(
        db,
        "plans",
        {
            "id": str,
            "name": str,
            "model_id": str,
            "lane": str,
            "created_at": float,
            "settled": int,
            "quadrants_total": int,
            "position": int,
            "first_job": int,
            "jobs": int,
            "borrowed": str,
            "x0": int,
            "y0": int,
            "x1": int,
            "y1": int,
        },
        pk="id",
    )
    make_table(
        db,
        "generation_queue",
        {
            "id": int,
            "plan_id": str,
            "step": str,
            "kind": str,
            "status": str,
            "model_id": str,
            "prompt": str,
            "negative_prompt": str,
            "quadrants": str,
            "padding": str,
            "scaffold": str,
            "x": int,
            "y": int,
            "lane": str,
            "priority": int,
            "deaths": int,
            "attempt": int,
            "max_attempts": int,
            "not_before": float,
            "token": int,
            "lease_request": str,
            "lease_worker": str,
            "lease_expires_at": float,
            "worker": str,
            "doing": str,
            "error_class": str,
            "reason": str,
            "created_at": float,
            "started_at": float,
            "finished_at": float,
        },
        pk="id",
    )
    make_table(db, "dependencies", {"job_id": int, "needs_id": int}, pk=("job_id", "needs_id"))
    make_table(db, "job_quadrants", {"x": int, "y": int, "job_id": int, "role": str}, pk=("x", "y", "job_id"))
    make_table(
        db,
        "tile_versions",
        {
            "version": int,
            "layer": str,
            "x": int,
            "y": int,
            "sha256": str,
            "job_id": int,
            "plan_id": str,
            "model_id": str,
            "prompt": str,
            "negative_prompt": str,
            "worker": str,
            "seconds": float,
            "model_seconds": float,
            "attempt": int,
            "template": str,
            "source": str,
            "scaffold": int,
            "created_at": float,
        },
        pk="version",
    )
    make_table(
        db,
        "tiles",
        {"layer": str, "x": int, "y": int, "version": int, "scaffold_plan": str},
        pk=("layer", "x", "y"),
        nullable=("scaffold_plan",),
    )
    make_table(db, "assets", {"name": str, "sha256": str, "job_id": int, "created_at": float}, pk="name")
    make_table(
        db,
        "orphan_results",
        {
            "id": int,
            "job_id": int,
            "token": int,
            "layer": str,
            "x": int,
            "y": int,
            "sha256": str,
            "made": str,
            "received_at": float,
        },
        pk="id",
    )
    make_table(
        db, "events", {"seq": int, "at": float, "plan_id": str, "job_id": int, "change": str}, pk="seq"
    )
    make_table(db, "settings", {"name": str, "value": int}, pk="name")
    _index_all(db)


def make_table(
    db: Database,
    name: str,
    columns: dict[str, Any],
    *,
    pk: str | tuple[str, ...],
    nullable: tuple[str, ...] = (),
) -> None:
    """Make a strict table whose columns hold something, but for the `nullable` ones; `pk` is its key."""
    keys = (pk,) if isinstance(pk, str) else pk
    needed = {column for column in columns if column not in nullable and column not in keys}
    db.table(name).create(columns, pk=pk, not_null=needed, strict=True)


def add_columns(db: Database, *columns: tuple[str, str, str]) -> None:
    """Add those of `columns` that are missing: table, name, and the type with what it must hold."""
    for table, column, kind in columns:
        if column not in db.table(table).columns_dict:
            db.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")


def _index_all(db: Database) -> None:
    for sql in (
        # Partial: to lease among a million pending jobs takes microseconds, whatever has ended.
        "CREATE INDEX queue_next ON generation_queue (kind, priority, deaths, id) WHERE status = 'pending'",
        "CREATE INDEX queue_position ON generation_queue (priority, deaths, id) WHERE status = 'pending'",
        "CREATE INDEX queue_expiring ON generation_queue (lease_expires_at) WHERE status = 'processing'",
        "CREATE INDEX queue_counts ON generation_queue (status, model_id)",
        "CREATE INDEX queue_of_plan ON generation_queue (plan_id, status)",
        "CREATE INDEX dependants ON dependencies (needs_id)",
        "CREATE INDEX job_quadrants_of_job ON job_quadrants (job_id)",
        "CREATE INDEX versions_of_quadrant ON tile_versions (x, y)",
        # A job puts each of its tiles on the map once, whatever is sent twice.
        "CREATE UNIQUE INDEX versions_once ON tile_versions (job_id, layer, x, y)",
        "CREATE INDEX versions_recent ON tile_versions (created_at) WHERE layer = 'generation'",
        "CREATE INDEX tiles_x ON tiles (x)",
        "CREATE INDEX tiles_y ON tiles (y)",
        "CREATE INDEX tiles_scaffold ON tiles (scaffold_plan) WHERE scaffold_plan IS NOT NULL",
        "CREATE INDEX plans_open ON plans (settled) WHERE settled = 0",
    ):
        db.execute(sql)
