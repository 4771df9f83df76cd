"""The cone of a failure: exactly what needs it is held, whatever happens in whichever order."""

import random

from protocol.control import (
    CancelJob,
    Changed,
    ListPlans,
    Plans,
    RetryFailed,
    RetryJob,
)
from protocol.event import JobChange
from protocol.ingest import Accepted
from protocol.message import Error
from protocol.plan import Step
from protocol.region import Fill, Planned
from protocol.work import Nack, Nacked
from tests.keeper.house import House, Peer, island
from tests.keeper.test_replan import fail

DEAD = ("error", "cancelled")


def cone(planned: Planned, first: str) -> set[str]:
    """The steps that need `first`, directly or through others."""
    found = {first}
    for step in planned.steps:
        if found & set(step.after):
            found.add(step.id)
    return found - {first}


def test_a_failed_step_holds_exactly_its_cone(house: House, worker: Peer, control: Peer) -> None:
    fill = Fill(plan="f", rectangle=(0, 0, 11, 11))
    planned = control.ask(fill.model_copy(update={"dry_run": True}), Planned)
    control.ask(fill, Accepted)
    worker.work_off("render")
    lost = fail(worker, "generate")
    held = cone(planned, lost.step)
    assert held
    worker.work_off("generate")

    jobs = house.jobs(plan="f", kind="generate")
    assert {job.step for job in jobs if job.state == "blocked"} == held
    assert {job.step for job in jobs if job.state == "error"} == {lost.step}
    assert {job.step for job in jobs if job.state == "complete"} == {s.id for s in planned.steps} - held - {
        lost.step
    }
    (view,) = control.ask(ListPlans(), Plans).plans
    assert (view.settled, view.stuck, view.failed, view.held) == (True, True, 1, len(held))
    assert f"Job {lost.job} failed: No." in view.reason
    assert f"{len(held)} steps are held" in view.reason

    last = house.events()[-1].seq
    assert control.ask(RetryFailed(), Changed).jobs == 1
    done = [lease.job for lease in worker.work_off("generate")]
    # Retried and resumed, what was asked for first comes first again.
    assert done[0] == lost.job
    assert set(done) == {lost.job, *(job.job for job in jobs if job.step in held)}
    (view,) = control.ask(ListPlans(), Plans).plans
    assert (view.settled, view.stuck, view.held, view.reason) == (True, False, 0, "")
    changes = [e.change for e in house.events(last) if isinstance(e.change, JobChange)]
    assert "blocked" not in {change.state for change in changes}


def test_retried_jobs_keep_the_order_of_their_numbers(house: House, worker: Peer, control: Peer) -> None:
    house.publish(*[island(10 * i, 0, f"s{i}") for i in range(5)])
    worker.work_off("render")
    jobs = [fail(worker, "generate").job for _ in range(3)]
    for job in reversed(jobs):
        control.ask(RetryJob(job=job), Changed)
    assert [lease.step for lease in worker.work_off("generate")] == [f"s{i}" for i in range(5)]


def test_a_plan_that_comes_to_lean_on_what_is_dead_says_so(house: House, worker: Peer, control: Peer) -> None:
    """The palette of the first plan waits for a render that failed; the second one needs that palette too."""
    house.publish(island(40, 40), id="first", model_id="pixel-art")
    while (lease := worker.ready("render")) is not None:
        if lease.step.startswith("render:0,0"):
            nack = Nack(job=lease.job, token=lease.token, error_class="bug", reason="No.", retry=False)
            worker.ask(nack, Nacked)
        else:
            worker.ack(lease)
    house.publish(island(80, 80), id="second", model_id="pixel-art")
    worker.work_off()
    views = {view.plan: view for view in control.ask(ListPlans(), Plans).plans}
    assert [(views[p].settled, views[p].stuck, views[p].held) for p in ("first", "second")] == [
        (True, True, 1),
        (True, True, 1),
    ]
    assert views["second"].reason.startswith("It waits for jobs that failed")
    control.ask(RetryFailed(), Changed)
    assert {view.held for view in control.ask(ListPlans(), Plans).plans} == {0}
    worker.work_off()
    assert {job.state for job in house.jobs(kind="generate")} == {"complete"}


def test_what_is_held_is_always_what_waits_for_the_dead(house: House, worker: Peer, control: Peer) -> None:
    """Random failures, cancellations, retries and restarts; in the end the books are compared by hand."""
    chance = random.Random(5)
    for plan in range(3):
        steps: list[Step] = []
        for i in range(12):
            after = [step.id for step in steps if chance.random() < 0.25]
            steps.append(island(40 * i, 40 * plan, f"s{i}", after=after))
        house.publish(*steps, id=f"p{plan}", model_id=chance.choice(["plain", "keyless"]))
    jobs = [job.job for job in house.jobs()]
    for turn in range(150):
        deed = chance.random()
        if deed < 0.45 and (lease := worker.ready()) is not None:
            if chance.random() < 0.15:
                nack = Nack(job=lease.job, token=lease.token, error_class="bug", reason="x", retry=False)
                worker.ask(nack, Nacked)
            else:
                worker.ack(lease)
        elif deed < 0.55:
            assert control.exchange(CancelJob(job=chance.choice(jobs))).body is not None
        elif deed < 0.75:
            assert isinstance(control.exchange(RetryJob(job=chance.choice(jobs))).body, Changed | Error)
        elif deed < 0.77:
            control.ask(RetryFailed(), Changed)
        if turn % 40 == 0:
            assert_books_are_right(house)
    assert_books_are_right(house)


def assert_books_are_right(house: House) -> None:
    house.close()
    rows = house.select("SELECT id, plan_id, status, held FROM generation_queue")
    needs = house.select("SELECT job_id, needs_id FROM dependencies")
    settled = dict(house.select("SELECT id, settled FROM plans"))
    house.open()
    state = {job: status for job, _, status, _ in rows}
    dead = {job for job, status in state.items() if status in DEAD}
    held: set[int] = set()
    while True:
        more = {
            job for job, need in needs if state[job] == "blocked" and (need in dead or need in held)
        } - held
        if not more:
            break
        held |= more
    assert {job for job, _, _, mark in rows if mark} == held
    for plan, is_settled in settled.items():
        alive = any(
            of == plan and (status in ("pending", "processing") or (status == "blocked" and job not in held))
            for job, of, status, _ in rows
        )
        assert is_settled == (not alive), plan
    for job, status in state.items():
        if status == "blocked":
            assert any(state[need] != "complete" for of, need in needs if of == job)
