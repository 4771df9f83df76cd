"""The proof, drawn: `G` is finished, every other letter is a step, a small one its padding."""

import itertools
import random

import pytest

from protocol.errors import Code, ProtocolError
from protocol.plan import Step
from services.keeper import proof
from services.tiling import planning
from services.tiling.region import rectangle
from services.tiling.seam import Refusal, Window
from tests.tiling.drawing import cells


def drawn(drawing: str, **after: list[str]) -> tuple[list[Step], set[tuple[int, int]]]:
    """The steps in a drawing, each after those named for it, and what is finished."""
    letters = sorted(set("".join(drawing.split()).upper()) - {"G", "."})
    steps = [
        Step(
            id=letter,
            quadrants=[tuple(cell) for cell in cells(drawing, letter)],
            padding=[tuple(cell) for cell in cells(drawing, letter.lower())],
            after=after.get(letter, []),
        )
        for letter in letters
    ]
    return steps, {tuple(cell) for cell in cells(drawing, "G")}


def windows(drawing: str, **after: list[str]) -> dict[str, tuple[float, float]]:
    """Where each step's window lies, in quadrants."""
    steps, finished = drawn(drawing, **after)
    return {name: (w.x / 512, w.y / 512) for name, w in proof.prove(steps, finished).items()}


def why_not(drawing: str, **after: list[str]) -> str:
    steps, finished = drawn(drawing, **after)
    with pytest.raises(ProtocolError) as refused:
        proof.prove(steps, finished)
    assert refused.value.code == Code.SEAM
    return refused.value.message


def test_a_bridge_counts_on_the_islands_it_waits_for() -> None:
    found = windows(
        """
        A A B D D
        A A B D D
        """,
        B=["A", "D"],
    )
    assert found["B"] == (1.5, 0)


def test_a_bridge_that_waits_for_one_island_alone_would_see_the_other_by_chance() -> None:
    assert "Step D: It meets step B at 2,0" in why_not(
        """
        A A B D D
        A A B D D
        """,
        B=["A"],
    )


def test_waiting_is_inherited() -> None:
    assert "C" in windows(
        """
        A A B C C
        A A B C C
        """.replace("C C", "C ."),
        B=["A"],
        C=["B"],
    )


def test_two_islands_that_touch_are_a_seam_in_any_order() -> None:
    for after in ({}, {"B": ["A"]}, {"A": ["B"]}):
        assert why_not(
            """
            A A B B
            A A B B
            """,
            **after,
        )


def test_islands_may_touch_at_a_corner() -> None:
    assert windows(
        """
        A A . .
        A A . .
        . . B B
        . . B B
        """
    ) == {"A": (0, 0), "B": (2, 2)}


def test_no_two_steps_may_keep_the_same_quadrant() -> None:
    steps, _ = drawn("A A\nA A")
    again = steps[0].model_copy(update={"id": "B"})
    for step in (again, again.model_copy(update={"after": ["A"]})):
        with pytest.raises(ProtocolError, match=r"Step B: It keeps .* which step A keeps already"):
            proof.prove([steps[0], step], set())


def test_padding_is_not_counted_on() -> None:
    """A draws the small a and throws it away, so B may draw there afterwards."""
    steps, finished = drawn(
        """
        G G A
        G G a
        """
    )
    after = Step(id="B", quadrants=[(2, 1)], after=["A"])
    assert set(proof.prove([*steps, after], finished)) == {"A", "B"}


def test_a_step_is_refused_by_name() -> None:
    steps, finished = drawn("A A .\nA A B")
    with pytest.raises(ProtocolError) as refused:
        proof.prove(steps, finished)
    assert refused.value.details in ("A", "B")


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 5), (4, 3), (7, 8)])
def test_what_is_proved_is_legal_in_every_order(width: int, height: int) -> None:
    """Run the pattern in random orders that `after` allows: each step is legal in its proved window."""
    pattern = planning.plan(rectangle(0, 0, width - 1, height - 1), planning.Map()).steps
    steps = [
        Step(
            id=step.id,
            quadrants=[tuple(cell) for cell in step.quadrants],
            scaffold=[tuple(cell) for cell in step.scaffold],
            after=list(step.after),
        )
        for step in pattern
    ]
    proved = proof.prove(steps, set())
    chance = random.Random(7)
    for _ in range(10):
        finished: set[tuple[int, int]] = set()
        done: set[str] = set()
        while waiting := [s for s in steps if s.id not in done and done.issuperset(s.after)]:
            step = chance.choice(waiting)
            assert proof.still(proved[step.id], proof.infill(step), finished) == proved[step.id]
            finished |= proof.kept(step)
            done.add(step.id)
        assert finished >= set(map(tuple, rectangle(0, 0, width - 1, height - 1)))


def test_a_proved_window_holds_whatever_else_is_finished_far_off() -> None:
    """The same step in the same window, with and without a diagonal neighbour that it cannot see."""
    steps, _ = drawn(". . .\n. A A\n. A A")
    inside = proof.infill(steps[0])
    window = proof.prove(steps, set())["A"]
    assert window == Window(512, 512)
    for far in itertools.product((0, 3), (0, 3)):
        assert proof.still(window, inside, {far}) == window
    for now, why in (((0, 1), "seam"), ((1, 1), "already finished")):
        refusal = proof.still(window, inside, {now})
        assert isinstance(refusal, Refusal)
        assert why in refusal.reason
