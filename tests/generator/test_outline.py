"""Where ink and light go, drawn small."""

import numpy as np
from numpy.typing import NDArray

from services.generator.art.cells import Cells
from services.generator.art.outline import (
    CREASE,
    FOOT,
    INK,
    OUTLINE,
    OUTLINE_TREE,
    SEAM,
    marks,
    outline,
)
from services.generator.models.pixel_art import slope
from services.scene import Camera

THINGS = {
    # letter: (object id's two bytes, material, normal), depth
    ".": ((0, 21, 21, 0), 1_000),  # lawn
    "=": ((0, 17, 17, 0), 1_000),  # road
    "R": ((40, 1, 2, 0), 200),  # roof of a house
    "W": ((40, 1, 1, 22), 950),  # its wall
    "V": ((40, 1, 1, 18), 950),  # its wall around the corner
    "N": ((50, 2, 1, 22), 950),  # the neighbour's wall
    "P": ((40, 1, 5, 0), 40),  # a box on the roof
    "T": ((20, 3, 32, 3), 600),  # a tree
    "C": ((5, 7, 33, 0), 800),  # a car
}
LETTERS = {0: ".", OUTLINE: "#", OUTLINE_TREE: "t", FOOT: "f", SEAM: "s", CREASE: "c"}


def cells(drawn: str) -> Cells:
    rows = [[THINGS[letter] for letter in line.strip()] for line in drawn.split()]
    objects = np.array([[thing for thing, _ in row] for row in rows], np.uint8)
    depth = np.array([[far for _, far in row] for row in rows], np.int32)
    height, width = depth.shape
    return Cells(np.full((3, height, width), 120, np.uint8), objects.view("<u4")[..., 0], depth)


def ink(drawn: str) -> list[str]:
    strength, _ = marks(cells(drawn), slope=0)
    return ["".join(LETTERS[value] for value in row) for row in strength.tolist()]


def light(drawn: str) -> list[str]:
    _, edge = marks(cells(drawn), slope=0)
    return ["".join("+" if lit else "." for lit in row) for row in edge.tolist()]


def test_what_lies_behind_a_roof_is_inked_and_the_roof_is_not() -> None:
    assert ink("""
        .....
        .....
        .RRR.
        .RRR.
        .....
    """) == [
        "###",
        "...",
        "...",
    ]  # fmt: skip


def test_trees_ink_less() -> None:
    assert ink("""
        .....
        ..T..
        .....
    """) == ["t.t"]  # fmt: skip


def test_the_ground_is_dark_at_the_foot_of_a_wall() -> None:
    assert ink("""
        .WWW.
        .WWW.
        .....
        .....
    """) == [
        "...",
        "fff",
    ]  # fmt: skip


def test_ground_of_another_kind_gets_no_line() -> None:
    assert ink("""
        ....
        ....
        ====
        ====
    """) == ["..", ".."]  # fmt: skip


def test_two_houses_have_one_seam_between_them() -> None:
    assert ink("""
        WWNN
        WWNN
        WWNN
    """) == ["s."]  # fmt: skip


def test_a_corner_of_one_house_is_a_crease() -> None:
    assert ink("""
        WWVV
        WWVV
        WWVV
    """) == ["c."]  # fmt: skip


def test_a_box_on_a_roof_stands_out_a_little() -> None:
    assert ink("""
        RRRRR
        RRRRR
        RRPRR
        RRRRR
    """) == [".s.", "s.s"]  # fmt: skip


def test_a_roof_is_lit_where_it_ends_over_its_own_wall() -> None:
    drawn = """
        RRRR
        RRRR
        WWWW
        NNNN
    """
    assert light(drawn) == ["++", ".."]
    assert ink(drawn)[0] == ".."


def test_level_ground_seen_at_an_angle_is_no_gap() -> None:
    sloped = cells("""
        .....
        .....
        ..C..
        .....
    """)  # fmt: skip
    sloped.depth[:] += np.arange(4, 0, -1, dtype=np.int32)[:, None] * 150
    sloped.depth[2, 2] = sloped.depth[3, 2] + 100
    strength, _ = marks(sloped, slope=150)
    assert [LETTERS[value] for value in strength[0]] == [".", "f", "."]


def test_walls_and_ground_may_change_their_depth_alike() -> None:
    assert slope(Camera(), 2) == 150
    assert slope(Camera(elevation=-30.0), 2) == slope(Camera(elevation=-60.0), 2) == 260
    assert slope(Camera(elevation=-90.0), 2) == 600


def test_depths_that_go_round_are_compared_by_their_difference() -> None:
    drawn = cells("""
        .....
        .....
        .RRR.
        .WWW.
        .....
    """)  # fmt: skip
    once, edge = marks(drawn, slope=0)
    drawn.depth[:] = (drawn.depth - drawn.depth.min() - 100) % (1 << 24)
    assert drawn.depth.max() - drawn.depth.min() > 1 << 23
    again, other = marks(drawn, slope=0)
    assert np.array_equal(once, again)
    assert np.array_equal(edge, other)
    assert once.any()


def test_brightness_draws_nothing() -> None:
    flat = cells("""
        .....
        .....
        .....
    """)  # fmt: skip
    flat.colour[:, :, 2] = 255
    assert np.array_equal(outline(flat, slope=0), flat.colour[:, 1:-1, 1:-1])


def test_ink_keeps_a_third_of_the_hue() -> None:
    drawn = cells("""
        ...
        ...
        RRR
    """)  # fmt: skip
    share = OUTLINE / 255 * 0.70
    shade: NDArray[np.float64] = 120 * (1 - share) + np.array(INK) * share
    assert np.allclose(outline(drawn, slope=0)[:, 0, 0], shade, atol=0.01)
