"""Plans going on, held back, called off, tried again, and settled."""

import pytest

from protocol.control import (
    CancelJob,
    CancelPlan,
    Changed,
    ClearQueue,
    ListPlans,
    Plans,
    RetryFailed,
    RetryJob,
    RetryPlan,
)
from protocol.errors import Code
from protocol.event import PlanChange
from protocol.ingest import Accepted
from protocol.message import Error
from protocol.plan import Step
from protocol.region import Fill
from protocol.work import Fetch, Nack, Nacked, Pixels
from tests.keeper.house import House, Peer, island


def settled(house: House, since: int = 0) -> list[PlanChange]:
    changes = [event.change for event in house.events(since)]
    return [change for change in changes if isinstance(change, PlanChange) and change.state == "settled"]


def states(house: House, plan: str) -> dict[str, str]:
    """The states of a plan's model calls by step."""
    return {job.step: job.state for job in house.jobs(plan=plan, kind="generate")}


def fail(worker: Peer, *kinds: str) -> int:
    lease = worker.lease(*kinds)
    nack = Nack(job=lease.job, token=lease.token, error_class="rejected", reason="No.", retry=False)
    worker.ask(nack, Nacked)
    return lease.job


@pytest.fixture
def chain(house: House, worker: Peer) -> list[str]:
    """
    A A B D D
    A A B D D   B waits for both islands; C is on its own
    """
    house.publish(
        island(0, 0, "a"),
        island(3, 0, "d"),
        Step(id="b", quadrants=[(2, 0), (2, 1)], after=["a", "d"]),
        island(20, 20, "c"),
    )
    worker.work_off("render")
    return ["a", "d", "b", "c"]


def test_a_step_waits_for_all_that_it_needs(house: House, worker: Peer, chain: list[str]) -> None:
    assert states(house, "p1") == {"a": "pending", "d": "pending", "b": "blocked", "c": "pending"}
    worker.ack(worker.lease("generate"))
    assert states(house, "p1")["b"] == "blocked"
    worker.ack(worker.lease("generate"))
    assert states(house, "p1")["b"] == "pending"


def test_a_failed_step_holds_back_what_needs_it_and_nothing_else(
    house: House, worker: Peer, control: Peer, chain: list[str]
) -> None:
    job = fail(worker, "generate")
    worker.work_off("generate")

    assert states(house, "p1") == {"a": "error", "d": "complete", "b": "blocked", "c": "complete"}
    assert [change.plan for change in settled(house)] == ["p1"]
    assert control.ask(ListPlans(), Plans).plans[0].settled
    assert [view.step for view in house.map().jobs if view.held] == ["b"]

    assert control.ask(RetryJob(job=job), Changed).jobs == 1
    assert not any(view.held for view in house.map().jobs)
    assert not control.ask(ListPlans(), Plans).plans[0].settled
    assert house.job(job).attempt == 0
    worker.work_off("generate")
    assert set(states(house, "p1").values()) == {"complete"}
    assert len(settled(house)) == 2


def test_a_cancelled_job_holds_back_too_and_can_be_retried(
    house: House, worker: Peer, control: Peer, chain: list[str]
) -> None:
    job = house.jobs(plan="p1", kind="generate")[0].job
    control.ask(CancelJob(job=job), Changed)
    worker.work_off("generate")
    assert states(house, "p1") == {"a": "cancelled", "d": "complete", "b": "blocked", "c": "complete"}
    assert control.ask(CancelJob(job=job), Error).code == Code.WRONG_STATE

    control.ask(RetryJob(job=job), Changed)
    worker.work_off("generate")
    assert set(states(house, "p1").values()) == {"complete"}
    assert control.ask(RetryJob(job=job), Error).code == Code.WRONG_STATE


