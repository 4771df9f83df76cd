"""The rules of a job's life, as values."""

import random

import pytest

from services.keeper import lifecycle
from services.keeper.lifecycle import Job

NOW, WALL = 1_000.0, 1_800_000_000.0
JOB = Job(
    id=1,
    plan="p",
    step="s",
    kind="generate",
    state="pending",
    lane="bulk",
    quadrants=((0, 0),),
    max_attempts=5,
    created_at=0.0,
)


def leased(attempts: int = 1) -> Job:
    job = JOB
    for token in range(1, attempts + 1):
        job = lifecycle.lease(
            job, token=token, worker="w.0a1b2c3d", request="r", now=WALL, steady=NOW, seconds=60
        )
    return job


def failed(job: Job, **how: bool) -> Job:
    rules = {"retry": True, "burn": True, **how}
    return lifecycle.fail(
        job,
        error_class="transient",
        reason="It broke.",
        now=WALL,
        steady=NOW,
        chance=random.Random(1),
        **rules,
    )


def test_an_attempt_counts_from_the_lease() -> None:
    assert (leased().attempt, leased(3).attempt) == (1, 3)
    assert leased().worker == "w"


@pytest.mark.parametrize(("attempt", "limit"), [(1, 1), (2, 2), (3, 4), (4, 8)])
def test_delays_double_with_full_jitter(attempt: int, limit: float) -> None:
    delays = [
        lifecycle.fail(
            leased(attempt),
            error_class="transient",
            reason="",
            retry=True,
            burn=True,
            now=WALL,
            steady=NOW,
            chance=random.Random(seed),
        ).not_before
        - NOW
        for seed in range(200)
    ]
    assert 0 <= min(delays) < limit * 0.2
    assert limit * 0.8 < max(delays) <= limit


def test_the_fifth_failure_is_the_last() -> None:
    assert failed(leased(4)).state == "pending"
    assert failed(leased(5)).state == "error"
    assert failed(leased(5)).reason == "It broke. (gave up after 5 attempts)"
    assert failed(leased(5), burn=False).state == "pending"


def test_a_silent_worker_costs_the_attempt_and_a_leaving_one_does_not() -> None:
    assert lifecycle.expire(leased(2), NOW).attempt == 2
    assert lifecycle.hand_back(leased(2)).attempt == 1
    assert lifecycle.expire(leased(5), NOW).reason == "gave up after 5 attempts: the worker went silent"


def test_only_the_newest_token_of_a_job_nobody_else_has_may_finish_it() -> None:
    assert lifecycle.may_finish(leased(), 1)
    assert lifecycle.may_finish(lifecycle.expire(leased(), NOW), 1)
    assert not lifecycle.may_finish(leased(2), 1)
    for gone in (lifecycle.hand_back(leased()), lifecycle.cancel(leased(), NOW), failed(leased())):
        assert not lifecycle.may_finish(gone, 1)


def test_grace_never_shortens_a_lease() -> None:
    assert lifecycle.grace(leased(), NOW).lease_expires_at == NOW + 60
    assert lifecycle.grace(leased(), NOW + 55).lease_expires_at == NOW + 65


@pytest.mark.parametrize(
    ("identity", "name"),
    [("renderer-1.0a1b2c3d", "renderer-1"), ("my.painter", "my.painter"), ("solo", "solo")],
)
def test_a_workers_name_outlives_its_process(identity: str, name: str) -> None:
    assert lifecycle.worker_name(identity) == name
