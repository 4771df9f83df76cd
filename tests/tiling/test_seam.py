"""Legality, drawn."""

import pytest

from services.tiling.seam import Padded, Refusal, Window, place, place_padded
from tests.tiling.drawing import cells


def window(drawing: str) -> tuple[float, float]:
    """The legal window's top left, in quadrants."""
    found = place(cells(drawing, "S"), cells(drawing, "G"))
    assert isinstance(found, Window), found
    return found.x / 512, found.y / 512


def why_not(drawing: str) -> str:
    found = place(cells(drawing, "S"), cells(drawing, "G"))
    assert isinstance(found, Refusal), found
    return found.reason


def test_an_island_needs_ground_that_touches_nothing() -> None:
    assert window("""
        . . . .
        . S S .
        . S S .
        G . . .
    """) == (1, 1)


def test_an_island_beside_a_finished_quadrant_is_a_seam() -> None:
    assert "against its left" in why_not("""
        . . . .
        G S S .
        . S S .
    """)


def test_a_strip_between_two_islands_sits_in_the_middle_of_its_window() -> None:
    assert window("""
        G G S G G
        G G S G G
    """) == (1.5, 0)


def test_a_strip_on_one_finished_side_sees_all_of_it() -> None:
    assert window("""
        G G
        S S
        . .
    """) == (0, 0)


def test_a_strip_with_half_a_side_finished_would_see_a_hole() -> None:
    assert "0,0 still empty" in why_not("""
        . G
        S S
    """)


def test_a_strip_with_a_finished_short_side_is_a_seam() -> None:
    assert why_not("""
        G G G
        G S S
    """).startswith("It would leave a seam")


def test_a_single_quadrant_needs_three_of_a_block() -> None:
    assert window("""
        G G
        G S
    """) == (0, 0)


def test_a_single_quadrant_without_its_diagonal_is_a_seam() -> None:
    assert "0,0 still empty" in why_not("""
        . G
        G S
    """)


def test_a_hole_sees_half_of_everything_around_it() -> None:
    assert window("""
        G G G
        G S G
        G G G
    """) == (0.5, 0.5)


def test_between_opposite_sides_the_diagonals_must_be_finished_too() -> None:
    assert "2,2 still empty" in why_not("""
        G G G
        G S G
        G G .
    """)


def test_a_corner_at_the_edge_of_a_region_looks_away_from_the_free_side() -> None:
    assert window("""
        G G G
        G S G
        . . .
    """) == (0.5, 0)


@pytest.mark.parametrize(
    ("drawing", "reason"),
    [
        ("S . S", "not one full rectangle"),
        ("S S\nS .", "not one full rectangle"),
        ("S S S", "at most 2 × 2"),
    ],
)
def test_shapes(drawing: str, reason: str) -> None:
    assert reason in why_not(drawing)


def test_nothing_finished_is_filled_again() -> None:
    assert isinstance(place([(0, 0)], [(0, 0)]), Refusal)


def test_padding_makes_a_lonely_quadrant_legal() -> None:
    found = place_padded([(5, 5)], set())
    assert isinstance(found, Padded)
    assert len(found.padding) == 3


def test_padding_is_not_used_where_none_is_needed() -> None:
    drawing = "G G\nG S"
    assert place_padded(cells(drawing, "S"), cells(drawing, "G")) == Padded(Window(0, 0))


def test_padding_is_as_little_as_possible() -> None:
    drawing = """
        G G
        S .
    """
    found = place_padded(cells(drawing, "S"), cells(drawing, "G"))
    assert isinstance(found, Padded)
    assert found.padding == ((1, 1),)


def test_padding_never_covers_finished_quadrants() -> None:
    drawing = """
        . G .
        G S G
        . G .
    """
    assert isinstance(place_padded(cells(drawing, "S"), cells(drawing, "G")), Refusal)


def test_padding_keeps_off_what_is_to_be_avoided() -> None:
    drawing = """
        . . . .
        . . S .
        . A . .
    """
    found = place_padded(cells(drawing, "S"), set(), cells(drawing, "A"))
    assert isinstance(found, Padded)
    assert not set(found.padding) & cells(drawing, "A")
    everywhere = {(x, y) for x in range(5) for y in range(4)} - cells(drawing, "S")
    assert isinstance(place_padded(cells(drawing, "S"), set(), everywhere), Refusal)
