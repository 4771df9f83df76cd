"""The pattern of period 3: complete, legal in every allowed order, few calls, three waves."""

import random

import pytest

from services.tiling.planning import PlannedStep, calls, fill
from services.tiling.quadrant import Quadrant
from services.tiling.region import rectangle
from services.tiling.seam import Refusal, Window, place
from tests.tiling.drawing import cells


def steps(x0: int, y0: int, x1: int, y1: int) -> list[PlannedStep]:
    found = fill(x0, y0, x1, y1, set())
    assert not isinstance(found, Refusal), found
    return found


def drawn(width: int, height: int) -> str:
    """Each quadrant by the wave that fills it."""
    wave = {cell: step.wave for step in steps(0, 0, width - 1, height - 1) for cell in step.quadrants}
    return "\n".join(" ".join(str(wave[Quadrant(x, y)]) for x in range(width)) for y in range(height))


def test_the_pattern() -> None:
    assert drawn(8, 5) == "\n".join(
        ["1 1 2 1 1 2 1 1", "1 1 2 1 1 2 1 1", "2 2 3 2 2 3 2 2", "1 1 2 1 1 2 1 1", "1 1 2 1 1 2 1 1"]
    )


@pytest.mark.parametrize("width", range(1, 15))
@pytest.mark.parametrize("height", range(1, 15))
def test_every_rectangle_is_filled_legally_in_any_allowed_order(width: int, height: int) -> None:
    chance = random.Random(width * 100 + height)
    left, top = chance.randint(-20, 20), chance.randint(-20, 20)
    wanted = rectangle(left, top, left + width - 1, top + height - 1)
    planned = steps(left, top, left + width - 1, top + height - 1)
    assert len(planned) == calls(width, height)
    assert sorted(cell for step in planned for cell in step.quadrants) == sorted(wanted)
    for _ in range(4):
        finished: set[Quadrant] = set()
        seen: dict[str, Window] = {}
        done: set[str] = set()
        waiting = list(planned)
        while waiting:
            step = chance.choice([s for s in waiting if done.issuperset(s.after)])
            waiting.remove(step)
            window = place(step.infill, finished)
            assert isinstance(window, Window), (step, window)
            assert seen.setdefault(step.id, window) == window
            finished |= step.infill
            done.add(step.id)


def test_in_every_order_a_step_sees_the_same_neighbourhood() -> None:
    """Whatever finishes first, what a step's window shows is fixed by `after`."""
    for step in (planned := steps(0, 0, 6, 6)):
        before = {cell for other in planned if other.id in step.after for cell in other.infill}
        window = place(step.infill, before)
        assert isinstance(window, Window)


def test_free_ground_is_required_and_the_hindrance_named() -> None:
    drawing = """
        . . . .
        . . . .
        . . . G
    """
    found = fill(0, 0, 2, 1, cells(drawing, "G"))
    assert not isinstance(found, Refusal)
    found = fill(0, 1, 2, 2, cells(drawing, "G"))
    assert isinstance(found, Refusal)
    assert "3,2" in found.reason


def test_scaffold_is_only_what_overhangs() -> None:
    assert {cell for step in steps(0, 0, 3, 0) for cell in step.scaffold} == {
        (0, 1), (1, 1), (2, 1), (3, 1), (4, 0), (4, 1)
    }  # fmt: skip