def test_a_retried_job_waits_again_if_what_it_needs_is_not_done(
    house: House, worker: Peer, control: Peer, chain: list[str]
) -> None:
    waiting = next(job.job for job in house.jobs(plan="p1") if job.step == "b")
    control.ask(CancelJob(job=waiting), Changed)
    control.ask(RetryJob(job=waiting), Changed)
    assert house.job(waiting).state == "blocked"


def test_retry_of_a_plan_takes_its_failed_jobs(
    house: House, worker: Peer, control: Peer, chain: list[str]
) -> None:
    fail(worker, "generate")
    fail(worker, "generate")
    assert control.ask(RetryPlan(plan="p1"), Changed).jobs == 2
    assert control.ask(RetryFailed(), Changed).jobs == 0
    worker.work_off("generate")
    assert set(states(house, "p1").values()) == {"complete"}


def test_retry_of_a_plan_reaches_the_renders_it_shares(house: House, worker: Peer, control: Peer) -> None:
    house.publish(island(0, 0), id="first")
    house.publish(island(4, 0), id="second")
    while (lease := worker.ready("render")) is not None:
        nack = Nack(job=lease.job, token=lease.token, error_class="bug", reason="No.", retry=False)
        worker.ask(nack, Nacked)
    assert {change.plan for change in settled(house)} == {"first", "second"}

    assert control.ask(RetryPlan(plan="second"), Changed).jobs == 9
    worker.work_off()
    assert states(house, "second") == {"s1": "complete"}
    assert states(house, "first") == {"s1": "blocked"}


def test_a_plan_called_off_leaves_the_renders_that_another_needs(
    house: House, worker: Peer, control: Peer
) -> None:
    house.publish(island(0, 0), id="first", model_id="pixel-art")
    house.publish(island(4, 0), id="second", model_id="pixel-art")
    control.ask(CancelPlan(plan="first"), Changed)
    worker.work_off()

    assert states(house, "first") == {"s1": "cancelled"}
    assert states(house, "second") == {"s1": "complete"}
    assert house.jobs(kind="palette")[0].plan == "second"
    assert house.publish(island(0, 0), id="first").duplicate


def test_a_plan_called_off_frees_its_ground(house: House, control: Peer) -> None:
    house.publish(island(0, 0), id="first")
    assert house.refused(island(0, 0), id="second").code == Code.CONFLICT
    control.ask(CancelPlan(plan="first"), Changed)
    assert house.publish(island(0, 0), id="second").jobs


def test_a_retry_on_ground_that_was_given_away_is_a_conflict(house: House, control: Peer) -> None:
    house.publish(island(0, 0), id="first")
    control.ask(CancelPlan(plan="first"), Changed)
    house.publish(island(1, 1), id="second")
    job = house.jobs(plan="first", kind="generate")[0].job
    assert control.ask(RetryJob(job=job), Error).code == Code.CONFLICT


def test_a_conflict_of_one_plan_does_not_keep_the_others_from_a_retry(
    house: House, worker: Peer, control: Peer
) -> None:
    house.publish(island(0, 0), id="first")
    house.publish(island(40, 0), id="other")
    worker.work_off("render")
    for _ in range(2):
        fail(worker, "generate")
    house.publish(island(1, 1), id="second")

    assert control.ask(RetryFailed(), Changed).jobs == 1
    assert (states(house, "first"), states(house, "other")) == ({"s1": "error"}, {"s1": "pending"})
    assert control.ask(RetryFailed(), Error).code == Code.CONFLICT


def test_clearing_the_queue_calls_off_what_has_not_ended(
    house: House, worker: Peer, control: Peer, chain: list[str]
) -> None:
    worker.ack(worker.lease("generate"))
    assert control.ask(ClearQueue(), Changed).jobs == 3
    assert states(house, "p1") == {"a": "complete", "d": "cancelled", "b": "cancelled", "c": "cancelled"}
    assert worker.ready() is None


