"""When a process that died is started again."""

import random

from services.supervision.record import Record, Run, Throttle


def ended_at_start(now: float) -> Run:
    return Run(started=now, ended=now, first_beat=None, ready=None, killed=False)


def test_the_wait_doubles_up_to_half_a_minute() -> None:
    record = Record()
    waits = [record.wait_after(ended_at_start(100.0 * number)) for number in range(12)]
    assert waits[:4] == [0.1, 0.2, 0.4, 0.8]
    assert waits[-1] == 30.0


def test_the_wait_is_drawn_at_random_below_that() -> None:
    waits = {Record(failures=6).wait_after(ended_at_start(0.0), random.Random(seed)) for seed in range(20)}
    assert len(waits) == 20
    assert all(wait is not None and 0 <= wait <= 6.4 for wait in waits)


def test_more_than_five_starts_within_a_minute_are_enough() -> None:
    record = Record()
    waits = [record.wait_after(ended_at_start(second)) for second in (0, 10, 20, 30, 40, 59)]
    assert [wait is None for wait in waits] == [False] * 5 + [True]


def test_as_many_starts_in_more_than_a_minute_are_not() -> None:
    record = Record()
    assert all(record.wait_after(ended_at_start(second)) is not None for second in range(0, 600, 13))


def test_a_process_that_falls_soon_after_it_was_ready_is_given_up_too() -> None:
    record = Record()
    waits = [
        record.wait_after(Run(started=n, ended=n + 0.9, first_beat=n + 0.1, ready=n + 0.2, killed=False))
        for n in range(6)
    ]
    assert [wait is None for wait in waits] == [False] * 5 + [True]


def test_some_seconds_of_work_make_the_next_wait_short() -> None:
    record = Record(failures=9)
    assert record.wait_after(Run(started=0, ended=9, first_beat=1, ready=2, killed=False)) == 0.1


def test_what_was_ready_is_back_at_once_however_often_it_is_killed_from_outside() -> None:
    record = Record(failures=9)
    waits = [
        record.wait_after(Run(started=n, ended=n + 0.9, first_beat=n + 0.1, ready=n + 0.2, killed=True))
        for n in range(100)
    ]
    assert waits == [0.1] * 100


def test_kills_from_outside_before_it_was_ready_never_count_but_are_waited_for() -> None:
    record = Record()
    waits = [
        record.wait_after(Run(started=n, ended=n + 0.9, first_beat=n + 0.1, ready=None, killed=True))
        for n in range(20)
    ]
    assert waits[:3] == [0.1, 0.2, 0.4]
    assert waits[-1] == 2.0


def test_a_kill_before_the_first_beat_counts() -> None:
    record = Record()
    run = Run(started=0, ended=0.1, first_beat=None, ready=None, killed=True)
    assert [record.wait_after(run) is None for _ in range(6)] == [False] * 5 + [True]


def test_asking_for_a_start_begins_anew() -> None:
    record = Record()
    for _ in range(6):
        record.wait_after(ended_at_start(0))
    record.forget()
    assert record.wait_after(ended_at_start(0)) == 0.1


def test_all_together_start_twenty_times_a_minute_at_most() -> None:
    throttle, chance = Throttle(), random.Random(4)
    now, starts = 0.0, []
    for _ in range(400):
        now += chance.uniform(0, 1)
        starts.append(now + throttle.wait(chance.choice([0.1, 0.4, 3.0, 30.0]), now))
    starts.sort()
    assert min(later - earlier for earlier, later in zip(starts, starts[20:], strict=False)) >= 60 - 1e-6


def test_few_failures_wait_no_longer_for_all_the_others() -> None:
    throttle = Throttle()
    assert [round(throttle.wait(0.1, float(now)), 6) for now in range(20)] == [0.1] * 20
    assert throttle.wait(0.1, 30.0) > 30
