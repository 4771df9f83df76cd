"""What the log of events says: each question of the oracle to it can be answered with no."""

import json
import sqlite3
from collections.abc import Iterable
from typing import Any

from services.drill.chronicle import Chronicle


def log(*changes: str) -> Chronicle:
    """Changes like "1 processing" or "2 complete few", numbered from 1; the word after is the model."""
    rows = []
    for seq, change in enumerate(changes, 1):
        job, state, *model = change.split()
        told: dict[str, Any] = {"kind": "job", "job": int(job), "state": state, "plan": f"p{job}"}
        rows.append((seq, 0.0, json.dumps({**told, "model_id": model[0] if model else "many"})))
    return Chronicle([*rows, (len(rows) + 1, 0.0, json.dumps({"kind": "queue", "paused": True}))])


def jobs(*rows: tuple[int, int, int]) -> Iterable[sqlite3.Row]:
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    for row in rows:
        yield connection.execute("SELECT ? AS id, ? AS attempt, ? AS deaths", row).fetchone()


def test_a_lease_between_two_looks_at_a_paused_queue_is_seen() -> None:
    chronicle = log("1 processing", "2 processing few", "1 complete", "3 processing")

    def found(since: int, until: int, **named: str) -> list[int]:
        fact = {"since": since, "until": until, **named}
        return [int(row.split()[1]) for row in chronicle.begun_while_paused([fact])]

    assert found(2, 3) == []
    assert found(1, 3) == [2]
    assert found(0, 4) == [1, 2, 3]
    assert found(0, 4, model_id="few") == [2]
    assert found(0, 4, plan="p3") == [3]
    assert found(0, 4, plan="p9") == []


def test_more_jobs_of_a_model_than_it_allows_are_seen() -> None:
    two = ("1 processing few", "2 processing few")
    assert list(log(*two, "3 processing").beyond({"few": 2})) == []
    assert list(log(*two, "1 pending few", "3 processing few").beyond({"few": 2})) == []
    assert len(list(log(*two, "3 processing few").beyond({"few": 2}))) == 1


def test_a_job_that_was_begun_before_what_it_needs_is_seen() -> None:
    assert list(log("1 complete", "2 processing").too_early([(2, 1)])) == []
    assert list(log("2 pending").too_early([(2, 1)])) == []
    assert len(list(log("2 processing", "1 complete").too_early([(2, 1)]))) == 1
    assert len(list(log("2 processing").too_early([(2, 1)]))) == 1


def test_attempts_that_do_not_fit_the_leases_are_seen() -> None:
    chronicle = log("1 processing", "1 pending", "1 processing", "1 complete")
    twice = [{"job": 1, "token": 5}, {"job": 1, "token": 5}, {"job": 1, "token": 6}]
    assert list(chronicle.wrong_attempts(jobs((1, 2, 1)), twice)) == []
    assert len(list(chronicle.wrong_attempts(jobs((1, 0, 0)), twice))) == 1
    assert len(list(chronicle.wrong_attempts(jobs((1, 3, 0)), twice))) == 1
    assert len(list(chronicle.wrong_attempts(jobs((1, 1, 2)), twice))) == 1
    assert len(list(chronicle.wrong_attempts(jobs(), [*twice, {"job": 1, "token": 7}]))) == 1
    revived = log("1 processing", "1 cancelled", "1 pending", "1 processing", "1 complete")
    assert len(list(revived.wrong_attempts(jobs((1, 2, 0)), []))) == 1
