"""Steps that the map no longer allows: blocked with the reason, looked at again on a retry, planned anew."""

import pytest

from protocol.control import (
    CancelPlan,
    Changed,
    ListPlans,
    Pause,
    Plans,
    RetryFailed,
    RetryJob,
    RetryPlan,
)
from protocol.event import JobChange
from protocol.message import Error
from protocol.plan import Step
from protocol.region import Replan
from protocol.view import PlanView
from protocol.work import GenerateWork
from tests.keeper.house import House, Peer, island


def plan_of(house: House, plan: str) -> PlanView:
    plans = house.peer("control").ask(ListPlans(), Plans).plans
    return next(view for view in plans if view.plan == plan)


def states(house: House, plan: str) -> dict[str, str]:
    return {job.step: job.state for job in house.jobs(plan=plan, kind="generate")}


def lay(house: House, *quadrants: tuple[int, int]) -> None:
    """Somebody lays quadrants on the map, or takes them away again, while the keeper is away."""
    house.close()
    for x, y in quadrants:
        house.select(f"INSERT INTO tiles (layer, x, y, version) VALUES ('generation', {x}, {y}, 1)")
    house.open()


def take_away(house: House, *quadrants: tuple[int, int]) -> None:
    house.close()
    for x, y in quadrants:
        house.select(f"DELETE FROM tiles WHERE layer = 'generation' AND x = {x} AND y = {y}")
    house.open()


@pytest.fixture
def barred(house: House, worker: Peer) -> int:
    """
    A A B D D
    A A B D D   B waits for both islands; C is on its own; X came from elsewhere
            X
    """
    house.publish(
        island(0, 0, "a"),
        island(3, 0, "d"),
        Step(id="b", quadrants=[(2, 0), (2, 1)], after=["a", "d"]),
        island(20, 20, "c"),
    )
    worker.work_off("render")
    lay(house, (4, 2))
    worker.work_off("generate")
    return next(job.job for job in house.jobs(plan="p1") if job.step == "d")


def test_it_is_blocked_with_its_reason_and_the_others_go_on(house: House, barred: int) -> None:
    assert states(house, "p1") == {"a": "complete", "d": "blocked", "b": "blocked", "c": "complete"}
    job = house.job(barred)
    assert "seam" in job.reason
    assert job.position == 0
    assert next(job.reason for job in house.jobs(plan="p1") if job.step == "b") == ""

    told = [e.change for e in house.events() if isinstance(e.change, JobChange) and e.change.job == barred]
    assert (told[-1].state, told[-1].reason) == ("blocked", job.reason)
    view = plan_of(house, "p1")
    assert (view.settled, view.stuck, view.failed, view.held) == (True, True, 0, 2)
    assert f"Job {barred} is no longer legal" in view.reason
    assert house.status().counts["blocked"] == 2


@pytest.mark.parametrize("request_", [RetryPlan(plan="p1"), RetryFailed(), None], ids=["plan", "all", "job"])
def test_a_retry_looks_at_the_map_again(
    house: House, worker: Peer, control: Peer, barred: int, request_: RetryPlan | RetryFailed | None
) -> None:
    retry = request_ or RetryJob(job=barred)
    assert control.ask(retry, Changed).jobs == 0
    assert house.job(barred).state == "blocked"
    assert "seam" in house.job(barred).reason
    assert plan_of(house, "p1").stuck

    take_away(house, (4, 2))
    assert house.job(barred).state == "blocked"
    assert control.ask(retry, Changed).jobs == 1
    assert (house.job(barred).state, house.job(barred).reason) == ("pending", "")
    assert not plan_of(house, "p1").settled
    assert plan_of(house, "p1").held == 0
    assert worker.work_off("generate")[0].job == barred
    assert set(states(house, "p1").values()) == {"complete"}


def test_it_is_not_released_by_what_else_happens(
    house: House, worker: Peer, control: Peer, barred: int
) -> None:
    house.close()
    house.open()
    house.publish(island(10, 0), id="p2")
    worker.work_off()
    assert house.job(barred).state == "blocked"
    assert control.ask(CancelPlan(plan="p1"), Changed).jobs == 2
    assert plan_of(house, "p1").stuck is False


def test_the_window_moves_where_the_map_still_allows_it(house: House, worker: Peer) -> None:
    """
    A A X    B was to see A alone; by the time it is leased X is there too, and only a window between
    A A B    them sees all that lies against it.
    """
    house.publish(island(0, 0))
    worker.work_off()
    house.publish(Step(id="b", quadrants=[(2, 1)], padding=[(2, 0)]), id="p2")
    house.publish(island(20, 20), id="far")
    worker.work_off("render")
    lay(house, (3, 0), (3, 1))
    work = worker.lease("generate").work
    assert isinstance(work, GenerateWork)
    assert (work.x, work.y) == (2 * 512 - 256, 0)


def test_a_paused_plan_is_looked_at_before_it_is_planned_anew(
    house: House, worker: Peer, control: Peer
) -> None:
    house.publish(island(0, 0))
    worker.work_off("render")
    control.ask(Pause(), Changed)
    assert control.ask(Replan(plan="p1", id="p2"), Error).code == "WRONG_STATE"
    lay(house, (2, 0), (2, 1))
    answer = control.exchange(Replan(plan="p1", id="p2")).body
    assert not isinstance(answer, Error), answer
    assert states(house, "p1") == {"s1": "cancelled"}
    drawn = {cell for job in house.jobs(plan="p2", kind="generate") for cell in job.quadrants}
    assert drawn == {(0, 0), (1, 0), (0, 1), (1, 1)}
