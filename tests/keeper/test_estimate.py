"""What a dry run says of time and cost, and how many calls of a model run at once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from protocol.control import ListPlans, Plans
from protocol.ingest import Accepted, Publish
from protocol.plan import Plan, Step
from protocol.region import Fill, Planned, Render
from protocol.work import Acked, GenerateWork, Lease, Ready
from services.model import REMOTE_AT_ONCE
from tests.keeper.house import CONFIG, House, Peer, island, opened, result

PLAIN, PIXELS, KEYLESS = CONFIG["models"]


@pytest.fixture
def priced(short: Path) -> Iterator[House]:
    """A plain model that costs 0.04 a call and takes two calls at once; the pixel art says nothing."""
    models = [{**PLAIN, "cost_per_image": 0.04, "max_concurrency": 2}, PIXELS, KEYLESS]
    with opened(short, models=models, services={"renderer": 1, "generator": 2}) as house:
        yield house


def fill(model_id: str | None = None) -> Fill:
    return Fill(plan="f", rectangle=(0, 0, 4, 4), model_id=model_id, dry_run=True)


def leases(house: House, count: int) -> list[Lease]:
    worker = house.peer("work")
    return [lease for lease in (worker.ready("generate") for _ in range(count)) if lease is not None]


def test_without_history_there_is_no_time(priced: House) -> None:
    control = priced.peer("control")
    planned = control.ask(fill(), Planned)
    estimate = planned.estimate
    assert (estimate.calls, estimate.quadrants, estimate.waves) == (9, 25, 3)
    assert (len(planned.steps), planned.waves) == (9, 3)
    assert estimate.shapes == {"2x2": 4, "2x1": 2, "1x2": 2, "1x1": 1}
    assert (estimate.seconds_p50, estimate.seconds_p90) == (None, None)
    assert (estimate.concurrency, estimate.cost) == (2, pytest.approx(0.36))
    assert estimate.renders == planned.renders == 16
    # A remote model that sets no bound and no price.
    other = control.ask(fill("keyless"), Planned).estimate
    assert (other.concurrency, other.cost) == (REMOTE_AT_ONCE, None)


def test_renders_that_exist_are_not_counted_again(priced: House) -> None:
    control = priced.peer("control")
    cells = [(x, y) for x in range(-2, 6) for y in range(-2, 6)]
    control.ask(Render(plan="r", quadrants=cells), Accepted)
    # Asked for and under way, or done: both are somebody else's work.
    assert control.ask(fill(), Planned).renders == 0
    priced.peer("work").work_off()
    assert control.ask(fill(), Planned).renders == 0


def test_time_comes_from_the_models_own_latest_calls(priced: House) -> None:
    control, worker = priced.peer("control"), priced.peer("work")
    priced.publish(*[island(10 * i, 40, f"s{i}") for i in range(10)], id="history")
    worker.work_off("render")
    for seconds in range(1, 11):
        body, attachments = result(worker.lease("generate"))
        # As the worker measured it; the keeper's wall clock may have been set in between.
        priced.clock.forward(-1_000 if seconds == 3 else 1)
        made = body.made.model_copy(update={"seconds": float(seconds)})
        worker.ask(body.model_copy(update={"made": made}), Acked, attachments)
    estimate = control.ask(fill(), Planned).estimate
    # Nine calls two at a time, of which 4, 4 and 1 may run together: five rounds.
    assert (estimate.seconds_p50, estimate.seconds_p90) == (5 * 5.0, 5 * 9.0)
    assert control.ask(fill("pixel-art"), Planned).estimate.seconds_p50 is None


def test_a_model_that_may_not_be_called_often_takes_longer(short: Path) -> None:
    models = [{**PLAIN, "requests_per_minute": 6}, PIXELS, KEYLESS]
    with opened(short, models=models) as house:
        house.publish(island(0, 40, "a"), id="history")
        worker = house.peer("work")
        worker.work_off("render")
        body, attachments = result(worker.lease("generate"))
        made = body.made.model_copy(update={"seconds": 2.0})
        worker.ask(body.model_copy(update={"made": made}), Acked, attachments)
        control = house.peer("control")
        # Nine calls that take two seconds, ten seconds apart.
        assert control.ask(fill(), Planned).estimate.seconds_p50 == pytest.approx(8 * 10 + 2)
        control.ask(fill().model_copy(update={"dry_run": False}), Accepted)
        worker.work_off("render")
        view = control.ask(ListPlans(), Plans).plans[0]
        assert view.plan == "f"
        # The first may begin ten seconds after the call before it.
        assert view.seconds_left == pytest.approx(9 * 10 + 2, abs=1)


def test_a_plan_of_two_models_adds_up(priced: House) -> None:
    steps = [island(0, 0, "a"), island(10, 0, "b", model_id="keyless")]
    dry = Publish(plan=Plan(id="p", model_id="plain", steps=steps), dry_run=True)
    control = priced.peer("control")
    assert control.ask(dry, Planned).estimate.cost is None
    renders_only = Plan(id="p", steps=[Step(id="r", kind="render", quadrants=[(0, 0)])])
    estimate = control.ask(Publish(plan=renders_only, dry_run=True), Planned).estimate
    assert (estimate.calls, estimate.renders, estimate.waves, estimate.cost) == (0, 1, 0, None)


def test_a_model_gets_no_more_calls_than_it_takes_at_once(priced: House) -> None:
    """The first three jobs are of the model that takes two; those of the other go past the third."""
    priced.publish(
        island(0, 0, "a"), island(10, 0, "b"), island(20, 0, "c"), island(30, 0, "d", model_id="keyless")
    )
    worker = priced.peer("work")
    worker.work_off("render")
    first = leases(priced, 5)
    assert [lease.step for lease in first] == ["a", "b", "d"]
    assert worker.ready("generate") is None
    worker.ack(first[0])
    (third,) = leases(priced, 2)
    assert third.step == "c"
    assert isinstance(third.work, GenerateWork)
    for lease in (first[1], third):
        worker.ack(lease)
    assert {job.state for job in priced.jobs(model_id="plain", kind="generate")} == {"complete"}


def test_a_worker_that_waits_gets_the_call_that_has_become_free(priced: House) -> None:
    priced.publish(island(0, 0, "a"), island(10, 0, "b"), island(20, 0, "c"))
    worker, waiting = priced.peer("work"), priced.peer("work")
    worker.work_off("render")
    first = leases(priced, 2)
    waiting.send(Ready(worker="v", kinds=["generate"], wait=30))
    assert waiting.silent()
    worker.ack(first[0])
    answer = waiting.hear().body
    assert isinstance(answer, Lease)
    assert answer.step == "c"


def test_the_bound_holds_over_a_restart_and_a_lease_that_ran_out(priced: House) -> None:
    priced.publish(island(0, 0, "a"), island(10, 0, "b"), island(20, 0, "c"))
    worker: Peer = priced.peer("work")
    worker.work_off("render")
    assert len(leases(priced, 3)) == 2
    priced.close()
    priced.open()
    assert leases(priced, 1) == []
    priced.clock.forward(200)
    assert [lease.step for lease in leases(priced, 3)] == ["c", "a"]
