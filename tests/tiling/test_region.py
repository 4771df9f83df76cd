"""Sets of quadrants."""

from services.tiling.quadrant import Box, frame_box, frame_of, frame_quadrants
from services.tiling.region import frames, is_rectangle, needed_renders, rectangle, ring, touched
from tests.tiling.drawing import cells


def test_frames_tile_the_plane_also_left_of_zero() -> None:
    assert frame_of((-1, 0)) == (-1, 0)
    assert frame_of((-2, -3)) == (-1, -2)
    assert frame_box((-1, 0)) == (-1024, 0, 0, 1024)
    assert all(frame_of(cell) == (-1, -2) for cell in frame_quadrants((-1, -2)))


def test_corners_in_any_order() -> None:
    assert rectangle(1, 1, -1, 0) == rectangle(-1, 0, 1, 1)
    assert is_rectangle(rectangle(-1, 0, 1, 1))
    assert not is_rectangle([])


def test_a_ring_goes_all_around() -> None:
    drawing = """
        R R R R
        R S S R
        R R R R
    """
    assert ring(cells(drawing, "S")) == cells(drawing, "R")


def test_a_box_touches_only_quadrants_it_has_pixels_in() -> None:
    assert touched(Box(0, 0, 512, 512)) == [(0, 0)]
    assert touched(Box(-1, 0, 513, 512)) == [(-1, 0), (0, 0), (1, 0)]


def test_a_step_needs_renders_of_its_halo() -> None:
    assert len(needed_renders([(0, 0), (1, 0)])) == 12
    assert frames([(-1, -1), (0, 0), (1, 1), (2, 0)]) == [(-1, -1), (0, 0), (1, 0)]
