"""Leases: in order, once, with a token, until they run out."""

import contextlib
from pathlib import Path

import pytest

from protocol.control import CancelJob, Changed, Pause, Resume
from protocol.errors import Code, ProtocolError
from protocol.ingest import Accepted
from protocol.message import Error
from protocol.region import Render
from protocol.work import Farewell, Goodbye, Idle, Lease, Nack, Nacked, Ready, Touch, Touched
from services.keeper.database import DatabaseFile
from services.keeper.store import TOKENS, Store
from tests.keeper.house import Clock, House, Peer, island, until


@pytest.fixture
def renders(house: House, control: Peer) -> list[int]:
    """Three render jobs in the bulk lane."""
    quadrants = [(0, 0), (2, 0), (4, 0)]
    return control.ask(Render(plan="r", quadrants=quadrants, lane="bulk"), Accepted).jobs


def test_jobs_are_served_in_the_order_in_which_they_came(renders: list[int], worker: Peer) -> None:
    assert [worker.lease("render").job for _ in range(3)] == renders
    assert worker.ready("render") is None


def test_interactive_jobs_go_first(renders: list[int], control: Peer, worker: Peer) -> None:
    urgent = control.ask(Render(plan="u", quadrants=[(90, 90)]), Accepted).jobs
    assert worker.lease("render").job == urgent[0]
    assert worker.lease("render").job == renders[0]


def test_a_worker_gets_only_the_kinds_it_asked_for(renders: list[int], worker: Peer) -> None:
    assert worker.ready("generate", "palette") is None


def test_the_same_request_gets_the_same_lease(renders: list[int], worker: Peer) -> None:
    first = worker.lease("render", id="r1")
    again = worker.lease("render", id="r1")

    assert (again.job, again.token) == (first.job, first.token)
    assert again.attempt == 1
    assert worker.lease("render", id="r1", worker="other").job == renders[1]


def test_tokens_only_grow_also_over_a_restart(house: House, renders: list[int], worker: Peer) -> None:
    tokens = [worker.lease("render").token, worker.lease("render").token]
    house.close()
    house.open()
    tokens.append(worker.lease("render").token)
    assert tokens == sorted(set(tokens))


def test_tokens_only_grow_whatever_was_undone(tmp_path: Path) -> None:
    file = DatabaseFile(tmp_path)
    store, kept = Store(file.connection), []
    store.begin()
    kept.append(store.next_token())
    with contextlib.suppress(ProtocolError), store.part():
        _ = [store.next_token() for _ in range(TOKENS)]
        raise ProtocolError(Code.BUSY, "Not now.")
    kept.append(store.next_token())
    store.commit()
    store.begin()
    _ = [store.next_token() for _ in range(TOKENS)]
    store.rollback()
    for one in (store, Store(file.connection)):
        one.begin()
        kept.append(one.next_token())
        one.commit()
    file.close()
    assert kept == sorted(set(kept))


def test_a_request_waits_for_work(house: House, control: Peer, worker: Peer) -> None:
    worker.send(Ready(worker="w", kinds=["render"], wait=30), id="r1")
    assert worker.silent()
    accepted = control.ask(Render(plan="r", quadrants=[(0, 0)]), Accepted)

    answer = worker.hear()
    assert isinstance(answer.body, Lease)
    assert (answer.re, answer.body.job) == ("r1", accepted.jobs[0])


def test_a_waiting_request_sent_again_is_answered_once(control: Peer, worker: Peer) -> None:
    for _ in range(3):
        worker.send(Ready(worker="w", kinds=["render"], wait=30), id="r1")
    assert worker.silent()
    control.ask(Render(plan="r", quadrants=[(0, 0), (2, 0)]), Accepted)

    assert worker.hear().re == "r1"
    assert worker.silent()


def test_a_wait_that_is_over_ends_idle(worker: Peer) -> None:
    assert isinstance(worker.exchange(Ready(worker="w", kinds=["render"], wait=0.05)).body, Idle)


def test_paused_nothing_is_handed_out_and_a_restart_keeps_it(
    house: House, renders: list[int], control: Peer, worker: Peer
) -> None:
    control.ask(Pause(), Changed)
    assert worker.ready("render") is None
    assert house.map().paused
    house.close()
    house.open()
    assert worker.ready("render") is None
    control.ask(Resume(), Changed)
    assert worker.lease("render").job == renders[0]


