"""World pixels to places on the ground, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.tiling.camera import View

VIEW = View(37.7664, -122.4481, -15.0, -45.0, 0.29296875)
PIXELS = st.floats(-350_000, 350_000)


def test_the_origin_is_world_pixel_zero() -> None:
    assert VIEW.pixel(37.7664, -122.4481) == (0, 0)


@given(PIXELS, PIXELS)
def test_there_and_back_within_a_tenth_of_a_pixel_over_100_km(x: float, y: float) -> None:
    assert VIEW.pixel(*VIEW.place(x, y)) == pytest.approx((x, y), abs=0.1)


def test_a_camera_turned_to_minus_15_shows_north_up_and_a_little_to_the_right() -> None:
    x, y = VIEW.project(0, 100)
    assert x > 0
    assert y < 0
    x, y = VIEW.project(100, 0)
    assert x > 0
    assert y > 0


def test_a_hundred_metres_to_the_right_are_as_many_pixels_as_the_scale_says() -> None:
    flat = View(0, 0, 0, -90, 0.5)
    assert flat.project(100, 0) == pytest.approx((200, 0))
    assert flat.project(0, 100) == pytest.approx((0, -200))


def test_quadrants() -> None:
    assert VIEW.quadrant(*VIEW.place(-1, 600)) == (-1, 1)
