"""What a drill is asked to do, and what its report says when it ended badly."""

import io

import pytest
from rich.console import Console

from services.commands.drill import _order, _parser
from services.drill.drill import Order, Verdict
from services.drill.faults import draw
from services.drill.oracle import Finding
from services.drill.report import as_json, show


@pytest.mark.parametrize(
    ("words", "jobs", "faults", "kills", "stops"),
    [
        ("", 2_000, 250, 75, 50),
        ("--faults 100", 2_000, 100, 30, 20),
        ("--jobs 10000 --kills 1000 --stops 250", 10_000, 1_500, 1_000, 250),
        ("--faults 10 --kills 40 --stops 0", 2_000, 40, 40, 0),
    ],
)
def test_faults_are_shared_out(words: str, jobs: int, faults: int, kills: int, stops: int) -> None:
    order = _order(_parser().parse_args(words.split()), 1)
    assert (order.jobs, order.faults, order.kills, order.stops) == (jobs, faults, kills, stops)


def test_a_bad_end_names_the_rows_the_schedule_and_how_to_see_it_again() -> None:
    order = Order(seed=7, jobs=50, faults=4, kills=2, stops=1)
    schedule = draw(7, jobs=50, faults=4, kills=2, stops=1, lease_seconds=1.0)
    bad = Verdict(
        order, schedule, 3.0, [Finding("stuck", ["job 3 is pending: no [reason]"])], folder="/tmp/x"
    )
    good = Verdict(Order(8, 50, 0, 0, 0), [], 2.0, [Finding("stuck"), Finding("done twice")])
    console = Console(file=io.StringIO(), width=200)
    show([bad, good], console)
    said = console.file.getvalue()
    assert "stuck: job 3 is pending: no [reason]" in said
    assert "drill --seeds 1 --seed 7 --jobs 50 --faults 4 --kills 2 --stops 1 --keep" in said
    assert all(str(fault) in said for fault in schedule)
    assert "1 of 2 drills ended well" in said
    answer = as_json([bad, good])
    assert [answer["ok"], *(drill["ok"] for drill in answer["drills"])] == [False, False, True]
    assert not Verdict(order, schedule).well
