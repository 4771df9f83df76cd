"""How long things still take: from the pace of their kind, never from waits, pauses or a clock that jumps."""

from collections import Counter

import pytest

from services.keeper.backlog import Ahead
from services.keeper.outlook import Hands, Outlook
from services.keeper.pace import Pace, pace_of, per_minute, worked

CALL = ("generate", "plain")
SLOW = ("generate", "slow")
PACES = {CALL: Pace(10.0, 15.0), SLOW: Pace(100.0, 150.0), ("render", ""): Pace(2.0, 3.0)}


def outlook(slots: int = 4, running: int = 0, **limits: int) -> Outlook:
    return Outlook(PACES, Hands({"generate": slots, "render": 1}, limits), Counter({CALL: running}))


def behind(calls: int = 0, slow: int = 0, **more: object) -> Ahead:
    return Ahead(Counter({CALL: calls, SLOW: slow}), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seconds", "left"), [(0, 10), (4, 6), (10, 5), (14, 1), (99, 0), (-86_400, 10), (86_400, 0)]
)
def test_what_runs_takes_as_long_as_half_of_its_kind_then_as_nine_in_ten(seconds: float, left: float) -> None:
    assert outlook().running_left(CALL, seconds) == left


@pytest.mark.parametrize(
    ("ahead", "left"),
    [
        (behind(), 10),
        (behind(calls=8), 8 * 10 / 4 + 10),
        (behind(slow=4), 4 * 100 / 4 + 10),
        # Renders are done by others.
        (Ahead(Counter({("render", ""): 50})), 10),
        # What it waits for comes one after the other, however many hands there are.
        (behind(calls=2, chain=[CALL, CALL, ("render", "")]), 10 + 10 + 2 + 10),
        (behind(chain=[CALL], stretch=3.0), 3 * 10 + 10),
    ],
)
def test_what_waits_begins_after_what_is_before_it(ahead: Ahead, left: float) -> None:
    assert outlook().waiting_left(CALL, ahead) == left


def test_the_model_and_the_hands_bound_it() -> None:
    assert outlook(plain=1).waiting_left(CALL, behind(calls=8)) == 8 * 10 + 10
    assert outlook(slots=1).waiting_left(CALL, behind(calls=8)) == 8 * 10 + 10
    # What is in hands is half done.
    assert outlook(running=4).waiting_left(CALL, behind()) == 4 * 5 / 4 + 10
    assert outlook().waiting_left(CALL, behind(), delay=60) == 70
    assert outlook().plan_left(CALL, 100, 20.0) == 250
    assert outlook().plan_left(CALL, 1, 20.0) == 20


def test_a_model_that_is_not_called_often_is_waited_for() -> None:
    six_a_minute = Hands({"generate": 4}, apart={"plain": 10.0})
    seen = Outlook(PACES, six_a_minute)
    # The ninth begins when eight intervals are over, and other models do not count.
    assert seen.waiting_left(CALL, behind(calls=8)) == 8 * 10 + 10
    assert seen.waiting_left(CALL, behind(slow=1)) == 100 / 4 + 10
    assert seen.waiting_left(CALL, behind(calls=8), opens=60) == 60 + 8 * 10 + 10
    assert seen.waiting_left(CALL, behind(calls=8), delay=60) == 8 * 10 + 10
    assert seen.plan_left(CALL, 100, 20.0) == 990


def test_without_history_nothing_is_said() -> None:
    unknown = ("generate", "new")
    assert outlook().running_left(unknown, 1) is None
    assert outlook().waiting_left(unknown, behind()) is None
    assert outlook().plan_left(CALL, 1, None) is None
    # Others without history are taken to be as quick as this one.
    assert outlook().waiting_left(CALL, Ahead(Counter({unknown: 4}))) == 4 * 10 / 4 + 10


def test_pace_and_rate() -> None:
    assert pace_of([]) is None
    assert pace_of([1.0]) == Pace(1.0, 1.0)
    assert pace_of([float(i) for i in range(1, 11)]) == Pace(5.0, 9.0)
    assert per_minute([], 0, 200) == 0
    # Two calls in the 40 s since the first of them began.
    assert per_minute([(20.0, 40.0), (0.0, 20.0)], 40.0, 200) == 3.0
    # As many as were asked for: over the time from the end of the first of them.
    assert per_minute([(0.0, 60.0), (0.0, 30.0)], 60.0, 2) == 4.0
    assert worked([(0, 10), (5, 20), (100, 110), (101, 102)]) == 30
