"""Pauses and limits: what is not handed out, for how long, and what else goes on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from protocol.control import Changed, Pause, Resume
from protocol.errors import Code
from protocol.event import QueueChange
from protocol.ingest import Accepted
from protocol.message import Error
from protocol.region import Render
from protocol.work import Nack, Nacked, Touch, Touched
from tests.keeper.house import Clock, House, Peer, island, opened, until

LIMITED = "The model wants no more calls."


@pytest.fixture
def calls(house: House, control: Peer, worker: Peer) -> list[int]:
    """Model calls that wait for nothing: one of `plain` in plan a, two of `other` in plan b."""
    house.rendered(-4, -4, 28, 8)
    house.publish(island(0, 0), id="a", model_id="plain")
    house.publish(island(10, 0), island(20, 0, "s2"), id="b", model_id="other")
    return [job.job for job in house.jobs(kind="generate")]


@pytest.fixture
def house(short: Path) -> Iterator[House]:
    models = [
        {"name": name, "model_id": name, "provider": "oxen", "api_key": "literal"}
        for name in ("plain", "other")
    ]
    with opened(short, models=models) as house:
        yield house


def nack(worker: Peer, job: int, token: int, error_class: str, **how: object) -> Nacked:
    body = {"job": job, "token": token, "error_class": error_class, "reason": LIMITED, **how}
    return worker.ask(Nack.model_validate(body), Nacked)


def changes(house: House) -> list[tuple[bool, str, str]]:
    found = [event.change for event in house.events()]
    return [(c.paused, c.model_id, c.plan) for c in found if isinstance(c, QueueChange)]


def reopen(house: House) -> None:
    house.close()
    house.open()


@pytest.mark.parametrize("restart", [False, True])
def test_a_paused_model_is_not_called_until_it_is_resumed(
    house: House, calls: list[int], control: Peer, worker: Peer, restart: bool
) -> None:
    assert control.ask(Pause(model_id="plain"), Changed).jobs == 1
    assert control.ask(Pause(model_id="plain"), Changed).jobs == 0
    if restart:
        reopen(house)
    assert [worker.lease("generate").job for _ in calls[1:]] == calls[1:]
    assert worker.ready("generate") is None
    assert control.ask(Resume(model_id="plain"), Changed).jobs == 1
    assert worker.lease("generate").job == calls[0]
    assert changes(house) == [(True, "plain", ""), (False, "plain", "")]


@pytest.mark.parametrize("restart", [False, True])
def test_a_paused_plan_waits_and_what_runs_of_it_goes_on(
    house: House, calls: list[int], control: Peer, worker: Peer, restart: bool
) -> None:
    running = worker.lease("generate")
    assert control.ask(Pause(plan="b"), Changed).jobs == 2
    if restart:
        reopen(house)
    assert worker.ready("generate") is None
    assert worker.ask(Touch(job=running.job, token=running.token), Touched)
    worker.ack(running)
    control.ask(Render(plan="r", quadrants=[(90, 90)]), Accepted)
    assert worker.lease("render").plan == "r"

    assert control.ask(Resume(plan="b"), Changed).jobs == 2
    if restart:
        reopen(house)
    taken = [until(lambda: worker.ready("generate"), "the plan to go on").job for _ in range(2)]
    assert taken == calls[1:]
    assert changes(house) == [(True, "", "b"), (False, "", "b")]


def test_what_becomes_pending_while_its_plan_is_paused_waits_too(
    house: House, control: Peer, worker: Peer
) -> None:
    house.rendered(-4, -4, 28, 8)
    first, then = house.publish(island(0, 0), island(10, 0, "s2", after=["s1"]), id="a").jobs
    running = worker.lease("generate")
    control.ask(Pause(plan="a"), Changed)
    worker.ack(running)
    assert house.job(then).state == "pending"
    assert worker.ready() is None
    (other,) = house.publish(island(20, 0), id="b").jobs
    assert worker.lease("generate").job == other
    control.ask(Resume(plan="a"), Changed)
    assert until(lambda: worker.ready("generate"), "the plan to go on").job == then
    assert first == running.job


def test_a_plan_that_is_paused_and_resumed_over_and_over_ends_as_said_last(
    house: House, control: Peer, worker: Peer
) -> None:
    frames = [(x, y) for x in range(0, 60, 2) for y in range(0, 60, 2)]
    control.ask(Render(plan="many", quadrants=frames, lane="bulk"), Accepted)
    for _ in range(3):
        control.send(Pause(plan="many"))
        control.send(Resume(plan="many"))
    for _ in range(6):
        control.hear()
    until(lambda: house.map(0, 0, 29, 29).jobs, "the keeper")
    seen = {until(lambda: worker.ready("render"), "the next").job for _ in frames}
    assert len(seen) == len(frames)


def test_unknown_models_and_plans_are_not_paused(house: House, control: Peer) -> None:
    assert control.ask(Pause(model_id="nobody"), Error).code == Code.UNKNOWN_MODEL
    assert control.ask(Resume(plan="nothing"), Error).code == Code.UNKNOWN_PLAN


@pytest.mark.parametrize("restart", [False, True])
def test_a_limited_model_is_called_by_nobody_until_it_said_so(
    house: House, calls: list[int], worker: Peer, clock: Clock, restart: bool
) -> None:
    taken = worker.lease("generate", worker="w1")
    nacked = nack(worker, taken.job, taken.token, "rate_limited", retry_after=300.0)
    assert (nacked.state, nacked.retry_in) == ("pending", pytest.approx(300))
    if restart:
        reopen(house)
    others = [worker.lease("generate", worker="w2") for _ in range(2)]
    for other in others:
        assert other.plan == "b"
        worker.ack(other)
    clock.forward(299)
    assert worker.ready("generate") is None
    clock.forward(1)
    again = worker.lease("generate")
    assert (again.job, again.attempt) == (taken.job, 1)


@pytest.mark.parametrize(("asked", "most"), [(1e9, 3600.0), (0.0, 6.0), (None, 6.0)])
def test_what_a_model_asks_for_is_believed_for_an_hour_at_most(
    calls: list[int], worker: Peer, asked: float | None, most: float
) -> None:
    taken = worker.lease("generate")
    wait = nack(worker, taken.job, taken.token, "rate_limited", retry_after=asked).retry_in
    assert most / 6 <= wait <= most


def test_a_job_is_not_limited_for_ever(house: House, control: Peer, worker: Peer, clock: Clock) -> None:
    house.rendered(-4, -4, 8, 8)
    house.publish(island(0, 0), id="a")
    states = []
    for _ in range(20):
        taken = worker.lease("generate")
        assert taken.attempt == 1
        states.append(nack(worker, taken.job, taken.token, "rate_limited", retry_after=61.0).state)
        clock.forward(62)
    assert states == ["pending"] * 19 + ["error"]
    assert "gave up after 20 tries" in house.job(taken.job).reason


@pytest.mark.parametrize("error_class", ["auth", "unavailable"])
def test_a_refused_key_costs_one_call_and_not_the_whole_queue(
    house: House, calls: list[int], control: Peer, worker: Peer, error_class: str
) -> None:
    control.ask(Pause(model_id="plain"), Changed)
    taken = worker.lease("generate")
    assert nack(worker, taken.job, taken.token, error_class).state == "error"
    assert worker.ready("generate") is None
    reopen(house)
    assert worker.ready("generate") is None
    assert (True, "other", "") in changes(house)
    control.ask(Resume(model_id="other"), Changed)
    assert worker.lease("generate").job == calls[2]


@pytest.mark.parametrize("error_class", ["moderated", "rejected", "bug"])
def test_what_another_try_cannot_help_is_not_tried_again(
    calls: list[int], worker: Peer, error_class: str
) -> None:
    taken = worker.lease("generate")
    assert nack(worker, taken.job, taken.token, error_class).state == "error"
    assert worker.lease("generate").job == calls[1]


def test_a_lease_handed_back_says_nothing_about_its_model(calls: list[int], worker: Peer) -> None:
    taken = worker.lease("generate")
    assert nack(worker, taken.job, taken.token, "rate_limited", burn=False).state == "pending"
    assert worker.lease("generate").job == calls[1]
