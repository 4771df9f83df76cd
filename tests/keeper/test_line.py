"""The line: counted by ranges of indexes it is what a walk through all jobs finds, up to a bound."""

import random
import sqlite3
from collections import Counter
from collections.abc import Iterator

import pytest

from services.keeper import line
from services.keeper.database import DatabaseFile
from services.keeper.lifecycle import Job
from services.keeper.row import place, rank, row
from services.keeper.store import Store

SORTS = [("generate", "plain"), ("generate", "slow"), ("render", "")]
JOBS = 400


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, sqlite3.Connection, list[Job]]]:
    """Jobs of every sort, some moved, urgent, deadly, paused, held or ended."""
    chance = random.Random(7)
    jobs = []
    for nth in range(1, JOBS + 1):
        kind, model = chance.choice(SORTS)
        state = chance.choice(["pending", "pending", "blocked", "complete"])
        job = Job(
            id=nth,
            plan="p",
            step=f"s{nth}",
            kind=kind,
            state=state,
            lane=chance.choice(["bulk", "bulk", "bulk", "interactive"]),
            quadrants=((nth, 0),),
            max_attempts=3,
            created_at=0.0,
            model_id=model,
            priority=chance.choice([0, 0, 0, 1, -2]),
            suspended=state == "pending" and chance.random() < 0.1,
            deaths=chance.choice([0, 0, 0, 0, 1]) if state == "pending" else 0,
        )
        # Two may come to stand in the same place, since their ranks were changed.
        jobs.append(job._replace(place=place(job) - (chance.random() < 0.2) * (1 << 22)))
    file = DatabaseFile(tmp_path_factory.mktemp("line"))
    store = Store(file.connection)
    store.begin()
    store.queue.insert([row(job) for job in jobs], [], [])
    held = [job.id for job in jobs if job.state == "blocked" and chance.random() < 0.3]
    for job_id in held:
        file.connection.execute("UPDATE generation_queue SET held = 1 WHERE id = ?", (job_id,))
    store.commit()
    yield store, file.connection, [job for job in jobs if job.id not in held]
    file.close()


def turn(job: Job) -> tuple[int, int, int, int]:
    return rank(job), job.deaths, job.place, job.id


def test_positions_are_those_of_a_walk(world: tuple[Store, sqlite3.Connection, list[Job]]) -> None:
    store, _, jobs = world
    waiting = sorted(turn(job) for job in jobs if job.state == "pending" and not job.suspended)
    asked = [job for job in jobs if job.state == "pending" and not job.suspended][::3]
    assert len({job.deaths for job in asked}) == 2
    assert store.backlog.positions(asked) == {job.id: waiting.index(turn(job)) + 1 for job in asked}


def test_work_ahead_is_that_of_a_walk(world: tuple[Store, sqlite3.Connection, list[Job]]) -> None:
    store, _, jobs = world
    asked = [job for job in jobs if job.state in ("pending", "blocked")][::5]
    live = [job for job in jobs if job.state in ("pending", "blocked") and not job.suspended]
    waiting = Counter({sort: 1 for sort in SORTS})  # type: ignore[misc]
    ahead = store.backlog.ahead(asked, waiting)
    for job in asked:
        # What workers died of goes behind its whole rank.
        before = Counter(
            other.model_id
            for other in live
            if other.kind == job.kind
            and (*turn(other)[:1], other.deaths * (rank(other) == rank(job)), other.place)
            < (rank(job), 0, job.place)
        )
        assert Counter({sort[1]: n for sort, n in ahead[job.id].before.items()}) == before


def test_beyond_the_bound_places_rise_to_the_last(
    world: tuple[Store, sqlite3.Connection, list[Job]], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, connection, jobs = world
    asked = [job for job in jobs if job.state == "pending" and not job.suspended]
    exact = store.backlog.positions(asked)
    pending = connection.execute("SELECT count(*) FROM generation_queue WHERE status = 'pending'").fetchone()[
        0
    ]
    monkeypatch.setattr(line, "COUNTED", 40)
    found = store.backlog.positions(asked)
    assert {job: nth for job, nth in found.items() if nth <= 40} == {
        job: nth for job, nth in exact.items() if nth <= 40
    }
    in_order = [found[job.id] for job in sorted(asked, key=turn)]
    assert in_order == sorted(in_order)
    assert in_order[-1] == pending
    # In the rank of the bound about where they are, and all that is behind that at the end.
    assert len({nth for nth in in_order if nth > 40}) > 5


def test_of_too_many_neighbours_some_are_told_the_same(
    world: tuple[Store, sqlite3.Connection, list[Job]], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, _, jobs = world
    asked = sorted(
        (rank(job), job.place) for job in jobs if job.state == "blocked" and job.kind == "generate"
    )
    exact = store.backlog._line.work("generate", ["plain", "slow"], asked)
    monkeypatch.setattr(line, "LOOKS", len(asked))
    rough = store.backlog._line.work("generate", ["plain", "slow"], asked)
    assert rough == [exact[nth - nth % 2] for nth in range(len(asked))]
