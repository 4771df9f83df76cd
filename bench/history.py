"""A world with a long past: as many ended jobs as asked for, written straight into a database."""

import sqlite3
from pathlib import Path

from protocol.work import Made
from services.keeper.database import DatabaseFile
from services.keeper.tallying import RECOUNT, TALLYING

PLAN_JOBS = 100
"""20 renders, then 80 model calls that fill 16×10 quadrants, two at a time."""
BLOCKS = 50
"""Blocks of 16×10 in a row of the map."""
ROUNDS = 4
"""How many plans drew each block, one after the other."""
SINGLES = 1_000
PENDING_PLANS = 90
"""Of 100 pending calls each; with the singles 10,000 jobs wait."""
WORKING = 16
FAILED = 1_000
LARGE = 100_000
"""Jobs of one plan that has just begun: each waits for the one before it and one far before it."""
HELD = 20_000
"""Jobs of one plan whose first has failed: each waits for the one before it."""
NOW = 1_800_000_000.0
JOB_SECONDS = 20.0
MODELS = ("pixel-art", "slow-model", "fast-model")

_SERIES = "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {last}) "


def build(data: Path, plans: int) -> None:
    """Write a world of that many plans, ended long ago, and of what waits behind them."""
    data.mkdir(parents=True, exist_ok=True)
    file = DatabaseFile(data)
    connection = file.connection
    connection.execute("PRAGMA synchronous = OFF")
    indexes = [
        row[0]
        for row in connection.execute("SELECT sql FROM sqlite_master WHERE type = 'index' AND sql > ''")
    ]
    for kind in ("trigger", "index"):
        for (name,) in connection.execute(
            f"SELECT name FROM sqlite_master WHERE type = '{kind}' AND sql > ''"
        ).fetchall():
            connection.execute(f'DROP {kind} "{name}"')
    connection.execute("BEGIN")
    _ended(connection, plans)
    _waiting(connection, plans)
    _large(connection, plans)
    _order(connection, plans)
    for sql in indexes:
        connection.execute(sql)
    for sql in (*RECOUNT, *TALLYING):
        connection.execute(sql)
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    file.close()


def _ended(db: sqlite3.Connection, plans: int) -> None:
    blocks = plans // ROUNDS
    db.execute(
        f"CREATE TEMP TABLE past AS {_SERIES} SELECT i, i / {{jobs}} AS p, i % {{jobs}} AS k FROM n".format(
            last=plans * PLAN_JOBS - 1, jobs=PLAN_JOBS
        )
    )
    place = f"((p % {blocks}) % {BLOCKS}) * 16", f"((p % {blocks}) / {BLOCKS}) * 10"
    # A render is of a frame of 2×2, a model call of 2×1.
    db.execute(
        f"CREATE TEMP TABLE laid AS SELECT i + 1 AS id, p, k, k < 20 AS drawn, "
        f"{place[0]} + CASE WHEN k < 20 THEN (k % 8) * 2 ELSE ((k - 20) % 8) * 2 END AS x, "
        f"{place[1]} + CASE WHEN k < 20 THEN (k / 8) * 2 ELSE (k - 20) / 8 END AS y, "
        f"{NOW} - ({plans * PLAN_JOBS} - i) * 2.0 AS done FROM past"
    )
    db.execute(
        "INSERT INTO plans (id, name, model_id, lane, created_at, settled, quadrants_total, position, "
        "first_job, jobs, borrowed, x0, y0, x1, y1, entered) SELECT 'past-' || p, 'Plan ' || p, ?, 'bulk', "
        "min(done), 1, 160, 0, min(id), count(*), '[]', min(x), min(y), max(x) + 1, max(y), count(*) "
        "FROM laid GROUP BY p",
        (MODELS[0],),
    )
    cells = (
        "CASE WHEN drawn THEN printf('[[%d,%d],[%d,%d],[%d,%d],[%d,%d]]', x, y, x+1, y, x, y+1, x+1, y+1) "
        "ELSE printf('[[%d,%d],[%d,%d]]', x, y, x + 1, y) END"
    )
    model = (
        "CASE WHEN drawn THEN '' WHEN id % 10 = 0 THEN 'slow-model' "
        "WHEN id % 10 = 1 THEN 'fast-model' ELSE 'pixel-art' END"
    )
    _jobs(
        db,
        f"SELECT id, 'past-' || p, 's' || k, CASE WHEN drawn THEN 'render' ELSE 'generate' END, 'complete', "
        f"{model}, CASE WHEN drawn THEN '' ELSE 'an isometric city of the year ' || (1900 + p % 100) || "
        "', seen from the south, in the late light of an afternoon' END, "
        f"{cells}, x, y, 'bulk', 10000, id << 20, 0, 1, done - 40, done - {JOB_SECONDS} - id % 7, done, "
        "'', '' FROM laid",
    )
    for i, j in ((0, 0), (1, 0), (0, 1), (1, 1)):
        db.execute(
            f"INSERT INTO job_quadrants SELECT x + {i}, y + {j}, id, 'quadrants' FROM laid "
            f"WHERE drawn OR {1 - j}"
        )
    for i in (0, 1):
        db.execute(
            "INSERT INTO tile_versions (layer, x, y, sha256, job_id, plan_id, model_id, prompt, "
            "negative_prompt, worker, seconds, model_seconds, attempt, template, source, scaffold, "
            "created_at) "
            f"SELECT CASE WHEN drawn THEN 'render' ELSE 'generation' END, x + {i}, y, "
            f"printf('%064x', id * 2 + {i}), id, 'past-' || p, {model}, 'an isometric city', '', "
            f"'generator-1', {JOB_SECONDS} + id % 7, 18.0, 1, "
            "printf('%064x', id), 'pixel-art', 0, done FROM laid"
        )
    db.execute(
        "INSERT OR REPLACE INTO tiles (layer, x, y, version, scaffold_plan) "
        "SELECT layer, x, y, max(version), NULL FROM tile_versions GROUP BY layer, x, y"
    )
    db.execute("INSERT INTO dependencies SELECT id, id - 20 FROM laid WHERE k >= 20")
    db.execute("INSERT INTO dependencies SELECT id, id - 1 FROM laid WHERE k > 20")
    db.execute(
        "INSERT INTO events (at, plan_id, job_id, \"change\") SELECT done, 'past-' || p, id, "
        """'{"kind":"job","job":' || id || ',"plan":"past-' || p || '","state":"complete",' || """
        """'"job_kind":"generate"}' """
        "FROM laid"
    )


