"""Planning anew: what is left of a plan that cannot go on becomes another plan, at once or not at all."""

import pytest

from protocol.control import CancelJob, Changed, ListPlans, Plans
from protocol.errors import Code
from protocol.ingest import Accepted
from protocol.message import Error
from protocol.plan import Step
from protocol.region import Fill, Planned, Replan
from protocol.work import GenerateWork, Lease, Nack, Nacked
from tests.keeper.house import House, Peer, island

Cell = tuple[int, int]


def fail(worker: Peer, *kinds: str) -> Lease:
    lease = worker.lease(*kinds)
    nack = Nack(job=lease.job, token=lease.token, error_class="rejected", reason="No.", retry=False)
    worker.ask(nack, Nacked)
    return lease


def states(house: House, plan: str) -> dict[str, str]:
    return {job.step: job.state for job in house.jobs(plan=plan, kind="generate")}


def drawn(house: House, plan: str) -> set[Cell]:
    return {cell for job in house.jobs(plan=plan, kind="generate") for cell in job.quadrants}


@pytest.fixture
def stuck(house: House, worker: Peer) -> set[Cell]:
    """
    A A B D D
    A A B D D   A fails, so B is held; D is done. The quadrants that are left are A's and B's.
    """
    house.publish(
        island(0, 0, "a"),
        island(3, 0, "d"),
        Step(id="b", quadrants=[(2, 0), (2, 1)], after=["a", "d"], model_id="pixel-art"),
        name="Harbour",
        prompt="boats",
        lane="interactive",
    )
    worker.work_off("render", "palette")
    fail(worker, "generate")
    worker.work_off("generate")
    assert states(house, "p1") == {"a": "error", "d": "complete", "b": "blocked"}
    return {(x, y) for x in (0, 1, 2) for y in (0, 1)}


def test_what_is_left_becomes_a_plan_of_its_own(
    house: House, worker: Peer, control: Peer, stuck: set[Cell]
) -> None:
    accepted = control.ask(Replan(plan="p1", id="p2"), Accepted)

    assert states(house, "p1") == {"a": "cancelled", "d": "complete", "b": "cancelled"}
    assert drawn(house, "p2") == stuck
    jobs = [house.job(job) for job in accepted.jobs]
    assert {(job.prompt, job.lane) for job in jobs if job.kind == "generate"} == {("boats", "interactive")}
    models = {cell: job.model_id for job in jobs if job.kind == "generate" for cell in job.quadrants}
    assert {models[(0, 0)], models[(2, 0)]} <= {"plain", "pixel-art"}
    new, old = control.ask(ListPlans(), Plans).plans
    assert (new.plan, new.name, new.settled) == ("p2", "Harbour", False)
    assert (old.settled, old.stuck) == (True, False)
    # Everything is rendered already: nothing of it is drawn again.
    assert {job.kind for job in jobs} == {"generate"}
    worker.work_off("generate")
    assert set(states(house, "p2").values()) == {"complete"}
    on_map = {(tile.x, tile.y) for tile in house.map().tiles if tile.layer == "generation"}
    assert on_map == {(x, y) for x in range(5) for y in (0, 1)}


def test_the_same_request_again_changes_nothing(house: House, control: Peer, stuck: set[Cell]) -> None:
    first = control.ask(Replan(plan="p1", id="p2"), Accepted)
    events = len(house.events())
    again = control.ask(Replan(plan="p1", id="p2"), Accepted)
    assert (again.jobs, again.duplicate) == (first.jobs, True)
    assert len(house.events()) == events


def test_a_dry_run_changes_nothing(house: House, control: Peer, stuck: set[Cell]) -> None:
    before, events = house.jobs(), len(house.events())
    planned = control.ask(Replan(plan="p1", id="p2", dry_run=True), Planned)
    assert {cell for step in planned.steps for cell in step.quadrants} == stuck
    assert planned.estimate.calls == len(planned.steps)
    assert (house.jobs(), len(house.events())) == (before, events)