def test_unknown_plans_and_jobs_are_said_to_be_unknown(control: Peer) -> None:
    assert control.ask(CancelPlan(plan="x"), Error).code == Code.UNKNOWN_PLAN
    assert control.ask(RetryPlan(plan="x"), Error).code == Code.UNKNOWN_PLAN
    assert control.ask(CancelJob(job=9), Error).code == Code.UNKNOWN_JOB
    assert control.ask(RetryJob(job=9), Error).code == Code.UNKNOWN_JOB


def generated(peer: Peer, plan: str | None = None) -> set[tuple[int, int]]:
    quadrants = [(x, y) for y in range(4) for x in range(4)]
    pixels = peer.ask(Fetch(layer="generation", quadrants=quadrants, plan=plan), Pixels)
    return {(tile.x, tile.y) for tile in pixels.tiles}


def test_scaffold_is_seen_by_its_plan_alone_and_dropped_when_it_settles(
    house: House, worker: Peer, control: Peer
) -> None:
    """1×2 quadrants from nothing: the island overhangs them, what overhangs is scaffold.

    Q s
    Q s
    """
    control.ask(Fill(plan="f", rectangle=(0, 0, 0, 1)), Accepted)
    control.ask(Fill(plan="far", rectangle=(40, 40, 43, 40)), Accepted)
    worker.work_off("render")
    lease = worker.lease("generate")
    worker.ack(lease)

    assert generated(worker) == {(0, 0), (0, 1)}
    dropped = settled(house)[0].tiles
    assert {(tile.x, tile.y, tile.version) for tile in dropped} == {(1, 0, 0), (1, 1, 0)}
    assert generated(worker, "f") == {(0, 0), (0, 1)}


def test_scaffold_stays_while_a_failed_step_may_need_it(house: House, worker: Peer, control: Peer) -> None:
    """
    Q Q Q Q    islands at 0,0 and 3,0, a bridge at 2,0
    s s s s s
    """
    control.ask(Fill(plan="f", rectangle=(0, 0, 3, 0)), Accepted)
    worker.work_off("render")
    worker.ack(worker.lease("generate"))
    worker.ack(worker.lease("generate"))
    assert generated(worker) == {(0, 0), (1, 0), (3, 0)}
    assert generated(worker, "f") == {(0, 0), (1, 0), (3, 0), (0, 1), (1, 1), (3, 1)}

    job = fail(worker, "generate")
    assert settled(house)[-1].tiles == []
    assert (0, 1) in generated(worker, "f")
    control.ask(RetryJob(job=job), Changed)
    worker.work_off("generate")
    assert generated(worker, "f") == {(0, 0), (1, 0), (2, 0), (3, 0)}
    assert len(settled(house)[-1].tiles) == 6


def test_scaffold_goes_when_the_rest_is_called_off(house: House, worker: Peer, control: Peer) -> None:
    control.ask(Fill(plan="f", rectangle=(0, 0, 3, 0)), Accepted)
    worker.work_off("render")
    worker.ack(worker.lease("generate"))
    fail(worker, "generate")
    control.ask(CancelPlan(plan="f"), Changed)
    assert generated(worker, "f") == {(0, 0), (1, 0)}


def test_a_plan_tells_how_far_it_is(house: House, worker: Peer, control: Peer) -> None:
    control.ask(Fill(plan="f", name="Corner", rectangle=(0, 0, 3, 0)), Accepted)
    worker.work_off("render")
    house.clock.forward(30)
    worker.ack(worker.lease("generate"))
    house.clock.forward(10)
    plan = control.ask(ListPlans(), Plans).plans[0]

    assert (plan.name, plan.quadrants_total, plan.quadrants_done) == ("Corner", 4, 2)
    # Half a second for each call, as its worker measured it: the wait for the first one was no work.
    assert plan.seconds_left == pytest.approx(1.0)
    assert plan.rate_per_minute == pytest.approx(2 / 0.5 * 60)
    assert plan.counts["complete"] == len(house.jobs(kind="render")) + 1
    assert house.status().per_minute == 2
