"""A world of an earlier version, opened by this one."""

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlite_utils import Database

from protocol.control import Changed, ListPlans, Plans, RetryPlan
from protocol.ingest import Accepted
from protocol.region import Fill
from services.keeper import schema
from services.keeper.migrations import migrations
from tests.keeper.house import House, island, opened

FIRST_TABLES = """
    DROP TRIGGER job_added; DROP TRIGGER job_removed; DROP TRIGGER job_changed;
    DROP TRIGGER tile_laid; DROP TRIGGER tile_lifted; DROP TRIGGER tile_kept; DROP TRIGGER tile_scaffolded;
    DROP TABLE models; DROP TABLE saw;
    DROP TABLE queue_tally; DROP TABLE plan_tally; DROP TABLE tile_tally;
    DROP INDEX queue_turn; DROP INDEX queue_turn_of_model; DROP INDEX queue_order; DROP INDEX queue_lane;
    DROP INDEX queue_blocked; DROP INDEX queue_held_all;
    DELETE FROM _sqlite_migrations WHERE name LIKE 'm004%';
    ALTER TABLE tile_versions DROP COLUMN seam; ALTER TABLE tile_versions DROP COLUMN flagged;
    DELETE FROM _sqlite_migrations WHERE name LIKE 'm007%';
    ALTER TABLE generation_queue DROP COLUMN handle; ALTER TABLE generation_queue DROP COLUMN reserved;
    ALTER TABLE generation_queue DROP COLUMN presumed; ALTER TABLE generation_queue DROP COLUMN retold;
    DELETE FROM _sqlite_migrations WHERE name LIKE 'm009%';
    ALTER TABLE plans DROP COLUMN cost_cap; ALTER TABLE plans DROP COLUMN reserved;
    ALTER TABLE plans DROP COLUMN capped;
    DELETE FROM _sqlite_migrations WHERE name LIKE 'm005%';
    DROP INDEX versions_recent;
    CREATE INDEX versions_recent ON tile_versions (created_at) WHERE layer = 'generation';
    ALTER TABLE generation_queue DROP COLUMN layer; ALTER TABLE generation_queue DROP COLUMN input_layer;
    ALTER TABLE plans DROP COLUMN layer;
    DELETE FROM _sqlite_migrations WHERE name LIKE 'm006%';
    DROP INDEX repairs_of_quadrant; DROP INDEX queue_barred; DROP INDEX queue_palette;
    DROP INDEX queue_taken; DROP INDEX queue_finished; DROP INDEX tiles_stale; DROP INDEX versions_of_plan;
    DROP INDEX queue_candidates; ALTER TABLE generation_queue DROP COLUMN candidate;
    ALTER TABLE generation_queue DROP COLUMN seed;
    DELETE FROM _sqlite_migrations WHERE name LIKE 'm008%';
    UPDATE generation_queue SET priority = lane = 'bulk';
    ALTER TABLE generation_queue DROP COLUMN rank; ALTER TABLE generation_queue DROP COLUMN place;
    ALTER TABLE generation_queue DROP COLUMN suspended; ALTER TABLE generation_queue DROP COLUMN limited;
    ALTER TABLE generation_queue DROP COLUMN calls; ALTER TABLE generation_queue DROP COLUMN cost;
    DROP INDEX plans_halted; ALTER TABLE plans DROP COLUMN priority; ALTER TABLE plans DROP COLUMN paused;
    ALTER TABLE plans DROP COLUMN staged; ALTER TABLE plans DROP COLUMN entered;
    ALTER TABLE tile_versions DROP COLUMN token; ALTER TABLE tile_versions DROP COLUMN replaced;
    ALTER TABLE tile_versions DROP COLUMN seed; ALTER TABLE tile_versions DROP COLUMN parameters;
    ALTER TABLE tile_versions DROP COLUMN renders; ALTER TABLE tile_versions DROP COLUMN cost;
    ALTER TABLE tiles DROP COLUMN stale;
    DROP TABLE orphan_results;
    CREATE TABLE orphan_results (
        id INTEGER PRIMARY KEY, job_id INTEGER NOT NULL, token INTEGER NOT NULL, layer TEXT NOT NULL,
        x INTEGER NOT NULL, y INTEGER NOT NULL, sha256 TEXT NOT NULL,
        made TEXT NOT NULL, received_at REAL NOT NULL
    ) STRICT;
    DELETE FROM _sqlite_migrations WHERE name LIKE 'm010%';
    DELETE FROM _sqlite_migrations WHERE name LIKE 'm003%';
    DROP TABLE repairs; DROP INDEX queue_held;
    ALTER TABLE plans DROP COLUMN left_out; ALTER TABLE plans DROP COLUMN left_out_count;
    ALTER TABLE generation_queue DROP COLUMN held;
    DELETE FROM _sqlite_migrations WHERE name LIKE 'm002%';
    PRAGMA user_version = 1;
"""


