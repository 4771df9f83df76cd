"""The tables, as migrations that lead to them one after the other."""

from sqlite_utils import Database, Migrations

from services.keeper.schema import BULK_RANK, RENDERED
from services.keeper.tables import add_columns, lay, make_table
from services.keeper.tallying import RECOUNT, TALLYING

migrations = Migrations("tilewright")


@migrations()
def m001_first_tables(db: Database) -> None:
    """Lay the queue, the plans, the tiles, the events and what the keeper remembers about itself."""
    lay(db)


@migrations()
def m002_plans_that_repair(db: Database) -> None:
    """Let plans repair and leave out, and let the queue know which blocked jobs cannot go on."""
    # Each statement may have been done by a life of the keeper that was killed right after it.
    if "repairs" not in db.table_names():
        make_table(db, "repairs", {"plan_id": str, "x": int, "y": int}, pk=("plan_id", "x", "y"))
    add_columns(
        db,
        ("plans", "left_out", "TEXT NOT NULL DEFAULT '[]'"),
        ("plans", "left_out_count", "INTEGER NOT NULL DEFAULT 0"),
        ("generation_queue", "held", "INTEGER NOT NULL DEFAULT 0"),
    )
    for sql in (
        "CREATE INDEX IF NOT EXISTS queue_next_of_model ON generation_queue "
        "(kind, model_id, priority, deaths, id) WHERE status = 'pending'",
        "CREATE INDEX IF NOT EXISTS queue_held ON generation_queue (plan_id) WHERE held = 1",
        # What is no longer legal was called failed before; it is blocked, with the reason.
        "UPDATE generation_queue SET status = 'blocked', finished_at = 0 "
        "WHERE status = 'error' AND error_class = 'seam'",
        "UPDATE generation_queue SET held = 1 WHERE status = 'blocked' AND error_class = 'seam'",
        "WITH RECURSIVE behind (id) AS ("
        "SELECT d.job_id FROM generation_queue n JOIN dependencies d ON d.needs_id = n.id "
        "WHERE n.status IN ('error', 'cancelled') OR n.held = 1 "
        "UNION SELECT d.job_id FROM behind b JOIN dependencies d ON d.needs_id = b.id) "
        "UPDATE generation_queue SET held = 1 WHERE status = 'blocked' AND id IN (SELECT id FROM behind)",
    ):
        db.execute(sql)


