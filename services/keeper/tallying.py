"""The triggers that keep the tallies: whatever changes a job or a tile, the figures people see stay true."""


def _counted(row: str, way: str) -> str:
    """One job more or less in both tallies."""
    return (
        f"INSERT INTO queue_tally VALUES ({row}.status, {row}.model_id, {way}1) "
        f"ON CONFLICT (status, model_id) DO UPDATE SET jobs = jobs {way}1; "
        f"INSERT INTO plan_tally VALUES ({row}.plan_id, {row}.kind, {row}.status, {way}1, "
        f"{way}json_array_length({row}.quadrants), {way}{row}.calls, {way}{row}.cost) "
        "ON CONFLICT (plan_id, kind, status) DO UPDATE SET jobs = jobs + excluded.jobs, "
        "quadrants = quadrants + excluded.quadrants, calls = calls + excluded.calls, "
        "cost = cost + excluded.cost;"
    )


_STANDS = (
    "INSERT INTO tile_tally VALUES ({0}.layer, {1}1) ON CONFLICT (layer) DO UPDATE SET tiles = tiles {1}1;"
)

TALLYING = (
    "CREATE TRIGGER IF NOT EXISTS job_added AFTER INSERT ON generation_queue "
    f"BEGIN {_counted('NEW', '+')} END",
    "CREATE TRIGGER IF NOT EXISTS job_removed AFTER DELETE ON generation_queue "
    f"BEGIN {_counted('OLD', '-')} END",
    "CREATE TRIGGER IF NOT EXISTS job_changed "
    "AFTER UPDATE OF status, model_id, plan_id, calls, cost ON generation_queue "
    "WHEN OLD.status <> NEW.status OR OLD.model_id <> NEW.model_id OR OLD.plan_id <> NEW.plan_id "
    "OR OLD.calls <> NEW.calls OR OLD.cost <> NEW.cost "
    f"BEGIN {_counted('OLD', '-')} {_counted('NEW', '+')} END",
    "CREATE TRIGGER IF NOT EXISTS tile_laid AFTER INSERT ON tiles WHEN NEW.scaffold_plan IS NULL "
    f"BEGIN {_STANDS.format('NEW', '+')} END",
    "CREATE TRIGGER IF NOT EXISTS tile_lifted AFTER DELETE ON tiles WHEN OLD.scaffold_plan IS NULL "
    f"BEGIN {_STANDS.format('OLD', '-')} END",
    "CREATE TRIGGER IF NOT EXISTS tile_kept AFTER UPDATE OF scaffold_plan ON tiles "
    "WHEN OLD.scaffold_plan IS NOT NULL AND NEW.scaffold_plan IS NULL "
    f"BEGIN {_STANDS.format('NEW', '+')} END",
    "CREATE TRIGGER IF NOT EXISTS tile_scaffolded AFTER UPDATE OF scaffold_plan ON tiles "
    "WHEN OLD.scaffold_plan IS NULL AND NEW.scaffold_plan IS NOT NULL "
    f"BEGIN {_STANDS.format('OLD', '-')} END",
)

RECOUNT = (
    "DELETE FROM queue_tally",
    "INSERT INTO queue_tally SELECT status, model_id, count(*) FROM generation_queue "
    "GROUP BY status, model_id",
    "DELETE FROM plan_tally",
    "INSERT INTO plan_tally SELECT plan_id, kind, status, count(*), sum(json_array_length(quadrants)), "
    "sum(calls), sum(cost) FROM generation_queue GROUP BY plan_id, kind, status",
    "DELETE FROM tile_tally",
    "INSERT INTO tile_tally SELECT layer, count(*) FROM tiles WHERE scaffold_plan IS NULL GROUP BY layer",
)
"""The tallies from nothing: the figures that the triggers keep from then on."""
