"""The order of handing out, and what people change about it and about the jobs themselves."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from protocol.control import CancelJob, Changed, Pause
from protocol.errors import Code
from protocol.ingest import Accepted
from protocol.message import Error
from protocol.order import CancelWhere, Edit, Move, RetryWhere, WorkerGone
from protocol.plan import Step
from protocol.region import Render
from protocol.work import Ack, Lease, Made, Nack, Nacked, Ready, Touch
from services.keeper.lanes import between
from tests.keeper.house import Clock, House, Peer, island, opened


@pytest.fixture
def house(short: Path) -> Iterator[House]:
    models = [
        {"name": name, "model_id": name, "provider": "oxen", "api_key": "literal", "prompt": f"as {name}"}
        for name in ("plain", "other")
    ]
    pixel = {"name": "Pixel art", "model_id": "pixel-art", "provider": "pixel-art"}
    with opened(short, models=[*models, pixel], queue_limit=40) as house:
        house.rendered(-4, -4, 40, 8)
        yield house


@pytest.fixture
def jobs(house: House) -> list[int]:
    """Four model calls in the bulk lane that wait for nothing."""
    return house.publish(*(island(10 * i, 0, f"s{i}") for i in range(4)), id="p").jobs


def order(worker: Peer, count: int = 4) -> list[int]:
    return [worker.lease("generate").job for _ in range(count)]


def change(control: Peer, body: Any) -> int:
    return control.ask(body, Changed).jobs


def refused(control: Peer, body: Any) -> Code:
    return control.ask(body, Error).code


def fail(worker: Peer, lease: Lease, error_class: Any = "rejected", reason: str = "No.") -> None:
    worker.ask(Nack(job=lease.job, token=lease.token, error_class=error_class, reason=reason), Nacked)


def test_jobs_are_moved_to_the_front_in_the_order_named(jobs: list[int], control: Peer, worker: Peer) -> None:
    a, b, c, d = jobs
    assert change(control, Move(jobs=[d, b], to="front")) == 2
    assert order(worker) == [d, b, a, c]


def test_jobs_are_moved_to_the_back_and_stay_before_what_comes_later(
    house: House, jobs: list[int], control: Peer, worker: Peer
) -> None:
    a, b, c, d = jobs
    change(control, Move(jobs=[c, a], to="back"))
    (late,) = house.publish(island(4, 4), id="late").jobs
    assert order(worker, 5) == [b, d, c, a, late]


@pytest.mark.parametrize("restart", [False, True])
def test_jobs_are_moved_before_another_again_and_again(
    house: House, jobs: list[int], control: Peer, worker: Peer, restart: bool
) -> None:
    a, b, c, d = jobs
    for _ in range(60):
        change(control, Move(jobs=[d], to="before", before=b))
        change(control, Move(jobs=[c], to="before", before=b))
        change(control, Move(jobs=[d], to="before", before=c))
    change(control, Move(jobs=[a], to="before", before=b))
    if restart:
        house.close()
        house.open()
    assert order(worker) == [d, c, a, b]


def test_there_is_room_between_two_or_there_is_none() -> None:
    assert between(0, 8, 3) == [2, 4, 6]
    assert between(-8, 8, 1) == [1], "0 is no place"
    assert between(4, 7, 1) is None


def test_a_moved_job_counts_like_its_neighbour_and_stays_in_its_lane(
    house: House, jobs: list[int], control: Peer, worker: Peer
) -> None:
    (high,) = house.publish(island(4, 4), id="high", priority=500).jobs
    (urgent,) = house.publish(island(14, 4), id="urgent", lane="interactive").jobs
    change(control, Move(jobs=[jobs[3]], to="front"))
    assert house.job(jobs[3]).lane == "bulk"
    assert order(worker, 4) == [urgent, jobs[3], high, jobs[0]]


def test_a_step_is_moved_with_what_it_waits_for(house: House, control: Peer, worker: Peer) -> None:
    house.publish(island(20, 0), id="before")
    steps = [island(0, 0, "a"), island(3, 0, "c"), Step(id="b", quadrants=[(2, 0), (2, 1)], after=["a", "c"])]
    a, c, b = house.publish(*steps, id="p").jobs
    assert change(control, Move(jobs=[b], to="front")) == 3
    assert order(worker, 2) == [a, c]


def test_what_cannot_be_moved_is_refused_whole(
    house: House, jobs: list[int], control: Peer, worker: Peer
) -> None:
    a, b, c, d = jobs
    assert worker.lease("generate").job == a
    (urgent,) = house.publish(island(4, 4), id="urgent", lane="interactive").jobs
    assert refused(control, Move(jobs=[d, a], to="front")) == Code.WRONG_STATE
    assert refused(control, Move(jobs=[d], to="before", before=a)) == Code.WRONG_STATE
    assert refused(control, Move(jobs=[d], to="before", before=urgent)) == Code.WRONG_STATE
    assert refused(control, Move(jobs=[d], to="before", before=d)) == Code.BAD_REQUEST
    assert refused(control, Move(jobs=[999], to="back")) == Code.UNKNOWN_JOB
    assert order(worker) == [urgent, b, c, d]


def test_the_higher_priority_goes_first_within_a_lane(
    house: House, jobs: list[int], control: Peer, worker: Peer
) -> None:
    low, high, urgent = (
        house.publish(island(4 + 10 * i, 4), id=f"q{i}", priority=priority, lane=lane).jobs[0]
        for i, (priority, lane) in enumerate([(-1000, "bulk"), (1000, "bulk"), (-1000, "interactive")])
    )
    change(control, Edit(jobs=[jobs[2]], priority=7))
    assert order(worker, 7) == [urgent, high, jobs[2], jobs[0], jobs[1], jobs[3], low]


def test_what_a_job_asks_for_is_edited_while_it_waits(
    house: House, jobs: list[int], control: Peer, worker: Peer
) -> None:
    change(control, Edit(jobs=[jobs[3]], prompt="at night", negative_prompt="no sun", lane="interactive"))
    assert change(control, Edit(jobs=jobs[:2], model_id="other")) == 2
    assert change(control, Edit(jobs=jobs[:2], model_id="other")) == 0
    work = worker.lease("generate").work
    assert work.kind == "generate" and (work.prompt, work.negative_prompt) == ("at night", "no sun")
    work = worker.lease("generate").work
    assert work.kind == "generate" and (work.model_id, work.prompt) == ("other", "as other")
    pending = {model: counts["pending"] for model, counts in house.status().by_model.items()}
    assert pending == {"plain": 1, "other": 1}


def test_a_moderated_job_is_edited_and_tried_again(
    house: House, jobs: list[int], control: Peer, worker: Peer
) -> None:
    fail(worker, worker.lease("generate"), "moderated", "The prompt was refused.")
    change(control, Edit(jobs=[jobs[0]], prompt="a kinder city"))
    assert house.job(jobs[0]).state == "error"
    assert change(control, RetryWhere(error_class="moderated")) == 1
    work = worker.lease("generate").work
    assert work.kind == "generate" and work.prompt == "a kinder city"


def test_what_cannot_be_edited_is_refused_whole(
    house: House, jobs: list[int], control: Peer, worker: Peer
) -> None:
    a, b = worker.lease("generate"), worker.lease("generate")
    worker.ack(b)
    for job in (a.job, b.job):
        assert refused(control, Edit(jobs=[jobs[3], job], prompt="x")) == Code.WRONG_STATE
    assert refused(control, Edit(jobs=[jobs[3]], model_id="nobody")) == Code.UNKNOWN_MODEL
    assert refused(control, Edit(jobs=[jobs[3]], model_id="pixel-art")) == Code.WRONG_STATE
    assert refused(control, Edit(jobs=[jobs[3]])) == Code.BAD_REQUEST
    render = control.ask(Render(plan="r", quadrants=[(90, 90)]), Accepted).jobs[0]
    assert refused(control, Edit(jobs=[render], prompt="x")) == Code.BAD_REQUEST
    assert change(control, Edit(jobs=[render], priority=3)) == 1
    assert house.job(jobs[3]).prompt == "as plain"


def test_a_step_has_its_own_prompt(house: House, worker: Peer) -> None:
    steps = [island(0, 0, "a"), island(10, 0, "b", prompt="harbour", negative_prompt="fog")]
    house.publish(*steps, id="p", prompt="city", negative_prompt="cars")
    works = [worker.lease("generate").work for _ in range(2)]
    assert [(w.prompt, w.negative_prompt) for w in works if w.kind == "generate"] == [
        ("city", "cars"),
        ("harbour", "fog"),
    ]


def test_jobs_are_called_off_by_what_they_are(
    house: House, jobs: list[int], control: Peer, worker: Peer
) -> None:
    change(control, Edit(jobs=jobs[:2], model_id="other"))
    running = worker.lease("generate")
    failed = worker.lease("generate")
    fail(worker, failed)
    assert change(control, CancelWhere(model_id="other")) == 1
    assert house.job(running.job).state == "cancelled"
    assert house.job(failed.job).state == "error"
    assert change(control, CancelWhere(error_class="rejected")) == 1
    assert change(control, CancelWhere(text="AS PLAIN", plan="p", states=["pending"])) == 2
    assert change(control, CancelWhere(states=["complete"])) == 0


def test_a_running_job_that_is_called_off_is_told_and_its_result_kept_aside(
    house: House, jobs: list[int], control: Peer, worker: Peer
) -> None:
    one, two = worker.lease("generate"), worker.lease("generate")
    control.ask(CancelJob(job=one.job), Changed)
    change(control, CancelWhere(plan="p"))
    for lease in (one, two):
        assert worker.ask(Touch(job=lease.job, token=lease.token), Error).code == Code.LEASE_LOST
        assert worker.late(lease).code == Code.LEASE_LOST
    assert house.status().orphans == 2
    assert house.status().quadrants == 0


def test_failed_jobs_are_retried_by_what_they_are_and_what_waits_stays_behind(
    house: House, control: Peer, worker: Peer
) -> None:
    steps = [island(0, 0, "a"), island(3, 0, "c"), Step(id="b", quadrants=[(2, 0), (2, 1)], after=["a", "c"])]
    a, c, b = house.publish(*steps, id="p").jobs
    fail(worker, worker.lease("generate"), "rejected", "Too dark.")
    fail(worker, worker.lease("generate"), "bug", "Oh.")
    assert house.job(b).held_by in (a, c)
    assert change(control, RetryWhere(text="dark")) == 1
    assert [house.job(job).state for job in (a, c, b)] == ["pending", "error", "blocked"]
    assert change(control, RetryWhere()) == 1
    assert change(control, RetryWhere()) == 0
    for job in (a, c):
        lease = worker.lease("generate")
        assert lease.job == job
        worker.ack(lease)
    assert worker.lease("generate").job == b


def test_fencing_lets_no_foreign_token_change_anything(house: House, jobs: list[int], worker: Peer) -> None:
    mine, other = worker.lease("generate"), worker.lease("generate")
    for restart in (False, True):
        if restart:
            house.close()
            house.open()
        for token in (mine.token - 1 or 1, other.token, mine.token + 1_000):
            if token == mine.token:
                continue
            assert worker.ask(Touch(job=mine.job, token=token), Error).code == Code.LEASE_LOST
            nack = Nack(job=mine.job, token=token, error_class="bug", reason="x")
            assert worker.ask(nack, Error).code == Code.LEASE_LOST
            assert worker.late(mine.model_copy(update={"token": token})).code == Code.LEASE_LOST
        assert house.job(mine.job).state == "processing"
    worker.ack(mine)
    assert house.job(mine.job).state == "complete"


def test_a_job_that_its_workers_died_over_five_times_gets_no_more(
    house: House, jobs: list[int], control: Peer, worker: Peer, clock: Clock
) -> None:
    """Also while attempts are left, as they are after tries at a rate limit."""
    change(control, CancelWhere(plan="p"))
    house.close()
    house.config = house.config.model_copy(update={"max_attempts": 100})
    house.open()
    (job,) = house.publish(island(4, 4), id="poison").jobs
    for life in range(5):
        assert house.job(job).state == "pending"
        worker.lease("generate", worker=f"generator-{life}.0000000{life}")
        clock.forward(3)
        assert change(control, WorkerGone(name=f"generator-{life}")) == 1
    dead = house.job(job)
    assert (dead.state, dead.error_class, dead.deaths) == ("error", "bug", 5)
    assert "generator-4" in dead.reason and "retry" in dead.reason
    assert worker.ready("generate") is None
    house.publish(island(14, 4), id="healthy")
    assert worker.lease("generate").plan == "healthy"


def test_what_a_process_held_is_free_once_it_has_ended(
    house: House, jobs: list[int], control: Peer, worker: Peer, clock: Clock
) -> None:
    mine = worker.lease("generate", worker="generator-1.aaaaaaaa")
    other = worker.lease("generate", worker="generator-2.aaaaaaaa")
    worker.send(Ready(worker="generator-1.aaaaaaaa", kinds=["palette"], wait=60))
    clock.forward(3)
    assert change(control, WorkerGone(name="generator-1")) == 1
    assert change(control, WorkerGone(name="generator-1")) == 0
    assert (house.job(mine.job).state, house.job(mine.job).attempt) == ("pending", 1)
    assert house.job(other.job).state == "processing"


def test_late_news_of_an_end_costs_the_successor_nothing(
    house: House, jobs: list[int], control: Peer, worker: Peer, clock: Clock
) -> None:
    worker.lease("generate", worker="generator-1.aaaaaaaa")
    clock.forward(10)
    successor = worker.lease("generate", worker="generator-1.bbbbbbbb")
    assert change(control, WorkerGone(name="generator-1")) == 0
    assert house.job(successor.job).state == "processing"
    clock.forward(10)
    assert change(control, WorkerGone(name="generator-1")) == 1


def test_a_full_queue_takes_no_more_until_there_is_room(house: House, control: Peer, worker: Peer) -> None:
    house.publish(*(island(4 * x, 4 * y, f"s{x}.{y}") for x in range(9) for y in (0, 1)), id="a")
    control.ask(Render(plan="r", quadrants=[(90 + 2 * i, 90) for i in range(20)], lane="bulk"), Accepted)
    refusal = control.ask(Render(plan="s", quadrants=[(90, 95 + 2 * i) for i in range(3)]), Error)
    assert (refusal.code, refusal.retry_after) == (Code.BUSY, 30)
    control.ask(Render(plan="s", quadrants=[(90, 96), (90, 98)]), Accepted)
    too_many = [(90 + 2 * i, 200) for i in range(41)]
    assert refused(control, Render(plan="t", quadrants=too_many)) == Code.TOO_LARGE
    assert change(control, CancelWhere(kind="render")) == 22
    control.ask(Render(plan="t", quadrants=too_many[:20]), Accepted)


def test_the_same_plan_is_answered_with_its_first_result_also_after_a_restart(
    house: House, jobs: list[int], control: Peer, worker: Peer
) -> None:
    house.close()
    house.open()
    again = house.publish(*(island(10 * i, 0, f"s{i}") for i in range(4)), id="p")
    assert (again.duplicate, again.jobs) == (True, jobs)
    assert order(worker) == jobs


@pytest.mark.parametrize("what", [{"plan": "p"}, {"model_id": "plain"}, {}])
def test_a_job_that_is_moved_to_the_front_waits_if_it_is_paused(
    jobs: list[int], control: Peer, worker: Peer, what: dict[str, str]
) -> None:
    control.ask(Pause(**what), Changed)
    change(control, Move(jobs=[jobs[3]], to="front"))
    assert worker.ready("generate") is None


def test_a_result_that_is_owed_by_nobody_changes_nothing(house: House, worker: Peer) -> None:
    made = Made(worker="w", seconds=1)
    assert worker.ask(Ack(job=99, token=1, made=made), Error).code == Code.UNKNOWN_JOB
    assert house.events() == []


def test_a_late_result_is_not_taken_for_what_was_asked_for_since(
    house: House, jobs: list[int], control: Peer, worker: Peer, clock: Clock
) -> None:
    late = worker.lease("generate")
    change(control, CancelWhere(states=["pending"]))
    clock.forward(61)
    while house.job(late.job).state != "pending":
        house.peer("control").ping()
    change(control, Edit(jobs=[late.job], prompt="something else"))
    assert worker.late(late).code == Code.LEASE_LOST
    assert house.job(late.job).state == "pending"


def test_a_job_with_a_priority_of_its_own_takes_its_neighbours(
    house: House, jobs: list[int], control: Peer, worker: Peer
) -> None:
    change(control, Edit(jobs=[jobs[3]], priority=-9))
    change(control, Move(jobs=[jobs[3]], to="before", before=jobs[1]))
    assert house.job(jobs[3]).priority == 0
    assert order(worker) == [jobs[0], jobs[3], jobs[1], jobs[2]]
