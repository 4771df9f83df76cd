"""The rules of a job's life, as values."""

import random
from typing import get_args

import pytest

from protocol.work import ErrorClass
from services.keeper import lifecycle, throttle
from services.keeper.lifecycle import Job
from services.keeper.throttle import Throttle

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


def fail(job: Job, error_class: ErrorClass, **how: bool) -> Job:
    rules = {"retry": True, "burn": True, **how}
    return lifecycle.fail(
        job, error_class=error_class, reason="No.", now=WALL, steady=NOW, chance=random.Random(1), **rules
    )


@pytest.mark.parametrize("error_class", get_args(ErrorClass))
def test_the_class_of_an_error_says_whether_another_try_may_help(error_class: ErrorClass) -> None:
    again = error_class in ("transient", "rate_limited", "bad_image")
    assert fail(leased(), error_class).state == ("pending" if again else "error")
    assert fail(leased(), error_class, burn=False).state == "pending"
    assert fail(leased(), error_class, burn=False).attempt == 0


def test_a_rate_limit_costs_no_attempt_but_not_for_ever() -> None:
    job = JOB
    for tries in range(1, 21):
        job = lifecycle.lease(job, token=tries, worker="w", request="r", now=WALL, steady=NOW, seconds=60)
        job = fail(job, "rate_limited")
        assert (job.attempt, job.limited) == (0, tries)
        assert job.state == ("pending" if tries < 20 else "error")
    assert lifecycle.revive(job, blocked=False).limited == 0


def test_five_deaths_are_enough_and_the_reason_says_whose_and_what_now() -> None:
    job = JOB._replace(max_attempts=100)
    for life in range(5):
        assert job.state == "pending"
        identity = f"generator-{life}.0a1b2c3d"
        job = lifecycle.lease(job, token=life, worker=identity, request="r", now=WALL, steady=NOW, seconds=60)
        job = lifecycle.expire(job, WALL, because="the worker died")
    assert (job.state, job.error_class, job.finished_at) == ("error", "bug", WALL)
    assert "generator-4 (the worker died)" in job.reason and "retry the job or cancel it" in job.reason


def test_a_throttle_believes_the_model_within_bounds_and_grows_where_it_says_nothing() -> None:
    chance = random.Random(1)
    model = Throttle("m")
    waits = []
    now = NOW
    for _ in range(40):
        model = throttle.limit(model, retry_after=None, reason="", now=now, chance=chance)
        waits.append(model.until - now)
        now = model.until
    assert all(1 <= wait <= 301 for wait in waits)
    assert waits[0] <= 6 and max(waits[8:]) > 100
    asked = throttle.limit(model, retry_after=9e9, reason="", now=now, chance=chance)
    assert asked.until == now + 3_600
    # A call that was under way when the limit came does not shorten it, nor count as another.
    assert throttle.limit(asked, retry_after=1, reason="", now=now + 1, chance=chance) == asked
    calm = throttle.limit(asked, retry_after=None, reason="", now=asked.until + 601, chance=chance)
    assert (asked.strikes, calm.strikes) == (41, 1)
    assert throttle.resume(throttle.pause(asked, "Key refused.")).open(now)
