"""Budgets and caps: set aside before a call, settled after it, and nothing lost when they are used up."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from protocol.control import Changed, ListPlans, Pause, Plans, Replan, Resume
from protocol.errors import Code
from protocol.event import QueueChange
from protocol.ingest import Accepted
from protocol.message import Error
from protocol.order import Edit, Export, Exported
from protocol.region import Fill
from protocol.work import Goodbye, Started, Touched
from services.config import AppConfig
from tests.keeper.house import CONFIG, Clock, House, Peer, island, opened, result, until
from tests.keeper.till import MODELS, PRICE, ack, fail, model, plan, priced, publish, reopen, take_all


@pytest.fixture
def house(short: Path) -> Iterator[House]:
    with priced(short) as house:
        yield house


def test_what_a_try_did_not_cost_is_there_for_the_next(house: House, worker: Peer, clock: Clock) -> None:
    publish(house, "plain")
    first, second, third = take_all(worker)
    fail(worker, first)
    fail(worker, second, calls=1)
    fail(worker, third, burn=False)
    clock.forward(2)
    assert len(take_all(worker)) == 2
    assert model(house).spent_today == pytest.approx(0.3)


@pytest.mark.parametrize("fate", ["silent", "goodbye", "machine"])
def test_what_a_lost_worker_may_have_spent_counts_as_spent(
    house: House, worker: Peer, clock: Clock, fate: str
) -> None:
    publish(house, "plain")
    lost = take_all(worker)
    if fate == "goodbye":
        worker.exchange(Goodbye(worker="w1"))
    elif fate == "silent":
        clock.forward(61)
        until(lambda: house.status().counts["processing"] == 0, "the leases to run out")
    else:
        house.close()
        clock.reboot()
        house.open()
    assert take_all(worker, "w2") == []
    if fate == "silent":
        # Late, one says after all that it had called nobody.
        ack(worker, lost[0], calls=0)
        assert len(take_all(worker, "w2")) == 1


def test_a_call_is_not_counted_twice_if_another_worker_finds_its_answer(
    house: House, worker: Peer, clock: Clock
) -> None:
    publish(house, "free", 1, cost_cap=0.3)
    worker.lease("generate", worker="w1")
    worker.exchange(Goodbye(worker="w1"))
    again = worker.lease("generate", worker="w2")
    assert plan(house).reserved == pytest.approx(0.2)
    ack(worker, again, calls=0, cost=PRICE)
    assert (plan(house).cost, plan(house).reserved) == (pytest.approx(0.1), 0)


def test_a_call_is_not_counted_twice_if_another_worker_goes_on_with_it(
    house: House, worker: Peer, clock: Clock
) -> None:
    publish(house, "free", 1, cost_cap=0.15)
    taken = worker.lease("generate", worker="w1")
    worker.ask(Started(job=taken.job, token=taken.token, handle="p1"), Touched)
    worker.exchange(Goodbye(worker="w1"))
    again = worker.lease("generate", worker="w2")
    assert (again.handle, plan(house).reserved) == ("p1", pytest.approx(0.1))
    ack(worker, again)
    assert (plan(house).cost, plan(house).reserved) == (pytest.approx(0.1), 0)


@pytest.mark.parametrize("found", [True, False])
def test_a_call_that_was_not_answered_stays_counted_until_somebody_tells_of_it(
    house: House, worker: Peer, clock: Clock, found: bool
) -> None:
    publish(house, "free", 1, cost_cap=0.3)
    fail(worker, worker.lease("generate"), error_class="transient", unsettled=1)
    assert (plan(house).cost, plan(house).reserved) == (0, pytest.approx(0.1))
    reopen(house)
    clock.forward(300)
    again = until(lambda: worker.ready("generate"), "the next try")
    assert plan(house).reserved == pytest.approx(0.2)
    # Its answer lay in the spool, or the provider never made one.
    ack(worker, again, calls=0 if found else 1, cost=PRICE)
    held = 0 if found else pytest.approx(0.1)
    assert (plan(house).cost, plan(house).reserved) == (pytest.approx(0.1), held)


def test_calls_that_are_never_answered_use_a_budget_up(house: House, worker: Peer, clock: Clock) -> None:
    publish(house, "plain", 1)
    for _ in range(3):
        fail(worker, until(lambda: worker.ready("generate"), "a try"), error_class="transient", unsettled=1)
        clock.forward(300)
    assert worker.ready("generate") is None
    found = model(house)
    assert (found.state, found.spent_today) == ("spent", pytest.approx(0.3))


def test_a_call_that_goes_on_at_its_provider_is_set_aside_once(
    house: House, worker: Peer, clock: Clock
) -> None:
    publish(house, "free", 1, cost_cap=0.15)
    taken = worker.lease("generate")
    worker.ask(Started(job=taken.job, token=taken.token, handle="p1"), Touched)
    fail(worker, taken, error_class="transient")
    assert plan(house).reserved == pytest.approx(0.1)
    clock.forward(300)
    again = until(lambda: worker.ready("generate"), "the next try")
    assert (again.handle, plan(house).reserved) == ("p1", pytest.approx(0.1))
    ack(worker, again)
    assert (plan(house).cost, plan(house).reserved) == (pytest.approx(0.1), 0)


def test_a_late_result_is_no_longer_presumed(house: House, worker: Peer, clock: Clock) -> None:
    publish(house, "free", 1, cost_cap=0.5)
    lost = worker.lease("generate", worker="w1")
    worker.exchange(Goodbye(worker="w1"))
    again = worker.lease("generate", worker="w2")
    body, images = result(lost)
    body = body.model_copy(update={"made": body.made.model_copy(update={"calls": 1})})
    for _ in range(2):
        assert worker.ask(body, Error, images).code == Code.LEASE_LOST
    assert (plan(house).cost, plan(house).reserved) == (pytest.approx(0.1), pytest.approx(0.1))
    ack(worker, again)
    assert (plan(house).cost, plan(house).reserved) == (pytest.approx(0.2), 0)


@pytest.mark.parametrize("cap", [0.5, None])
@pytest.mark.parametrize("first", ["finder", "maker"])
def test_a_call_that_its_maker_and_its_finder_tell_is_counted_once(
    house: House, worker: Peer, first: str, cap: float | None
) -> None:
    publish(house, "free", 1, cost_cap=cap)
    lost = worker.lease("generate", worker="w1")
    worker.exchange(Goodbye(worker="w1"))
    again = worker.lease("generate", worker="w2")
    body, images = result(lost)
    late = body.model_copy(update={"made": body.made.model_copy(update={"calls": 1, "cost": PRICE})})
    if first == "maker":
        assert worker.ask(late, Error, images).code == Code.LEASE_LOST
    # Its answer lay in the spool by then.
    ack(worker, again, calls=0, cost=PRICE)
    if first == "finder":
        assert worker.ask(late, Error, images).code == Code.LEASE_LOST
    assert (plan(house).cost, plan(house).reserved) == (pytest.approx(0.1), 0)


def test_two_that_find_the_same_answer_count_it_once(house: House, worker: Peer) -> None:
    publish(house, "free", 1, cost_cap=0.5)
    taken = [worker.lease("generate", worker="w1")]
    for number in (2, 3):
        worker.exchange(Goodbye(worker=f"w{number - 1}"))
        taken.append(worker.lease("generate", worker=f"w{number}"))
    body, images = result(taken[1])
    late = body.model_copy(update={"made": body.made.model_copy(update={"calls": 0, "cost": PRICE})})
    worker.ask(late, Error, images)
    ack(worker, taken[2], calls=0, cost=PRICE)
    assert (plan(house).cost, plan(house).reserved) == (pytest.approx(0.1), 0)


def test_who_finds_the_answer_of_a_later_try_and_is_late_does_not_count_it_again(
    house: House, worker: Peer
) -> None:
    publish(house, "free", 1, cost_cap=0.5)
    lost = worker.lease("generate", worker="w1")
    worker.exchange(Goodbye(worker="w1"))
    ack(worker, worker.lease("generate", worker="w2"), cost=PRICE)
    body, images = result(lost)
    late = body.model_copy(update={"made": body.made.model_copy(update={"calls": 0, "cost": PRICE})})
    assert worker.ask(late, Error, images).code == Code.LEASE_LOST
    assert (plan(house).cost, plan(house).reserved) == (pytest.approx(0.1), 0)


def test_a_call_of_which_nobody_tells_stays_presumed_when_another_is_found(
    house: House, worker: Peer
) -> None:
    publish(house, "free", 1, cost_cap=0.5)
    for number in (1, 2):
        worker.lease("generate", worker=f"w{number}")
        worker.exchange(Goodbye(worker=f"w{number}"))
    # The first was killed before it could keep its answer, the second after that.
    ack(worker, worker.lease("generate", worker="w3"), calls=0, cost=PRICE)
    assert (plan(house).cost, plan(house).reserved) == (pytest.approx(0.1), pytest.approx(0.1))


def test_an_unknown_price_counts_as_the_dearest_known(house: House, worker: Peer) -> None:
    publish(house, "unpriced")
    taken = take_all(worker)
    assert len(taken) == 3
    for lease in taken:
        ack(worker, lease)
    assert take_all(worker) == []
    assert model(house, "unpriced").spent_today == pytest.approx(0.3)
    assert house.job(taken[0].job).cost == 0


def test_a_price_that_the_provider_states_replaces_what_was_set_aside(house: House, worker: Peer) -> None:
    publish(house, "plain")
    taken = take_all(worker)
    ack(worker, taken[0], cost=0.01)
    ack(worker, taken[1], cost=0.04)
    assert len(take_all(worker)) == 2
    found = house.job(taken[0].job)
    assert (found.calls, found.cost) == (1, pytest.approx(0.01))


def test_a_configuration_with_another_budget_counts_at_once(house: House, worker: Peer) -> None:
    publish(house, "plain")
    assert len(take_all(worker)) == 3
    more = [{**MODELS[0], "daily_budget": 0.55}, *MODELS[1:]]
    house.take_over(AppConfig.model_validate({**CONFIG, "models": more}).told({}))
    assert len(take_all(worker)) == 2
    without = [{name: value for name, value in MODELS[0].items() if name != "daily_budget"}, *MODELS[1:]]
    house.take_over(AppConfig.model_validate({**CONFIG, "models": without}).told({}))
    assert len(take_all(worker)) == 4


@pytest.mark.parametrize("restart", [False, True])
def test_a_plan_pauses_at_its_cap_with_the_reason_and_others_go_on(
    house: House, worker: Peer, control: Peer, restart: bool
) -> None:
    jobs = publish(house, "free", cost_cap=0.4)
    (other,) = house.publish(island(0, 4), id="other", model_id="free").jobs
    taken = take_all(worker)
    assert [lease.job for lease in taken] == [*jobs[:4], other]
    for lease in taken:
        ack(worker, lease)
    if restart:
        reopen(house)
    found = next(plan for plan in control.ask(ListPlans(), Plans).plans if plan.plan == "free")
    assert (found.paused, found.cost, found.cost_cap) == (True, pytest.approx(0.4), 0.4)
    assert found.reason == (
        "It has spent 0.4 of its 0.4, calls under way included, and the next call may cost 0.1; "
        "resume it with a higher cost_cap to go on."
    )
    told = [event.change for event in house.events() if isinstance(event.change, QueueChange)]
    assert [(change.plan, change.paused, change.reason) for change in told] == [("free", True, found.reason)]

    assert control.ask(Resume(plan="free"), Error).message == found.reason
    assert control.ask(Resume(plan="free", cost_cap=0.6), Changed).jobs == 5
    assert until(lambda: worker.ready("generate"), "the plan to go on").job == jobs[4]
    assert worker.lease("generate").job == jobs[5]
    assert worker.ready("generate") is None


def test_a_plan_at_its_cap_goes_on_if_a_call_came_to_nothing(
    house: House, worker: Peer, clock: Clock
) -> None:
    publish(house, "free", cost_cap=0.2)
    first, _ = take_all(worker)
    assert plan(house).paused
    fail(worker, first)
    clock.forward(2)
    until(lambda: worker.ready("generate"), "the plan to go on")
    assert worker.ready("generate") is None
    assert plan(house).paused


def test_a_plan_that_a_person_pauses_at_its_cap_stays_paused(
    house: House, worker: Peer, control: Peer, clock: Clock
) -> None:
    publish(house, "free", cost_cap=0.1)
    (taken,) = take_all(worker)
    control.ask(Pause(plan="free"), Changed)
    fail(worker, taken)
    clock.forward(2)
    assert plan(house).paused and plan(house).reason == ""
    assert worker.ready("generate") is None


def test_a_cap_goes_along_with_what_is_left_of_a_plan(house: House, worker: Peer, control: Peer) -> None:
    control.ask(Fill(plan="f", rectangle=(0, 0, 8, 1), model_id="free", cost_cap=1), Accepted)
    ack(worker, worker.lease("generate"))
    exported = control.ask(Export(), Exported).plan
    assert exported is not None and exported.cost_cap == pytest.approx(0.9)
    for lease in take_all(worker):
        fail(worker, lease, error_class="moderated", calls=1)
    while (lease := worker.ready("generate")) is not None:
        fail(worker, lease, error_class="moderated", calls=1)
    spent = plan(house).cost
    control.ask(Replan(plan="f", id="g"), Accepted)
    caps = {found.plan: found.cost_cap for found in control.ask(ListPlans(), Plans).plans}
    assert spent is not None and caps["g"] == pytest.approx(1 - spent)


def test_a_job_that_goes_to_another_model_leaves_its_debt_behind(
    house: House, worker: Peer, control: Peer
) -> None:
    publish(house, "plain", 1)
    worker.lease("generate", worker="w1")
    worker.exchange(Goodbye(worker="w1"))
    control.ask(Edit(jobs=[1], model_id="free"), Changed)
    ack(worker, worker.lease("generate", worker="w2"))
    assert model(house).spent_today == pytest.approx(0.1)
    assert house.job(1).cost == pytest.approx(0.1)


@pytest.mark.parametrize(("price", "said"), [(0.5, "one call may cost 0.5"), (None, "cannot be kept")])
def test_a_budget_for_which_no_call_could_be_made_is_refused(price: float | None, said: str) -> None:
    models = [{**MODELS[0], "cost_per_image": price}]
    with pytest.raises(ValidationError, match=said):
        AppConfig.model_validate({**CONFIG, "models": models})


def test_a_cap_that_nobody_could_keep_is_refused(short: Path) -> None:
    with opened(short) as house:
        refused = house.refused(island(0, 0), id="a", model_id="plain", cost_cap=5)
        assert refused.code == Code.BAD_PLAN
        assert "cost_per_image" in refused.message
        wrong = house.peer("control").ask(Resume(plan="a"), Error)
        assert wrong.code == Code.UNKNOWN_PLAN