def aged(short: Path, *also: str) -> House:
    """A world of version 1 with a plan in it of which one step was found illegal at its lease."""
    with opened(short) as house:
        house.publish(
            island(0, 0, "a"), island(10, 0, "b"), island(20, 0, "c", after=["b"]), id="p", name="Old"
        )
        house.peer("work").work_off("render")
        worker = house.peer("work")
        worker.ack(worker.lease("generate"))
    house = House(short)
    with closing(sqlite3.connect(house.data / "tilewright.db")) as connection:
        connection.executescript(FIRST_TABLES)
        connection.execute(
            "UPDATE generation_queue SET status = 'error', error_class = 'seam', reason = 'A seam.' "
            "WHERE step = 'b'"
        )
        connection.execute("UPDATE plans SET settled = 1")
        for sql in also:
            connection.execute(sql)
        connection.commit()
        assert migrations.pending(Database(connection))
    return house


def check(house: House) -> None:
    house.open()
    try:
        jobs = {job.step: job for job in house.jobs(kind="generate")}
        assert {step: job.state for step, job in jobs.items()} == {
            "a": "complete",
            "b": "blocked",
            "c": "blocked",
        }
        assert jobs["b"].reason == "A seam."
        control = house.peer("control")
        (view,) = control.ask(ListPlans(), Plans).plans
        assert (view.name, view.stuck, view.failed, view.held) == ("Old", True, 0, 2)
        assert control.ask(RetryPlan(plan="p"), Changed).jobs == 1
        control.ask(Fill(plan="f", rectangle=(40, 40, 42, 42)), Accepted)
        house.peer("work").work_off()
        assert {job.state for job in house.jobs(kind="generate")} == {"complete"}
    finally:
        house.end()
    assert house.failure is None
    assert house.select("PRAGMA user_version") == [(schema.VERSION,)]


def test_what_was_found_illegal_becomes_blocked_with_what_waits_for_it(short: Path) -> None:
    check(aged(short))


def test_a_migration_that_was_cut_short_is_gone_on_with(short: Path) -> None:
    check(
        aged(
            short,
            "ALTER TABLE plans ADD COLUMN left_out TEXT NOT NULL DEFAULT '[]'",
            "CREATE TABLE repairs (plan_id TEXT, x INTEGER, y INTEGER, PRIMARY KEY (plan_id, x, y)) STRICT",
        )
    )


def test_late_results_keep_their_numbers_and_the_newest_is_not_given_again(short: Path) -> None:
    row = "INSERT INTO orphan_results VALUES ({}, 1, {}, 'generation', 0, 0, 'aa', '{{}}', 1.0)"
    house = aged(short, row.format(3, 1), row.format(7, 2))
    house.open()
    house.end()
    assert house.select("SELECT id FROM orphan_results") == [(3,), (7,)]
    with closing(sqlite3.connect(house.data / "tilewright.db")) as connection:
        connection.execute("DELETE FROM orphan_results WHERE id = 7")
        added = connection.execute(
            "INSERT INTO orphan_results (job_id, token, layer, x, y, sha256, made, received_at) "
            "VALUES (1, 4, 'generation', 0, 0, 'aa', '{}', 1.0)"
        )
        assert added.lastrowid == 8
        indices = {row[1] for row in connection.execute("PRAGMA index_list(orphan_results)")}
    assert indices == {"orphans_once", "orphans_waiting"}