def test_a_touch_keeps_the_lease_and_tells_what_is_done(
    house: House, renders: list[int], worker: Peer, clock: Clock
) -> None:
    lease = worker.lease("render")
    for _ in range(3):
        clock.forward(50)
        assert worker.ask(Touch(job=lease.job, token=lease.token, doing="roofs"), Touched).expires_in == 60
    job = house.job(lease.job)
    assert (job.state, job.doing, job.attempt) == ("processing", "roofs", 1)
    assert house.status().working[0].age_seconds == 150


def test_a_lease_that_ran_out_goes_back_and_its_token_is_old(
    house: House, renders: list[int], worker: Peer, clock: Clock
) -> None:
    lease = worker.lease("render", worker="slow")
    clock.forward(lease.expires_in + 1)
    until(lambda: house.job(lease.job).state == "pending", "the lease to run out")
    second = [worker.lease("render", worker="quick") for _ in renders][-1]
    assert (second.job, second.attempt) == (lease.job, 2)

    assert worker.ask(Touch(job=lease.job, token=lease.token), Error).code == Code.LEASE_LOST
    nack = Nack(job=lease.job, token=lease.token, error_class="bug", reason="x", retry=False)
    assert worker.ask(nack, Error).code == Code.LEASE_LOST
    assert worker.late(lease).code == Code.LEASE_LOST
    assert house.job(lease.job).state == "processing"
    assert house.map().tiles == []

    worker.ack(second)
    house.close()
    # The late result was paid for: it is kept aside, and not on the map.
    assert house.select("SELECT count(*), count(DISTINCT sha256) FROM orphan_results") == [(12, 2)]
    assert house.select("SELECT count(*) FROM tile_versions") == [(12,)]


def test_a_late_result_is_taken_while_nobody_else_has_the_job(
    house: House, renders: list[int], worker: Peer, clock: Clock
) -> None:
    lease = worker.lease("render")
    clock.forward(lease.expires_in + 1)
    until(lambda: house.job(lease.job).state == "pending", "the lease to run out")

    worker.ack(lease)
    assert house.job(lease.job).state == "complete"


def test_a_job_whose_workers_go_silent_is_given_up(
    house: House, control: Peer, worker: Peer, clock: Clock
) -> None:
    (job,) = control.ask(Render(plan="r", quadrants=[(0, 0)]), Accepted).jobs
    for attempt in (1, 2, 3):
        assert worker.lease("render").attempt == attempt
        clock.forward(61)
        until(lambda: house.job(job).state != "processing", "the lease to run out")

    assert house.job(job).state == "error"
    assert house.job(job).reason == "gave up after 3 attempts: the worker went silent"
    assert worker.ready("render") is None


def test_a_job_that_kills_its_workers_lets_the_others_go_first(renders: list[int], worker: Peer) -> None:
    lives = [f"w.0000000{life}" for life in range(4)]
    taken = [worker.lease("render", worker=life).job for life in lives]
    assert taken == [*renders, renders[0]]


def test_a_failed_try_waits_before_the_next(house: House, control: Peer, worker: Peer, clock: Clock) -> None:
    control.ask(Render(plan="r", quadrants=[(0, 0)]), Accepted)
    lease = worker.lease("render")
    nack = Nack(job=lease.job, token=lease.token, error_class="transient", reason="The page crashed.")
    nacked = worker.ask(nack, Nacked)

    assert nacked.state == "pending"
    assert 0 <= nacked.retry_in <= 1
    assert worker.ask(nack, Nacked).state == "pending"
    job = house.job(lease.job)
    assert (job.state, job.attempt, job.reason) == ("pending", 1, "The page crashed.")
    assert job.retry_at == pytest.approx(clock.now + nacked.retry_in)
    clock.forward(1)
    assert worker.lease("render").attempt == 2


def test_a_waiting_worker_gets_a_job_whose_delay_is_over(
    house: House, control: Peer, worker: Peer, clock: Clock
) -> None:
    control.ask(Render(plan="r", quadrants=[(0, 0)]), Accepted)
    lease = worker.lease("render")
    worker.ask(Nack(job=lease.job, token=lease.token, error_class="transient", reason="x"), Nacked)
    worker.send(Ready(worker="w", kinds=["render"], wait=60))
    clock.forward(2)
    assert isinstance(worker.hear().body, Lease)


