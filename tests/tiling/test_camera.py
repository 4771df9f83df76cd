"""World pixels to places on the ground, and back."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.tiling.camera import EARTH, View

VIEW = View(37.7664, -122.4481, -15.0, -45.0, 0.29296875)
VIEWS = st.builds(
    View,
    latitude=st.floats(-85, 85),
    longitude=st.floats(-180, 180),
    azimuth=st.floats(-360, 360),
    elevation=st.floats(-90, -15),
    metres_per_pixel=st.floats(0.05, 2),
)
METRES = st.floats(-100_000, 100_000)


def test_the_origin_is_world_pixel_zero() -> None:
    assert VIEW.pixel(37.7664, -122.4481) == (0, 0)


@given(VIEWS, METRES, METRES)
def test_there_and_back_over_100_km_for_any_camera(view: View, east: float, south: float) -> None:
    x, y = view.project(east, -south)
    assert view.pixel(*view.place(x, y)) == pytest.approx((x, y), abs=0.001)


@pytest.mark.parametrize(
    ("latitude", "longitude", "easting", "northing"),
    [
        # The worked example of IOGP Guidance Note 7-2 for method 1024.
        (24 + 22 / 60 + 54.433 / 3600, -(100 + 20 / 60), -11_169_055.58, 2_800_000.00),
        # EPSG:4326 to EPSG:3857 by PROJ 9.5.1.
        (37.7664, -122.4481, -13_630_860.1406, 4_546_478.3234),
        (38.6664, -121.5, -13_525_318.1314, 4_673_998.2653),
        (-33.8, 151.2, 16_831_507.0079, -4_001_978.4236),
        (64.1, -21.9, -2_437_896.8484, 9_375_203.6221),
    ],
)
def test_the_ground_is_web_mercator_scaled_at_the_origin(
    latitude: float, longitude: float, easting: float, northing: float
) -> None:
    assert View(0, 0, 0, -90, 1).ground(latitude, longitude) == pytest.approx((easting, northing), abs=0.01)
    # About 100 km from an origin of its own, to a tenth of a pixel of the finest camera.
    origin = View(latitude - 0.9, longitude + 0.5, 0, -90, 0.05)
    x, y = _mercator(latitude - 0.9, longitude + 0.5)
    scale = math.cos(math.radians(latitude - 0.9))
    expected = (easting - x) * scale / 0.05, (y - northing) * scale / 0.05
    assert origin.pixel(latitude, longitude) == pytest.approx(expected, abs=0.1)


def _mercator(latitude: float, longitude: float) -> tuple[float, float]:
    """EPSG:3857 as it is usually written."""
    phi = math.radians(latitude)
    return EARTH * math.radians(longitude), EARTH * math.log(math.tan(math.pi / 4 + phi / 2))


def test_a_metre_is_true_at_the_origin_and_grows_polewards_as_documented() -> None:
    squashed = 6.694_379_990_14e-3  # WGS 84's first eccentricity, squared
    for latitude, per_100_km in ((0.0, 0.0), (38.0, 0.012), (-60.0, 0.027)):
        view = View(latitude, 0, 0, -90, 1)
        curve = 1 - squashed * math.sin(math.radians(latitude)) ** 2
        _, drawn = view.ground(latitude + 0.001, 0)
        true = math.radians(0.001) * EARTH * (1 - squashed) / curve**1.5
        assert drawn == pytest.approx(true, rel=0.007)
        away = latitude + math.copysign(0.9, latitude)
        grown = (view.ground(away, 0.001)[0] / math.cos(math.radians(away))) / (
            view.ground(latitude, 0.001)[0] / math.cos(math.radians(latitude))
        )
        assert grown == pytest.approx(1 + per_100_km, abs=0.002)


def test_the_date_line_is_no_edge() -> None:
    fiji = View(-17, 179.9, 0, -90, 1)
    east, _ = fiji.ground(-17, -179.9)
    assert east == pytest.approx(fiji.ground(-17, 179.8)[0] * -2)
    assert fiji.unground(east, 0) == pytest.approx((-17, -179.9))


def test_far_beyond_the_poles_there_is_still_a_place() -> None:
    latitude, longitude = VIEW.place(3e9, -3e9)
    assert latitude == 90
    assert -180 <= longitude <= 180


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