def last_waiting(plans: int) -> int:
    """The last of the pending singles."""
    return plans * PLAN_JOBS + PENDING_PLANS * PLAN_JOBS + SINGLES


def _waiting(db: sqlite3.Connection, plans: int) -> None:
    """Plans and singles that wait east of the map, calls in workers' hands, failures, late results."""
    first = plans * PLAN_JOBS + 1
    count = PENDING_PLANS * PLAN_JOBS + SINGLES + WORKING + FAILED
    db.execute(
        f"CREATE TEMP TABLE rest AS {_SERIES.format(last=count - 1)} SELECT {first} + i AS id, i, "
        f"CASE WHEN i < {PENDING_PLANS * PLAN_JOBS} THEN 'wait-' || (i / {PLAN_JOBS}) "
        f"WHEN i < {PENDING_PLANS * PLAN_JOBS + SINGLES} THEN 'one-' || i ELSE 'last' END AS plan, "
        f"CASE WHEN i < {PENDING_PLANS * PLAN_JOBS + SINGLES} THEN 'pending' "
        f"WHEN i < {PENDING_PLANS * PLAN_JOBS + SINGLES + WORKING} THEN 'processing' "
        "ELSE 'error' END AS status, "
        f"2000 + (i % 100) * 4 AS x, (i / 100) * 4 AS y FROM n"
    )
    db.execute(
        "INSERT INTO plans (id, name, model_id, lane, created_at, settled, quadrants_total, position, "
        "first_job, jobs, borrowed, x0, y0, x1, y1, entered) SELECT plan, '', ?, 'bulk', ?, 0, 4 * count(*), "
        "0, min(id), count(*), '[]', min(x), min(y), max(x) + 1, max(y) + 1, count(*) FROM rest "
        "GROUP BY plan ORDER BY min(id)",
        (MODELS[0], NOW),
    )
    _jobs(
        db,
        "SELECT id, plan, 's' || i, 'generate', status, CASE i % 3 WHEN 0 THEN 'pixel-art' "
        "WHEN 1 THEN 'slow-model' ELSE 'fast-model' END, 'a harbour', "
        "printf('[[%d,%d],[%d,%d],[%d,%d],[%d,%d]]', "
        "x, y, x + 1, y, x, y + 1, x + 1, y + 1), x, y, "
        "CASE WHEN plan LIKE 'one-%' THEN 'interactive' ELSE 'bulk' END, "
        "CASE WHEN plan LIKE 'one-%' THEN 0 ELSE 10000 END, id << 20, 0, status <> 'pending', "
        f"{NOW} - 60, CASE status WHEN 'pending' THEN 0 ELSE {NOW} - 30 END, "
        f"CASE status WHEN 'error' THEN {NOW} - 5 ELSE 0 END, "
        "CASE status WHEN 'error' THEN CASE i % 2 WHEN 0 THEN 'rejected' ELSE 'moderated' END ELSE '' END, "
        "CASE status WHEN 'error' THEN 'The model refused the prompt.' ELSE '' END FROM rest",
    )
    for i, j in ((0, 0), (1, 0), (0, 1), (1, 1)):
        db.execute(f"INSERT INTO job_quadrants SELECT x + {i}, y + {j}, id, 'quadrants' FROM rest")
    db.execute(
        "INSERT INTO orphan_results (job_id, token, layer, x, y, sha256, made, received_at) "
        "SELECT id, 1, 'generation', x, y, printf('%064x', id), ?, ? FROM laid WHERE k = 99 LIMIT 500",
        (Made(worker="generator-1", seconds=JOB_SECONDS).model_dump_json(), NOW - 1e6),
    )


