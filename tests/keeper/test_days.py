"""The days of a budget: by the clock, which may be set while calls are under way."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.keeper.purse import booked_on
from tests.keeper.house import Clock, House, Peer
from tests.keeper.till import ack, fail, model, priced, publish, reopen, take_all

DAY = 86_400


@pytest.fixture
def house(short: Path) -> Iterator[House]:
    with priced(short) as house:
        yield house


@pytest.mark.parametrize("restart", [False, True])
def test_a_budget_holds_before_the_call_and_the_next_day_goes_on_by_itself(
    house: House, worker: Peer, clock: Clock, restart: bool
) -> None:
    jobs = publish(house, "plain")
    taken = take_all(worker)
    assert [lease.job for lease in taken] == jobs[:3]
    if restart:
        reopen(house)
    for lease in taken:
        ack(worker, lease)
    assert take_all(worker) == []
    found = model(house)
    assert (found.state, found.paused, found.spent_today) == ("spent", False, pytest.approx(0.3))
    assert found.until_seconds == pytest.approx(DAY - clock.now % DAY)
    assert "0.3 of today's 0.35" in found.reason
    clock.forward(found.until_seconds - 1)
    if restart:
        reopen(house)
    assert take_all(worker) == []
    clock.forward(1)
    assert [lease.job for lease in take_all(worker)] == jobs[3:6]


@pytest.mark.parametrize(("latest", "day"), [(None, 7), (0, 7), (6, 7), (7, 7), (8, 8), (9, 7)])
def test_calls_count_on_the_next_day_if_the_latest_ones_do(latest: int | None, day: int) -> None:
    assert booked_on(7, latest) == day


@pytest.mark.parametrize("restart", [False, True])
def test_a_clock_set_back_over_midnight_does_not_begin_the_earlier_day_anew(
    house: House, worker: Peer, clock: Clock, restart: bool
) -> None:
    jobs = publish(house, "plain")
    clock.forward(DAY - clock.now % DAY + 60)
    taken = take_all(worker)
    clock.jump(-120)
    if restart:
        reopen(house)
    fail(worker, taken.pop())
    clock.forward(2)
    taken += take_all(worker)
    assert len(taken) == 3
    for lease in taken:
        ack(worker, lease)
    assert take_all(worker) == []
    found = model(house)
    assert (found.state, found.spent_today) == ("spent", pytest.approx(0.3))
    # By the clock as it is now, the later day has yet to come and to go.
    assert found.until_seconds == pytest.approx(2 * DAY - clock.now % DAY)
    clock.forward(120)
    assert take_all(worker) == []
    clock.forward(DAY)
    assert [lease.job for lease in take_all(worker)] == jobs[3:6]


def test_what_a_call_after_that_did_not_cost_is_there_for_the_next(
    house: House, worker: Peer, clock: Clock
) -> None:
    publish(house, "plain")
    clock.forward(DAY - clock.now % DAY + 60)
    first, *others = take_all(worker)
    ack(worker, first)
    clock.jump(-120)
    for _ in range(2):
        for lease in others:
            fail(worker, lease)
        clock.forward(8)
        others = take_all(worker)
        assert len(others) == 2
    assert model(house).spent_today == pytest.approx(0.3)


def test_a_clock_that_was_wrong_by_days_holds_nothing_up(house: House, worker: Peer, clock: Clock) -> None:
    publish(house, "plain")
    clock.forward(5 * DAY)
    take_all(worker)
    clock.jump(-5 * DAY)
    assert len(take_all(worker)) == 3
