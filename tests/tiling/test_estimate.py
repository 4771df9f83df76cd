"""What steps come to: shapes, waves, renders, and how long they take side by side."""

import random

import pytest

from protocol.plan import Step
from services.tiling.estimate import duration, renders, shapes, waves
from services.tiling.planning import Map, PlannedStep, plan
from services.tiling.quadrant import Quadrant
from services.tiling.region import rectangle


def step(name: str, *after: str) -> PlannedStep:
    return PlannedStep(id=name, quadrants=(Quadrant(0, 0),), scaffold=(), after=after, wave=1)


def chain(length: int) -> list[PlannedStep]:
    return [step("0"), *(step(str(i), str(i - 1)) for i in range(1, length))]


def test_shapes_are_width_by_height_of_all_that_is_drawn() -> None:
    steps = plan(rectangle(0, 0, 4, 4), Map()).steps
    assert shapes(steps) == {"2x2": 4, "2x1": 2, "1x2": 2, "1x1": 1}
    padded = Step(id="a", quadrants=[(3, 3)], padding=[(3, 4)], scaffold=[])
    assert shapes([padded]) == {"2x2": 0, "2x1": 0, "1x2": 1, "1x1": 0}
    assert shapes([]) == {"2x2": 0, "2x1": 0, "1x2": 0, "1x1": 0}


def test_waves_are_the_longest_chain() -> None:
    assert waves([]) == 0
    assert waves(chain(7)) == 7
    assert waves([step("a"), step("b"), step("c", "a", "b"), step("d", "a")]) == 2
    assert waves(plan(rectangle(-5, -5, 20, 20), Map()).steps) == 3


def test_renders_are_whole_frames_with_the_halo() -> None:
    # One quadrant at the corner of its frame touches three more frames with its halo.
    assert renders([step("a")]) == 4
    assert renders([step("a"), step("b")]) == 4
    assert renders([]) == 0


@pytest.mark.parametrize(
    ("count", "concurrency", "rounds"), [(1, 1, 1), (16, 4, 4), (17, 4, 5), (3, 100, 1), (0, 4, 0)]
)
def test_steps_that_wait_for_nothing_run_side_by_side(count: int, concurrency: int, rounds: int) -> None:
    assert duration([step(str(i)) for i in range(count)], 2.5, concurrency) == 2.5 * rounds


def test_calls_of_a_model_begin_as_far_apart_as_it_allows() -> None:
    steps = [step(str(i)) for i in range(10)]
    # The last of ten begins after nine intervals, however many run at once.
    assert duration(steps, 2.5, 8, apart={"": 10.0}) == 92.5
    assert duration(steps, 30.0, 2, apart={"": 10.0}) == 4 * 30.0 + 30.0 + 10.0
    assert duration(chain(3), 30.0, 2, apart={"": 10.0}) == 90.0
    assert duration(steps, 2.5, 4, apart={"": 0.0}) == duration(steps, 2.5, 4) == 7.5
    # Those of another model do not wait for it.
    models = {str(i): "slow" for i in range(4)}
    assert duration(steps, 2.5, 2, models=models, apart={"slow": 10.0}) == 32.5
    assert duration(steps, 2.5, 2, models=models, apart={"slow": 0.1, "none": 60.0}) == 12.5


def test_a_chain_gains_nothing_from_more_workers() -> None:
    assert duration(chain(9), 1.0, 1) == duration(chain(9), 1.0, 8) == 9.0


def test_a_step_begins_when_all_that_it_waits_for_is_done() -> None:
    steps = [
        step("a"),
        step("b"),
        step("c"),
        step("d", "a", "a"),
        step("e", "d", "c"),
        step("f", "elsewhere"),
    ]
    assert duration(steps, 1.0, 2) == 3.0
    assert duration(steps, 1.0, 8) == 3.0


def test_the_figure_is_that_of_a_run() -> None:
    """Played step by step: never faster than the work allows, nor slower than one at a time."""
    chance = random.Random(4)
    for _ in range(50):
        steps = plan(rectangle(0, 0, chance.randint(0, 12), chance.randint(0, 12)), Map()).steps
        concurrency = chance.randint(1, 9)
        found = duration(steps, 1.0, concurrency)
        assert max(len(steps) / concurrency, waves(steps)) <= found
        assert found <= len(steps) / concurrency + waves(steps)


def test_without_anybody_to_work_there_is_no_time() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        duration([step("a")], 1.0, 0)


def test_steps_in_a_circle_end_nowhere_but_are_no_trap() -> None:
    assert duration([step("a", "b"), step("b", "a"), step("c")], 1.0, 4) == 1.0
