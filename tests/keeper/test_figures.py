"""What people are told of a queue: found in indexes, counted by tallies, the same as a recount."""

import random
import re
import sqlite3
from collections.abc import Iterator

import pytest

from bench import figures, history
from protocol.control import (
    CancelJob,
    CancelPlan,
    Changed,
    ListJobs,
    ListPlans,
    Pause,
    Plans,
    Resume,
    RetryFailed,
)
from protocol.ingest import Accepted
from protocol.region import Fill
from protocol.work import Nack, Nacked
from services.keeper import listing
from services.keeper.store import Store
from services.keeper.tallying import RECOUNT
from services.keeper.views import Views
from tests.keeper.house import House, Peer, island

TABLES = (
    "generation_queue|tile_versions|tiles|events|plans|dependencies|job_quadrants|plan_tally|saw|"
    "orphan_results"
)


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Views, sqlite3.Connection]]:
    """A small world of the kind that the bench measures a million jobs of."""
    folder = tmp_path_factory.mktemp("past")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "PENDING_PLANS", 3)
        patch.setattr(history, "SINGLES", 50)
        patch.setattr(history, "FAILED", 300)
        patch.setattr(history, "LARGE", 1_000)
        patch.setattr(history, "HELD", 1_000)
        # So that also here not all that is meant is found at once.
        patch.setattr(listing, "SCAN", 250)
        patch.setattr(listing, "CHUNK", 50)
        history.build(folder, 4)
        with figures.opened(folder) as (store, views):
            yield store, views, store._connection


def test_no_figure_scans_a_table(past: tuple[Store, Views, sqlite3.Connection]) -> None:
    store, views, connection = past
    asked: set[str] = set()
    connection.set_trace_callback(asked.add)
    for ask in figures.asks(store, views).values():
        ask()
    connection.set_trace_callback(None)
    assert len(asked) > 50
    scans = {
        sql: row[3]
        for sql in asked
        if sql.lstrip().startswith(("SELECT", "WITH"))
        for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}")
        if is_a_walk(sql, row[3])
    }
    assert scans == {}


def is_a_walk(sql: str, detail: str) -> bool:
    """Whether a step of a query goes through a table that grows, and not only through the end of one."""
    scan = re.match(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?", detail)
    aliases = {alias: table for table, alias in re.findall(rf"\b(?:FROM|JOIN) ({TABLES})(?: (\w+))?", sql)}
    if scan is None or not (scan[1] in aliases or re.fullmatch(TABLES, scan[1])):
        return False
    # Those that are pending, in the order of the line, and the newest plans: as many as are asked for.
    ends = scan[2] in ("queue_order", "queue_lane", "plans_open") or "ORDER BY rowid DESC" in sql
    return not (ends and " LIMIT " in sql and "model_id = " not in sql)


def test_pages_have_every_job_once_in_both_orders(past: tuple[Store, Views, sqlite3.Connection]) -> None:
    _, views, connection = past
    for wanted, where in (
        ({}, "1"),
        ({"states": ["error", "processing"]}, "status IN ('error', 'processing')"),
        ({"model_id": "slow-model"}, "model_id = 'slow-model'"),
        ({"plan": "past-1", "kind": "render"}, "plan_id = 'past-1' AND kind = 'render'"),
        ({"plan": "last", "model_id": "fast-model"}, "plan_id = 'last' AND model_id = 'fast-model'"),
        ({"error_class": "moderated"}, "error_class = 'moderated'"),
        ({"text": "HARBOUR"}, "prompt LIKE '%harbour%'"),
        ({"text": "refused", "kind": "generate"}, "reason LIKE '%refused%'"),
    ):
        ids = [
            row[0] for row in connection.execute(f"SELECT id FROM generation_queue WHERE {where} ORDER BY id")
        ]
        for newest in (False, True):
            found: list[int] = []
            cursor = 0
            while True:
                page = views.jobs(
                    ListJobs.model_validate({**wanted, "newest": newest, "cursor": cursor, "limit": 500})
                )
                found += [job.job for job in page.jobs]
                assert page.at_least or page.total == len(ids)
                if not (cursor := page.cursor):
                    break
            assert found == (ids[::-1] if newest else ids)


def test_the_tallies_are_those_of_a_recount(house: House, control: Peer, worker: Peer) -> None:
    chance = random.Random(4)
    control.ask(Fill(plan="fill", rectangle=(0, 0, 3, 3)), Accepted)
    for i in range(3):
        house.publish(island(20 + 10 * i, 0, "a"), island(20 + 10 * i, 10, "b", after=["a"]), id=f"p{i}")
    while (lease := worker.ready()) is not None:
        if lease.work.kind == "generate" and chance.random() < 0.3:
            nack = Nack(
                job=lease.job, token=lease.token, error_class="rejected", reason="No.", calls=1, cost=0.01
            )
            worker.ask(nack, Nacked)
        else:
            worker.ack(lease)
    control.ask(RetryFailed(), Changed)
    some = house.jobs(states=["pending", "blocked"])
    control.ask(CancelJob(job=some[0].job), Changed)
    control.ask(CancelPlan(plan="p2"), Changed)
    tables = ("queue_tally", "plan_tally", "tile_tally")
    house.close()
    kept = {table: _rows(house, table) for table in tables}
    for sql in RECOUNT:
        house.select(sql)
    assert {table: _rows(house, table) for table in tables} == kept
    assert sum(row[-1] for row in kept["plan_tally"]) > 0


def _rows(house: House, table: str) -> list[tuple[object, ...]]:
    found = house.select(f"SELECT * FROM {table} WHERE {'tiles' if table == 'tile_tally' else 'jobs'} <> 0")
    return sorted(
        tuple(round(value, 6) if isinstance(value, float) else value for value in row) for row in found
    )


def test_nothing_is_foretold_while_it_is_paused_or_held(house: House, control: Peer, worker: Peer) -> None:
    house.publish(island(0, 0), id="before")
    worker.work_off()
    house.publish(island(20, 0, "a"), island(30, 0, "b", after=["a"]), id="p")
    worker.work_off("render")

    def left() -> list[float | None]:
        return [job.seconds_left for job in house.jobs(plan="p", kind="generate")]

    def plan_left() -> float | None:
        return control.ask(ListPlans(), Plans).plans[0].seconds_left

    assert (left(), plan_left()) == ([0.5, 1.0], 1.0)
    for pause in (Pause(), Pause(plan="p"), Pause(model_id="plain")):
        control.ask(pause, Changed)
        assert (left(), plan_left()) == ([None, None], None)
        assert all(job.paused for job in house.jobs(plan="p", kind="generate"))
        control.ask(Resume(model_id=pause.model_id, plan=pause.plan), Changed)
    assert (left(), plan_left()) == ([0.5, 1.0], 1.0)

    lease = worker.lease("generate")
    # A clock that somebody has set a day forward: at most it is late by now.
    house.clock.now += 86_400
    assert left() == [0.0, 1.0]
    worker.ask(Nack(job=lease.job, token=lease.token, error_class="rejected", reason="No."), Nacked)
    assert left() == [None, None]
    model = next(model for model in house.status().models if model.model_id == "plain")
    assert (model.seconds_p50, model.pending, model.in_hands) == (0.5, 0, 0)