def test_attempts_used_up_and_final_failures_end_in_error(
    house: House, renders: list[int], worker: Peer, clock: Clock
) -> None:
    final = worker.lease("render")
    nack = Nack(job=final.job, token=final.token, error_class="rejected", reason="Key refused.", retry=False)
    assert worker.ask(nack, Nacked).state == "error"
    assert house.job(final.job).reason == "Key refused."
    states = []
    for _ in range(3):
        clock.forward(120)
        lease = worker.lease("render")
        assert lease.job == renders[1]
        nack = Nack(job=lease.job, token=lease.token, error_class="transient", reason="It broke.")
        states.append(worker.ask(nack, Nacked).state)
    assert states == ["pending", "pending", "error"]
    assert house.job(renders[1]).reason == "It broke. (gave up after 3 attempts)"


def test_a_job_handed_back_was_not_tried(
    house: House, renders: list[int], worker: Peer, clock: Clock
) -> None:
    for _ in range(5):
        lease = worker.lease("render")
        back = Nack(job=lease.job, token=lease.token, error_class="transient", reason="drain", burn=False)
        assert worker.ask(back, Nacked).state == "pending"
        clock.forward(2)
    assert house.job(lease.job).attempt == 0


def test_goodbye_frees_leases_untried_and_what_waited(
    house: House, renders: list[int], worker: Peer, control: Peer
) -> None:
    leases = [worker.lease("render", worker="w.0000000a") for _ in range(3)]
    worker.send(Ready(worker="w.0000000a", kinds=["render"], wait=60))
    assert worker.ask(Goodbye(worker="w.0000000a"), Farewell).returned == 3

    again = [worker.lease("render", worker="v") for _ in range(3)]
    assert [lease.attempt for lease in again] == [1, 1, 1]
    assert {lease.job for lease in again} == {lease.job for lease in leases}


def test_a_worker_that_starts_anew_frees_what_its_last_life_held(
    house: House, renders: list[int], worker: Peer
) -> None:
    dead = worker.lease("render", worker="renderer-1.aaaaaaaa")
    other = worker.lease("render", worker="renderer-2.bbbbbbbb")
    taken = [worker.lease("render", worker="renderer-1.cccccccc") for _ in range(2)]

    assert [(lease.job, lease.attempt) for lease in taken] == [(renders[2], 1), (dead.job, 2)]
    assert house.job(other.job).state == "processing"


def test_a_lease_that_cannot_be_delivered_goes_back_at_once(house: House, control: Peer) -> None:
    gone, worker = house.peer("work"), house.peer("work")
    gone.send(Ready(worker="gone", kinds=["render"], wait=60))
    assert gone.silent()
    gone.socket.close()
    # Until the keeper's socket has noticed, a lease may still be on its way to nobody.
    worker.ping()
    (job,) = control.ask(Render(plan="r", quadrants=[(0, 0)]), Accepted).jobs
    house.clock.forward(2)
    lease = until(lambda: worker.ready("render"), "the lease to come back")
    assert (lease.job, lease.attempt) == (job, 1)


def test_a_cancelled_job_is_nobodys(house: House, renders: list[int], control: Peer, worker: Peer) -> None:
    lease = worker.lease("render")
    assert control.ask(CancelJob(job=lease.job), Changed).jobs == 1

    assert worker.ask(Touch(job=lease.job, token=lease.token), Error).code == Code.LEASE_LOST
    assert worker.late(lease).code == Code.LEASE_LOST
    assert house.job(lease.job).state == "cancelled"
    assert house.map().tiles == []


def test_an_unknown_job_is_said_to_be_unknown(house: House, worker: Peer) -> None:
    assert worker.ask(Touch(job=99, token=1), Error).code == Code.UNKNOWN_JOB


def test_after_a_restart_leases_that_run_are_given_grace(
    house: House, renders: list[int], worker: Peer, clock: Clock
) -> None:
    short, lost = worker.lease("render"), worker.lease("render")
    clock.forward(59)
    house.close()
    clock.forward(30)
    house.open()

    worker.ack(short)
    assert house.job(lost.job).state == "processing"
    clock.forward(10.5)
    until(lambda: house.job(lost.job).state == "pending", "the grace to end")


def test_a_step_is_held_when_the_map_is_no_longer_as_it_was_proved(
    house: House, control: Peer, worker: Peer
) -> None:
    """Two plans that never conflicted meet after one was retried: the keeper looks again at the lease."""
    house.publish(island(0, 0), id="a")
    worker.work_off("render")
    job = house.jobs(kind="generate")[0]
    house.close()
    # Somebody put a quadrant right beside it onto the map while the keeper was away.
    house.select("INSERT INTO tiles (layer, x, y, version) VALUES ('generation', 2, 0, 1)")
    house.open()

    assert worker.ready("generate") is None
    held = house.job(job.job)
    assert held.state == "blocked"
    assert "seam" in held.reason
    assert held.position == 0