def _large(db: sqlite3.Connection, plans: int) -> None:
    """A plan of very many jobs that has just begun, and one that hangs at its first, far to the east."""
    first = last_waiting(plans) + WORKING + FAILED + 1
    db.execute(
        f"CREATE TEMP TABLE far AS {_SERIES.format(last=LARGE + HELD - 1)} SELECT {first} + i AS id, i, "
        f"CASE WHEN i < {LARGE} THEN 'large' ELSE 'held' END AS plan, "
        f"CASE WHEN i < {LARGE // 100} OR i % 1000 = 0 AND i < {LARGE} THEN 'pending' "
        f"WHEN i = {LARGE} THEN 'error' ELSE 'blocked' END AS status, i >= {LARGE} AS held, "
        f"4000 + (i % 400) * 2 AS x, (i / 400) * 2 AS y FROM n"
    )
    db.execute(
        "INSERT INTO plans (id, name, model_id, lane, created_at, settled, quadrants_total, position, "
        "first_job, jobs, borrowed, x0, y0, x1, y1, entered) SELECT plan, plan, ?, 'bulk', ?, plan = 'held', "
        "4 * count(*), 0, min(id), count(*), '[]', min(x), min(y), max(x) + 1, max(y) + 1, count(*) FROM far "
        "GROUP BY plan ORDER BY min(id)",
        (MODELS[0], NOW),
    )
    _jobs(
        db,
        "SELECT id, plan, 's' || i, 'generate', status, CASE i % 3 WHEN 0 THEN 'pixel-art' "
        "WHEN 1 THEN 'slow-model' ELSE 'fast-model' END, 'a city', "
        "printf('[[%d,%d],[%d,%d],[%d,%d],[%d,%d]]', "
        "x, y, x + 1, y, x, y + 1, x + 1, y + 1), x, y, 'bulk', 10000, id << 20, 0, status = 'error', "
        f"{NOW} - 60, 0, 0, CASE status WHEN 'error' THEN 'rejected' ELSE '' END, "
        "CASE status WHEN 'error' THEN 'The model refused the prompt.' ELSE '' END FROM far",
    )
    db.execute("UPDATE generation_queue SET held = 1 WHERE id IN (SELECT id FROM far WHERE held)")
    db.execute("UPDATE generation_queue SET held = 0 WHERE id >= ? AND status = 'error'", (first,))
    for i, j in ((0, 0), (1, 0), (0, 1), (1, 1)):
        db.execute(f"INSERT INTO job_quadrants SELECT x + {i}, y + {j}, id, 'quadrants' FROM far")
    db.execute("INSERT INTO dependencies SELECT id, id - 1 FROM far WHERE status = 'blocked'")
    db.execute(
        "INSERT INTO dependencies SELECT id, id - 900 FROM far WHERE status = 'blocked' "
        f"AND i >= 900 AND (i < {LARGE} OR i >= {LARGE + 900})"
    )


def _order(db: sqlite3.Connection, plans: int) -> None:
    """Let the newest plans be of every sort: large ones, those that wait, then those that drew a lot."""
    for nth, which in enumerate(
        (f"id IN ({_last(plans, 60)})", "id LIKE 'wait-%'", "id IN ('large', 'held')")
    ):
        db.execute(f"UPDATE plans SET rowid = rowid + {(nth + 1) * 10_000_000} WHERE {which}")


def _last(plans: int, count: int) -> str:
    return ", ".join(f"'past-{plan}'" for plan in range(max(0, plans - count), plans))


def _jobs(db: sqlite3.Connection, select: str) -> None:
    columns = (
        "id, plan_id, step, kind, status, model_id, prompt, quadrants, x, y, lane, rank, place, priority, "
        "attempt, created_at, started_at, finished_at, error_class, reason"
    )
    db.execute(
        f"INSERT INTO generation_queue ({columns}, negative_prompt, padding, scaffold, deaths, max_attempts, "
        "not_before, token, lease_request, lease_worker, lease_expires_at, worker, doing) "
        f"WITH made ({columns}) AS ({select}) SELECT *, '', '[]', '[]', 0, 3, 0, id, '', "
        "CASE status WHEN 'processing' THEN 'generator-1.00000000' ELSE '' END, "
        f"{NOW} + 60, 'generator-1', '' FROM made"
    )
