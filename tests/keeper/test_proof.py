"""The proof, drawn: `G` is finished, every other letter is a step, a small one its padding."""

import itertools
import random

import pytest

from protocol.errors import Code, ProtocolError
from protocol.plan import Step
from services.keeper import proof
from services.keeper.ancestry import Ancestry
from services.tiling import planning
from services.tiling.region import rectangle, ring, touched
from services.tiling.seam import Refusal, Window, place
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


def grown(chance: random.Random) -> tuple[list[Step], set[tuple[int, int]], set[tuple[int, int]]]:
    """Steps laid one after the other on a small map, each legal; now and then an `after` is forgotten."""
    side = 6
    finished = {(x, y) for x in range(side) for y in range(side) if chance.random() < 0.15}
    repair = {cell for cell in finished if chance.random() < 0.5}
    standing = finished - repair
    steps: list[Step] = []
    for number in range(60):
        x, y = chance.randrange(side), chance.randrange(side)
        infill = rectangle(x, y, x + chance.randint(0, 1), y + chance.randint(0, 1))
        cells = sorted((cell.x, cell.y) for cell in infill)
        quadrants = [cell for cell in cells if chance.random() < 0.9]
        if not quadrants or isinstance(place(infill, standing), Refusal):
            continue
        near = {(cell.x, cell.y) for cell in ring(infill) | infill}
        after = [s.id for s in steps if near & proof.infill(s) and chance.random() < 0.97]
        padding = [cell for cell in cells if cell not in quadrants]
        steps.append(Step(id=f"s{number}", quadrants=quadrants, padding=padding, after=after))
        standing |= set(quadrants)
    return steps, finished, repair & standing


def test_whatever_is_proved_sees_the_same_in_every_order() -> None:
    """Plans that are accepted are run in random orders: each step is legal in its window, and only there."""
    chance = random.Random(11)
    found = {True: 0, False: 0}
    for _ in range(200):
        steps, finished, repair = grown(chance)
        try:
            windows = proof.prove(steps, finished, repair)
        except ProtocolError as error:
            assert error.code is Code.SEAM
            found[False] += 1
            continue
        found[True] += 1
        for _ in range(3):
            standing = finished - repair
            done: set[str] = set()
            while waiting := [s for s in steps if s.id not in done and done.issuperset(s.after)]:
                step = chance.choice(waiting)
                inside = proof.infill(step)
                window = windows[step.id]
                assert proof.still(window, inside, standing) == window
                assert {(c.x, c.y) for c in touched(window.box)} - inside <= standing
                standing |= proof.kept(step)
                done.add(step.id)
            assert standing >= repair
    assert min(found.values()) > 10, found


def test_before_is_what_after_leads_to() -> None:
    """Against the closure written out by hand, for wide and for long plans."""
    chance = random.Random(3)
    for length, reach in ((12, 12), (300, 2), (300, 40)):
        steps = [
            Step(
                id=f"s{i}",
                quadrants=[(3 * i, 0)],
                after=[f"s{j}" for j in range(max(0, i - reach), i) if chance.random() < 1.5 / reach],
            )
            for i in range(length)
        ]
        chance.shuffle(steps)
        number = {step.id: i for i, step in enumerate(steps)}
        earlier: dict[int, set[int]] = {}
        ancestry = Ancestry(steps)
        for i in ancestry.order:
            direct = {number[name] for name in steps[i].after}
            earlier[i] = direct.union(*(earlier[j] for j in direct))
        for _ in range(2_000):
            first, second = chance.randrange(length), chance.randrange(length)
            assert ancestry.before(first, second) == (first in earlier[second])


def test_a_chain_through_a_whole_city_is_proved_like_the_city() -> None:
    """And the same as one long chain, which says of no two steps directly which comes before which."""
    found = planning.plan(rectangle(0, 0, 99, 99), planning.Map())
    steps = [
        Step(
            id=step.id,
            quadrants=[tuple(cell) for cell in step.quadrants],
            scaffold=[tuple(cell) for cell in step.scaffold],
            padding=[tuple(cell) for cell in step.padding],
            after=list(step.after),
        )
        for step in found.steps
    ]
    proved = proof.prove(steps, set())
    chained = [step.model_copy(update={"after": [before.id]}) for before, step in itertools.pairwise(steps)]
    assert proof.prove([steps[0], *chained], set()) == proved
