"""Plans: complete on free ground, legal in every allowed order, few calls and waves, reasons for the rest."""

import random

import pytest

from services.tiling.planning import Map, Planning, calls, plan
from services.tiling.quadrant import Quadrant
from services.tiling.region import REGION_LIMIT, BadRegion, rectangle
from tests.tiling.drawing import cells
from tests.tiling.maps import judge


def planned(drawing: str, *, repair: bool = False) -> Planning:
    """The plan that fills `S` where `G` is finished, `R` reserved and `F` failed; found legal."""
    ground = Map(cells(drawing, "G"), cells(drawing, "R"), cells(drawing, "F"))
    made = plan(cells(drawing, "S"), ground, repair=repair)
    judge(made, cells(drawing, "S"), ground, random.Random(1))
    return made


def drawn(drawing: str, made: Planning) -> str:
    """The map with the wave in place of each quadrant that is filled, `o` where one is left out."""
    wave = {cell: str(step.wave) for step in made.steps for cell in step.quadrants}
    rows = [row.split() for row in drawing.strip().splitlines()]
    return "\n".join(
        " ".join(
            wave.get(Quadrant(x, y), "o" if Quadrant(x, y) in made.left_out else found)
            for x, found in enumerate(row)
        )
        for y, row in enumerate(rows)
    )


def same(drawing: str) -> str:
    return "\n".join(" ".join(row.split()) for row in drawing.strip().splitlines())


def fills(before: str, after: str) -> Planning:
    """Plan, and compare with the drawing of waves."""
    made = planned(before)
    assert drawn(before, made) == same(after)
    return made


def test_free_ground_takes_three_waves() -> None:
    fills(
        """
        S S S S S S S S
        S S S S S S S S
        S S S S S S S S
        S S S S S S S S
        S S S S S S S S
        """,
        """
        1 1 2 1 1 2 1 1
        1 1 2 1 1 2 1 1
        2 2 3 2 2 3 2 2
        1 1 2 1 1 2 1 1
        1 1 2 1 1 2 1 1
        """,
    )


@pytest.mark.parametrize("height", range(1, 15))
def test_every_free_rectangle_is_filled_completely(height: int) -> None:
    chance = random.Random(height)
    for width in range(1, 15):
        left, top = chance.randint(-20, 20), chance.randint(-20, 20)
        region = rectangle(left, top, left + width - 1, top + height - 1)
        made = plan(region, Map())
        judge(made, region, Map(), chance)
        assert made.left_out == {}
        assert len(made.steps) <= calls(width, height)
        assert max(step.wave for step in made.steps) <= 3


def test_a_finished_edge_is_where_the_lattice_begins() -> None:
    fills(
        """
        G G G G G G
        S S S S S S
        S S S S S S
        S S S S S S
        """,
        """
        G G G G G G
        2 2 3 2 2 3
        1 1 2 1 1 2
        1 1 2 1 1 2
        """,
    )


def test_a_hole_is_closed_from_its_middle() -> None:
    fills(
        """
        G G G G G
        G S S S G
        G S S S G
        G S S S G
        G G G G G
        """,
        """
        G G G G G
        G 1 2 1 G
        G 2 3 2 G
        G 1 2 1 G
        G G G G G
        """,
    )


def test_nothing_is_drawn_between_two_corners_that_touch() -> None:
    made = planned(
        """
        G G S
        G G S
        S S G
        S S G
        """
    )
    assert {(2, 1), (1, 2)} <= set(made.left_out)
    assert "2,1" not in {name for step in made.steps for name in step.quadrants}
    assert all("can change that" in made.left_out[cell] for cell in ((2, 1), (1, 2)) if cell in made.left_out)


