"""Circuits and rhythms: a model that fails is left alone, tried with one job, and never called too often."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from protocol.control import Changed, Resume
from protocol.work import Goodbye, Lease, Nack, Nacked
from services.keeper import circuit, rhythm
from services.keeper.circuit import BREAK_AFTER, Circuit
from tests.keeper.house import Clock, House, Peer, island, opened

OUTAGE = "The provider answered 503."


@pytest.fixture
def house(short: Path) -> Iterator[House]:
    models = [
        {"name": "Plain", "model_id": "plain", "provider": "oxen", "api_key": "literal"},
        {"name": "Slow", "model_id": "slow", "provider": "oxen", "api_key": "k", "requests_per_minute": 30},
    ]
    with opened(short, models=models, max_attempts=50) as house:
        house.rendered(-4, -4, 94, 8)
        yield house


def publish(house: House, model: str) -> list[int]:
    steps = [island(10 * nth, 0, f"s{nth}") for nth in range(9)]
    return house.publish(*steps, id=model, model_id=model).jobs


def fail(worker: Peer, lease: Lease, error_class: str = "transient") -> Nacked:
    body = {"job": lease.job, "token": lease.token, "error_class": error_class, "reason": OUTAGE}
    return worker.ask(Nack.model_validate(body), Nacked)


def broken(worker: Peer) -> list[Lease]:
    """Leases of a model that has just failed too often, less those that failed."""
    taken = [worker.lease("generate", worker="w1") for _ in range(BREAK_AFTER + 2)]
    for lease in taken[:BREAK_AFTER]:
        waits = fail(worker, lease).retry_in
    assert waits == pytest.approx(15)
    return taken[BREAK_AFTER:]


@pytest.mark.parametrize("restart", [False, True])
def test_a_model_that_fails_is_left_alone_tried_with_one_job_and_goes_on(
    house: House, worker: Peer, clock: Clock, restart: bool
) -> None:
    publish(house, "plain")
    for left in broken(worker):
        # Begun before that: it says nothing new.
        fail(worker, left)
    if restart:
        house.close()
        house.open()
    clock.forward(14)
    assert worker.ready("generate") is None
    clock.forward(47)
    probe = worker.lease("generate")
    assert worker.ready("generate") is None
    worker.ack(probe)
    assert [worker.ready("generate") is not None for _ in range(8)] == [True] * 8


def test_people_see_what_a_model_waits_for(house: House, worker: Peer, clock: Clock) -> None:
    publish(house, "plain")
    seen = []
    for left in (*broken(worker), None):
        (model, _) = house.status().models
        seen.append((model.state, model.until_seconds))
        if left is not None:
            fail(worker, left)
        clock.forward(10)
    assert seen == [("failing", 15), ("failing", 5), ("probing", 0)]
    assert OUTAGE in house.job(1).reason


def test_a_probe_that_fails_leaves_the_model_alone_for_longer(
    worker: Peer, house: House, clock: Clock
) -> None:
    publish(house, "plain")
    for left in broken(worker):
        fail(worker, left)
    rests = []
    for _ in range(3):
        clock.forward(700)
        rests.append(fail(worker, worker.lease("generate")).retry_in)
        assert worker.ready("generate") is None
    assert rests == pytest.approx([30, 60, 120])


def test_no_probe_begins_while_others_are_under_way_and_one_that_is_lost_is_followed(
    worker: Peer, house: House, clock: Clock
) -> None:
    publish(house, "plain")
    broken(worker)
    clock.forward(16)
    assert worker.ready("generate") is None
    worker.exchange(Goodbye(worker="w1"))
    assert worker.lease("generate", worker="w2").attempt == 2
    assert worker.ready("generate") is None
    worker.exchange(Goodbye(worker="w2"))
    assert worker.ready("generate") is not None


def test_a_person_lets_it_go_on_at_once(worker: Peer, control: Peer, house: House) -> None:
    publish(house, "plain")
    broken(worker)
    assert worker.ready("generate") is None
    assert control.ask(Resume(model_id="plain"), Changed).jobs == 7
    assert [worker.ready("generate") is not None for _ in range(2)] == [True] * 2


@pytest.mark.parametrize("error_class", ["bad_image", "moderated", "rejected"])
def test_a_model_that_answers_is_not_down(worker: Peer, house: House, error_class: str) -> None:
    publish(house, "plain")
    for nth in range(2 * BREAK_AFTER - 2):
        fail(worker, worker.lease("generate"), error_class if nth == BREAK_AFTER - 1 else "transient")
    assert worker.ready("generate") is not None


def test_what_is_under_way_when_a_model_is_left_alone_says_nothing_new() -> None:
    one = Circuit("m")
    for _ in range(BREAK_AFTER + 9):
        one = circuit.fail(one, OUTAGE, 100.0)
    assert (one.failures, one.trips, one.until) == (BREAK_AFTER, 1, 115.0)
    assert not one.probing(114.0) and one.probing(115.0)
    assert circuit.recall(one, -1_000.0).until == -1_000.0 + circuit.LONGEST_REST_SECONDS


@pytest.mark.parametrize("per_minute", [1, 7, 60, 1_000])
def test_no_minute_has_more_calls_than_allowed_however_late_one_looks(per_minute: int) -> None:
    allowed, now, begun = 0.0, 1_000.0, []
    while now < 1_200.0:
        if allowed <= now:
            begun.append(now)
            allowed = rhythm.following(allowed, per_minute=per_minute, now=now)
        now += 0.1 if len(begun) % 3 else 0.003
    # The nth call after any other begins a whole minute later.
    assert all(later - first >= 60.0 for first, later in zip(begun, begun[per_minute:], strict=False))
    assert len(begun) >= 0.9 * min(per_minute * 200 / 60, 200 / 0.1)


@pytest.mark.parametrize("restart", [False, True])
def test_all_workers_together_keep_to_the_rhythm(
    house: House, worker: Peer, clock: Clock, restart: bool
) -> None:
    publish(house, "slow")
    assert worker.lease("generate", worker="w1").plan == "slow"
    assert worker.ready("generate", worker="w2") is None
    if restart:
        house.close()
        house.open()
    clock.forward(1.7)
    assert worker.ready("generate", worker="w2") is None
    clock.forward(0.2)
    assert worker.lease("generate", worker="w2").plan == "slow"
    assert worker.ready("generate", worker="w1") is None


def test_a_model_that_must_wait_keeps_no_other_from_going_on(house: House, worker: Peer) -> None:
    publish(house, "slow")
    steps = [island(10 * nth, 4, f"s{nth}") for nth in range(3)]
    house.publish(*steps, id="plain", model_id="plain")
    plans = [lease.plan for _ in range(5) if (lease := worker.ready("generate")) is not None]
    assert plans == ["slow", "plain", "plain", "plain"]
