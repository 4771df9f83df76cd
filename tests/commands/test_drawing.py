"""Plans drawn in characters."""

from textwrap import dedent

from services.commands.preview.drawing import draw
from services.tiling.planning import Map, PlannedStep, Planning, plan
from services.tiling.quadrant import Quadrant
from services.tiling.region import Region, rectangle

WIDE = 200


def drawn(
    planning: Planning, region: Region, finished: Region = frozenset(), columns: int = WIDE
) -> str | None:
    text = draw(planning, region, finished, columns)
    return None if text is None else "\n".join(line.rstrip() for line in text.plain.splitlines())


def expected(drawing: str) -> str:
    return "\n".join(f"  {line}" for line in dedent(drawing).strip("\n").splitlines())


def step(name: str, wave: int, *quadrants: tuple[int, int], **more: tuple[Quadrant, ...]) -> PlannedStep:
    return PlannedStep(
        id=name,
        quadrants=tuple(Quadrant(x, y) for x, y in quadrants),
        scaffold=more.get("scaffold", ()),
        after=(),
        wave=wave,
        padding=more.get("padding", ()),
    )


def test_waves_by_number() -> None:
    region = rectangle(-3, 9, 4, 13)
    assert drawn(plan(region, Map()), region) == expected(
        """
            x = -3 … 4
         9  1 1 2 1 1 2 1 1
        10  1 1 2 1 1 2 1 1
        11  2 2 3 2 2 3 2 2
        12  1 1 2 1 1 2 1 1
        13  1 1 2 1 1 2 1 1
        1, 2, … waves
    """
    )


def test_everything_that_can_stand_there() -> None:
    steps = (
        step("a", 1, (0, 0), scaffold=(Quadrant(0, 1),)),
        step("b", 12, (1, 0), padding=(Quadrant(1, 1),)),
        step("c", 3, (3, 0), (4, 0)),
    )
    planning = Planning(steps, {Quadrant(2, 0): "It would leave a seam."}, (Quadrant(4, 0),))
    assert drawn(planning, rectangle(0, 0, 6, 0), rectangle(4, 0, 5, 1)) == expected("""
           x = 0 … 6
        0  1 + x 3 r # .
        1  s p . . # # .
        1, 2, … waves · # finished · r finished, drawn anew · s scaffold, dropped at the end · p padding, thrown away · x left out
    """)  # noqa: E501


def test_what_does_not_fit_is_not_drawn() -> None:
    region = rectangle(0, 0, 9, 39)
    planning = Planning((), {})
    assert drawn(planning, region, columns=25) is not None
    assert drawn(planning, region, columns=24) is None
    assert drawn(planning, rectangle(0, 0, 9, 40)) is None
    assert drawn(planning, frozenset()) is None