@migrations()
def m003_order_and_provenance(db: Database) -> None:
    """Let jobs be moved, plans and models be paused, figures be kept, tiles say where they came from."""
    # Each statement may have been done by a life of the keeper that was killed right after it.
    tables = set(db.table_names())
    if "models" not in tables:
        make_table(
            db,
            "models",
            {"model_id": str, "paused": int, "until": float, "reason": str, "strikes": int},
            pk="model_id",
        )
    if "saw" not in tables:
        make_table(db, "saw", {"version": int, "seen": int}, pk=("version", "seen"))
    if "queue_tally" not in tables:
        make_table(
            db, "queue_tally", {"status": str, "model_id": str, "jobs": int}, pk=("status", "model_id")
        )
    if "plan_tally" not in tables:
        make_table(
            db,
            "plan_tally",
            {
                "plan_id": str,
                "kind": str,
                "status": str,
                "jobs": int,
                "quadrants": int,
                "calls": int,
                "cost": float,
            },
            pk=("plan_id", "kind", "status"),
        )
    if "tile_tally" not in tables:
        make_table(db, "tile_tally", {"layer": str, "tiles": int}, pk="layer")
    number = "INTEGER NOT NULL DEFAULT 0"
    add_columns(
        db,
        ("generation_queue", "rank", number),
        ("generation_queue", "place", number),
        ("generation_queue", "suspended", number),
        ("generation_queue", "limited", number),
        ("generation_queue", "calls", number),
        ("generation_queue", "cost", "REAL NOT NULL DEFAULT 0"),
        ("plans", "priority", number),
        ("plans", "paused", number),
        ("plans", "staged", "TEXT NOT NULL DEFAULT ''"),
        ("plans", "entered", number),
        ("tile_versions", "token", number),
        ("tile_versions", "replaced", number),
        ("tile_versions", "seed", "INTEGER"),
        ("tile_versions", "parameters", "TEXT NOT NULL DEFAULT ''"),
        ("tile_versions", "renders", "TEXT NOT NULL DEFAULT ''"),
        ("tile_versions", "cost", "REAL"),
        ("tiles", "stale", number),
        ("repairs", "taken", number),
        ("orphan_results", "adopted", number),
        ("orphan_results", "attempt", number),
        ("orphan_results", "model_id", "TEXT NOT NULL DEFAULT ''"),
        ("orphan_results", "prompt", "TEXT NOT NULL DEFAULT ''"),
        ("orphan_results", "negative_prompt", "TEXT NOT NULL DEFAULT ''"),
    )
    for sql in (
        # `priority` was 0 or 1 by the lane; from here on it is a person's number.
        f"UPDATE generation_queue SET rank = CASE lane WHEN 'interactive' THEN 0 ELSE {BULK_RANK} END, "
        "priority = 0, place = id << 20 WHERE place = 0",
        "UPDATE plans SET entered = jobs WHERE entered = 0",
        "DROP INDEX IF EXISTS queue_next",
        "DROP INDEX IF EXISTS queue_next_of_model",
        "DROP INDEX IF EXISTS queue_position",
        "CREATE INDEX IF NOT EXISTS queue_turn ON generation_queue (kind, rank, deaths, place, id) "
        "WHERE status = 'pending' AND suspended = 0",
        "CREATE INDEX IF NOT EXISTS queue_turn_of_model ON generation_queue "
        "(kind, model_id, rank, deaths, place, id) WHERE status = 'pending' AND suspended = 0",
        # With what it is partial by: else SQLite looks into the table to be sure of it, for every job.
        "CREATE INDEX IF NOT EXISTS queue_order "
        "ON generation_queue (rank, deaths, place, id, status, suspended) "
        "WHERE status = 'pending' AND suspended = 0",
        # With what work it is, so that what lies before a job is summed up in the index alone.
        "CREATE INDEX IF NOT EXISTS queue_lane "
        "ON generation_queue (rank, place, kind, model_id, held, suspended, status) "
        "WHERE status IN ('pending', 'blocked')",
        "CREATE INDEX IF NOT EXISTS queue_taken ON generation_queue (model_id, kind, id) "
        "WHERE status = 'complete'",
        "CREATE INDEX IF NOT EXISTS queue_finished ON generation_queue (model_id, finished_at) "
        "WHERE status = 'complete'",
        "CREATE INDEX IF NOT EXISTS plans_halted ON plans (paused) WHERE paused <> 0",
        "CREATE INDEX IF NOT EXISTS repairs_of_quadrant ON repairs (x, y)",
        "CREATE INDEX IF NOT EXISTS saw_by_seen ON saw (seen)",
        "CREATE INDEX IF NOT EXISTS tiles_stale ON tiles (x, y) WHERE stale = 1",
        "CREATE INDEX IF NOT EXISTS versions_of_plan ON tile_versions (plan_id)",
        "CREATE UNIQUE INDEX IF NOT EXISTS orphans_once ON orphan_results (job_id, token, layer, x, y)",
        "CREATE INDEX IF NOT EXISTS orphans_waiting ON orphan_results (adopted, id)",
        # Of a plan that is held as a whole, of one palette among all renders, of ten thousand open plans:
        # each is asked again and again, so each is answered from an index alone.
        "DROP INDEX IF EXISTS queue_held",
        "CREATE INDEX queue_held ON generation_queue (plan_id, kind) WHERE held = 1",
        "CREATE INDEX IF NOT EXISTS queue_barred ON generation_queue (plan_id) "
        "WHERE status = 'blocked' AND error_class = 'seam'",
        "CREATE INDEX IF NOT EXISTS queue_palette ON generation_queue (status) WHERE kind = 'palette'",
        "DROP INDEX IF EXISTS plans_open",
        "CREATE INDEX plans_open ON plans (settled, x0, y0, x1, y1) WHERE settled = 0",
        *RECOUNT,
        *TALLYING,
    ):
        db.execute(sql)


@migrations()
def m004_figures_of_large_plans(db: Database) -> None:
    """Let what lies before a job be counted by kind and model, in indexes alone."""
    # Each statement may have been done by a life of the keeper that was killed right after it.
    for sql in (
        "DROP INDEX IF EXISTS queue_lane",
        "CREATE INDEX queue_lane ON generation_queue (rank, place) WHERE status IN ('pending', 'blocked')",
        "CREATE INDEX IF NOT EXISTS queue_blocked ON generation_queue (kind, model_id, rank, place) "
        "WHERE status = 'blocked' AND held = 0",
        "CREATE INDEX IF NOT EXISTS queue_held_all ON generation_queue (id) WHERE held = 1",
    ):
        db.execute(sql)