def test_a_plan_that_can_go_on_is_left_alone(house: House, worker: Peer, control: Peer) -> None:
    house.publish(island(0, 0, "a"), island(10, 0, "b"))
    refusal = control.ask(Replan(plan="p1", id="p2"), Error)
    assert refusal.code == Code.WRONG_STATE
    assert "can still go on" in refusal.message
    worker.work_off("render")
    fail(worker, "generate")
    lease = worker.lease("generate")
    assert control.ask(Replan(plan="p1", id="p2"), Error).code == Code.WRONG_STATE
    worker.ack(lease)
    assert control.ask(Replan(plan="p1", id="p2"), Accepted).jobs


def test_what_cannot_be_planned_anew(house: House, worker: Peer, control: Peer) -> None:
    assert control.ask(Replan(plan="p1", id="p2"), Error).code == Code.UNKNOWN_PLAN
    house.publish(island(0, 0))
    worker.work_off()
    assert "nothing left" in control.ask(Replan(plan="p1", id="p2"), Error).message
    assert control.ask(Replan(plan="p1", id="p1"), Error).code == Code.BAD_PLAN


def test_what_a_person_called_off_counts_as_left(house: House, worker: Peer, control: Peer) -> None:
    house.publish(island(0, 0, "a"))
    worker.work_off("render")
    control.ask(CancelJob(job=house.jobs(kind="generate")[0].job), Changed)
    control.ask(Replan(plan="p1", id="p2"), Accepted)
    assert len(drawn(house, "p2")) == 4


def test_its_ground_must_be_free(house: House, control: Peer, stuck: set[Cell]) -> None:
    """A settled plan reserves nothing: by now somebody else may be at work there."""
    house.publish(island(-2, -2), id="other")
    refusal = control.ask(Replan(plan="p1", id="p2"), Error)
    assert (refusal.code, refusal.details.split(":")[0]) == (Code.CONFLICT, "other")
    assert states(house, "p1") == {"a": "error", "d": "complete", "b": "blocked"}


def test_renders_that_are_under_way_go_over_to_the_new_plan(
    house: House, worker: Peer, control: Peer
) -> None:
    house.publish(
        island(0, 0, "a"), island(3, 0, "d"), Step(id="b", quadrants=[(2, 0), (2, 1)], after=["a", "d"])
    )
    renders = house.jobs(kind="render")
    for job in house.jobs(kind="generate"):
        if job.step != "b":
            control.ask(CancelJob(job=job.job), Changed)
    control.ask(Replan(plan="p1", id="p2"), Accepted)
    assert {(job.plan, job.state) for job in house.jobs(kind="render")} == {("p2", "pending")}
    assert len(house.jobs(kind="render")) == len(renders)
    worker.work_off()
    assert set(states(house, "p2").values()) == {"complete"}


def test_scaffold_of_the_old_plan_is_not_counted_on(house: House, worker: Peer, control: Peer) -> None:
    control.ask(Fill(plan="f", rectangle=(0, 0, 3, 0)), Accepted)
    worker.work_off("render")
    worker.ack(worker.lease("generate"))
    while (lease := worker.ready("generate")) is not None:
        nack = Nack(job=lease.job, token=lease.token, error_class="rejected", reason="No.", retry=False)
        worker.ask(nack, Nacked)
    control.ask(Replan(plan="f", id="g"), Accepted)
    while (lease := worker.ready()) is not None:
        assert isinstance(lease.work, GenerateWork) or lease.work.kind == "render"
        worker.ack(lease)
    assert set(states(house, "g").values()) == {"complete"}
    on_map = {(tile.x, tile.y) for tile in house.map().tiles if tile.layer == "generation"}
    assert on_map == {(x, 0) for x in range(4)}


def test_a_large_rest_is_planned_beside_other_work(house: House, worker: Peer, control: Peer) -> None:
    control.ask(Fill(plan="big", rectangle=(0, 0, 19, 19)), Accepted)
    while rest := house.jobs(plan="big", kind="generate", states=["blocked"]):
        for job in rest:
            control.ask(CancelJob(job=job.job), Changed)
    control.ask(Replan(plan="big", id="again"), Accepted)
    plans = {view.plan: view for view in control.ask(ListPlans(), Plans).plans}
    assert plans["big"].counts["blocked"] == 0
    assert plans["again"].quadrants_total == 400
