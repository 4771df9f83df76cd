"""Handles: what finds a call again that is under way at a provider goes to whoever has the job next."""

import pytest

from protocol.control import CancelJob, Changed, RetryJob
from protocol.errors import Code
from protocol.message import Error
from protocol.order import Edit
from protocol.work import Goodbye, Lease, Nack, Nacked, Started, Touched
from tests.keeper.house import Clock, House, Peer, island, until

HANDLE = "prediction:9f8e7d"


@pytest.fixture
def taken(house: House, worker: Peer) -> Lease:
    """A model call in a worker's hands whose handle the keeper has."""
    house.rendered(-4, -4, 8, 8)
    house.publish(island(0, 0), id="a")
    lease = worker.lease("generate", worker="w1")
    assert lease.handle == ""
    assert start(worker, lease).expires_in == 60
    return lease


def start(worker: Peer, lease: Lease, handle: str = HANDLE) -> Touched:
    return worker.ask(Started(job=lease.job, token=lease.token, handle=handle), Touched)


def nack(worker: Peer, lease: Lease, error_class: str) -> Nacked:
    body = {"job": lease.job, "token": lease.token, "error_class": error_class, "reason": "It broke off."}
    return worker.ask(Nack.model_validate(body), Nacked)


def fate(how: str, house: House, worker: Peer, clock: Clock, lease: Lease) -> None:
    """What may end a try while its call goes on at the provider."""
    if how == "silent":
        clock.forward(lease.expires_in + 1)
        until(lambda: house.job(lease.job).state == "pending", "the lease to run out")
    elif how == "failed":
        nack(worker, lease, "transient")
        clock.forward(2)
    elif how == "goodbye":
        worker.exchange(Goodbye(worker="w1"))
    elif how == "keeper":
        house.close()
        house.open()
        worker.exchange(Goodbye(worker="w1"))
    else:
        house.close()
        clock.reboot()
        house.open()


@pytest.mark.parametrize("how", ["silent", "failed", "goodbye", "keeper", "machine"])
def test_whoever_has_the_job_next_is_told_the_handle(
    house: House, worker: Peer, clock: Clock, taken: Lease, how: str
) -> None:
    fate(how, house, worker, clock, taken)
    again = worker.lease("generate", worker="w2")
    assert (again.job, again.handle) == (taken.job, HANDLE)
    worker.ack(again)
    house.close()
    assert house.select("SELECT handle FROM generation_queue WHERE kind = 'generate'") == [("",)]


def test_a_handle_is_replaced_and_taken_back(worker: Peer, clock: Clock, taken: Lease) -> None:
    start(worker, taken, "another")
    start(worker, taken, "")
    nack(worker, taken, "transient")
    clock.forward(2)
    assert worker.lease("generate").handle == ""


def test_a_handle_keeps_the_lease_as_a_touch_does(worker: Peer, clock: Clock, taken: Lease) -> None:
    clock.forward(50)
    start(worker, taken)
    clock.forward(50)
    worker.ack(taken)


def test_a_handle_that_comes_late_is_kept_while_nobody_else_has_the_job(
    house: House, worker: Peer, clock: Clock, taken: Lease
) -> None:
    fate("silent", house, worker, clock, taken)
    assert start(worker, taken, "late").expires_in == 0
    again = worker.lease("generate", worker="w2")
    assert again.handle == "late"
    old = Started(job=taken.job, token=taken.token, handle="older")
    assert worker.ask(old, Error).code == Code.LEASE_LOST
    assert worker.ask(Started(job=99, token=1, handle=""), Error).code == Code.UNKNOWN_JOB


@pytest.mark.parametrize("end", ["cancelled", "error"])
def test_a_job_that_has_ended_begins_anew(
    worker: Peer, control: Peer, clock: Clock, taken: Lease, end: str
) -> None:
    if end == "error":
        assert nack(worker, taken, "moderated").state == "error"
    else:
        assert control.ask(CancelJob(job=taken.job), Changed).jobs == 1
    control.ask(RetryJob(job=taken.job), Changed)
    assert worker.lease("generate").handle == ""


@pytest.mark.parametrize(("change", "left"), [({"prompt": "snow"}, ""), ({"priority": 5}, HANDLE)])
def test_a_job_that_asks_for_something_else_begins_anew(
    worker: Peer, control: Peer, clock: Clock, taken: Lease, change: dict[str, object], left: str
) -> None:
    nack(worker, taken, "transient")
    control.ask(Edit.model_validate({"jobs": [taken.job], **change}), Changed)
    clock.forward(2)
    assert worker.lease("generate").handle == left
