"""Which tiles of the world's grid lie under a place, and under a box of degrees."""

import math

import pytest

from services.tiling.grid import tile_at, tiles_under

SAMPLE = (-122.4645997, 37.7533440, -122.4316406, 37.7793986)
"""The bounds of the sample city, which are those of tiles."""


def test_a_place_lies_where_the_openstreetmap_wiki_has_it() -> None:
    assert tile_at(0, 0.0, 0.0) == (0.5, 0.5)
    for latitude in (-80.0, -33.9, 35.0, 78.2):
        phi = math.radians(latitude)
        row = (1 - math.log(math.tan(phi) + 1 / math.cos(phi)) / math.pi) / 2 * 2**7
        assert tile_at(7, 135.0, latitude) == pytest.approx((112.0, row))


def test_the_tiles_under_a_box() -> None:
    assert tiles_under(15, *SAMPLE) == (5237, 12665, 5239, 12667)
    assert tiles_under(1, -180, -90, 180, 90) == (0, 0, 1, 1)