@migrations()
def m005_calls_and_money(db: Database) -> None:
    """Let calls under way be found again, models rest and keep to a rhythm, budgets and caps be kept."""
    # Each statement may have been done by a life of the keeper that was killed right after it.
    number, amount = "INTEGER NOT NULL DEFAULT 0", "REAL NOT NULL DEFAULT 0"
    add_columns(
        db,
        ("generation_queue", "handle", "TEXT NOT NULL DEFAULT ''"),
        ("generation_queue", "reserved", amount),
        ("generation_queue", "presumed", amount),
        ("models", "failures", number),
        ("models", "trips", number),
        ("models", "resting", amount),
        ("models", "fault", "TEXT NOT NULL DEFAULT ''"),
        ("models", "paced", amount),
        ("models", "day", number),
        ("models", "spent", amount),
        ("models", "shut", number),
        ("plans", "cost_cap", "REAL"),
        ("plans", "reserved", amount),
        ("plans", "capped", "TEXT NOT NULL DEFAULT ''"),
    )


@migrations()
def m006_layers(db: Database) -> None:
    """Let plans draw other layers than `generation`, each with seams, repairs and figures of its own."""
    # Each statement may have been done by a life of the keeper that was killed right after it.
    add_columns(
        db,
        ("plans", "layer", "TEXT NOT NULL DEFAULT 'generation'"),
        ("repairs", "layer", "TEXT NOT NULL DEFAULT 'generation'"),
        # Files of plans that are still to be put in know nothing of layers.
        ("generation_queue", "layer", "TEXT NOT NULL DEFAULT 'generation'"),
        ("generation_queue", "input_layer", "TEXT NOT NULL DEFAULT 'render'"),
    )
    for sql in (
        "UPDATE generation_queue SET layer = '', input_layer = '' WHERE kind <> 'generate' AND layer <> ''",
        "DROP INDEX IF EXISTS versions_recent",
        f"CREATE INDEX versions_recent ON tile_versions (created_at) WHERE layer NOT IN {RENDERED}",
    ):
        db.execute(sql)


@migrations()
def m007_seam_scores(db: Database) -> None:
    """Let every version say how well it meets its neighbours."""
    # Each statement may have been done by a life of the keeper that was killed right after it.
    add_columns(
        db,
        ("tile_versions", "seam", "REAL"),
        ("tile_versions", "flagged", "INTEGER NOT NULL DEFAULT 0"),
    )


@migrations()
def m008_candidates(db: Database) -> None:
    """Let jobs make candidates, whose results are kept off the map until somebody chooses one."""
    # Each statement may have been done by a life of the keeper that was killed right after it.
    flag = "INTEGER NOT NULL DEFAULT 0"
    add_columns(
        db,
        ("generation_queue", "candidate", flag),
        ("generation_queue", "seed", "INTEGER"),
        ("orphan_results", "candidate", flag),
    )
    db.execute("CREATE INDEX IF NOT EXISTS queue_candidates ON generation_queue (id) WHERE candidate = 1")


@migrations()
def m009_calls_told_twice(db: Database) -> None:
    """Let the cost of a call count once, though two tries tell it."""
    add_columns(db, ("generation_queue", "retold", "REAL NOT NULL DEFAULT 0"))


@migrations()
def m010_numbers_of_late_results(db: Database) -> None:
    """Let the number of a late result that was deleted never be given to another one."""
    schema = db.table("orphan_results").schema
    if "AUTOINCREMENT" in schema:
        return
    lasting = schema.replace("orphan_results", "orphan_results_lasting", 1)
    lasting = lasting.replace("PRIMARY KEY", "PRIMARY KEY AUTOINCREMENT", 1)
    # Migrations are transactions: a life of the keeper that is killed here leaves the table as it was.
    for sql in (
        lasting,
        "INSERT INTO orphan_results_lasting SELECT * FROM orphan_results",
        "DROP TABLE orphan_results",
        "ALTER TABLE orphan_results_lasting RENAME TO orphan_results",
        "CREATE UNIQUE INDEX orphans_once ON orphan_results (job_id, token, layer, x, y)",
        "CREATE INDEX orphans_waiting ON orphan_results (adopted, id)",
    ):
        db.execute(sql)