def test_beside_a_finished_quadrant_that_stands_alone_nothing_can_match_it() -> None:
    made = planned(
        """
        S S S S S S S
        S S S S S S S
        S S S S S S S
        S S S G S S S
        S S S S S S S
        S S S S S S S
        S S S S S S S
        """
    )
    assert {cell for cell in made.left_out if "can change that" in made.left_out[cell]} == {
        (3, 2), (2, 3), (4, 3), (3, 4)
    }  # fmt: skip


def test_with_repair_the_one_in_the_way_is_drawn_anew() -> None:
    made = planned(
        """
        S S S S S
        S S S S S
        S S G S S
        S S S S S
        S S S S S
        """,
        repair=True,
    )
    assert made.left_out == {}
    assert made.repaired == ((2, 2),)


def test_repair_opens_nothing_where_nothing_is_left_out() -> None:
    made = planned("G G G S S S\nG G G S S S", repair=True)
    assert (made.left_out, made.repaired) == ({}, ())


def test_repair_never_touches_what_is_reserved() -> None:
    made = planned("S R S\nR G R\nS R S", repair=True)
    assert not {cell for step in made.steps for cell in step.infill} & cells("S R S\nR G R\nS R S", "R")


def test_what_is_reserved_is_left_out_and_said_so() -> None:
    drawing = """
        S S S S S
        S S S S S
        S S S R R
        S S S R R
    """
    made = plan(rectangle(0, 0, 4, 3), Map(reserved=cells(drawing, "R")))
    judge(made, rectangle(0, 0, 4, 3), Map(reserved=cells(drawing, "R")), random.Random(1))
    assert {cell for cell, reason in made.left_out.items() if "reserved" in reason} == cells(drawing, "R")


def test_what_failed_is_drawn_where_it_is_asked_for_and_never_as_scaffold() -> None:
    made = planned("F F F\nF S F\nF F F")
    assert (made.steps, list(made.left_out)) == ((), [(1, 1)])
    made = plan(rectangle(0, 0, 1, 1), Map(failed=cells("F F\nF F", "F")))
    assert len(made.steps) == 1


def test_scaffold_is_what_overhangs_free_ground() -> None:
    made = plan(rectangle(0, 0, 3, 0), Map())
    assert {cell for step in made.steps for cell in step.scaffold} == {
        (0, 1), (1, 1), (2, 1), (3, 1), (4, 0), (4, 1)
    }  # fmt: skip


def test_a_region_of_any_outline_is_filled() -> None:
    made = planned(
        """
        . . S . . . . S S .
        . S S S . . . . S .
        S S S S S S S S S .
        . S S S . . . . . .
        . . S . . . . S . S
        """
    )
    assert made.left_out == {}


def test_parts_far_apart_are_one_plan() -> None:
    region = rectangle(0, 0, 3, 3) | rectangle(900_000, -900_000, 900_002, -899_999)
    made = plan(region, Map())
    judge(made, region, Map(), random.Random(1))
    assert made.left_out == {}
    assert len(made.steps) == calls(4, 4) + calls(3, 2)


def test_what_is_finished_already_is_not_drawn() -> None:
    region = rectangle(0, 0, 2, 2)
    assert plan(region, Map(finished=region)) == Planning((), {}, ())


def test_the_same_map_gives_the_same_plan() -> None:
    region = rectangle(0, 0, 9, 9)
    finished = list(rectangle(3, 3, 4, 5) | rectangle(8, 0, 8, 0))
    assert plan(sorted(region), Map(finished)) == plan(sorted(region, reverse=True), Map(finished[::-1]))


@pytest.mark.parametrize(("count", "said"), [(0, "no quadrants"), (REGION_LIMIT + 1, "1,000,001")])
def test_a_region_of_a_wrong_size_is_refused(count: int, said: str) -> None:
    with pytest.raises(BadRegion, match=said):
        plan([(i % 2_000, i // 2_000) for i in range(count)], Map())


def test_a_region_spread_over_the_whole_world_is_refused() -> None:
    with pytest.raises(BadRegion, match="too thin"):
        plan([(i, i) for i in range(5_000)], Map())
