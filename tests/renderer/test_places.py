"""Python, the scene page and the studio mean the same place on earth by the same pixel."""

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from services.scene import Camera
from services.tiling.camera import View

NODE = Path(sys.executable).parent / "node"
SCRIPT = Path(__file__).parent / "places.mjs"
CAMERAS = [
    Camera(),
    Camera(latitude=-41.3, longitude=179.95, azimuth=200.0, elevation=-15.0, metres_per_pixel=0.05),
    Camera(latitude=64.1, longitude=-21.9, azimuth=-90.0, elevation=-90.0, metres_per_pixel=2.0),
]


def ask(camera: Camera, **questions: Any) -> dict[str, list[tuple[float, float]]]:
    question = json.dumps({"camera": camera.model_dump(), **questions})
    said = subprocess.run([NODE, SCRIPT, question], capture_output=True, text=True, timeout=60, check=True)
    answers: dict[str, list[tuple[float, float]]] = json.loads(said.stdout)
    return answers


def corner(zoom: int, column: float, row: float) -> tuple[float, float]:
    """Latitude and longitude of a tile's north-west corner, as the OpenStreetMap wiki has it."""
    north = math.atan(math.sinh(math.pi * (1 - 2 * row / 2**zoom)))
    return math.degrees(north), column / 2**zoom * 360 - 180


@pytest.mark.parametrize("camera", CAMERAS, ids=lambda camera: f"{camera.latitude:g}")
def test_three_languages_agree_to_a_hundredth_of_a_pixel_over_100_km(camera: Camera) -> None:
    view = View(**camera.model_dump())
    metres = [(0, 0), (1_500, -1_500), (100_000, 0), (0, -100_000), (-70_000, 70_000), (70_000, 99_000)]
    places = [view.unground(east, north) for east, north in metres]
    pixels = [view.project(east, north) for east, north in metres]
    tiles = []
    for latitude, longitude in places:
        column = (longitude + 180) / 360 * 2**14
        row = (1 - math.asinh(math.tan(math.radians(latitude))) / math.pi) / 2 * 2**14
        tiles.append((14, math.floor(column), row))
    said = ask(camera, places=places, pixels=pixels, tiles=tiles)
    for name, expected in (
        ("pixels", pixels),
        ("tiles", [view.pixel(*corner(*tile)) for tile in tiles]),
        ("back", pixels),
        ("studio", pixels),
    ):
        found = [view.pixel(*answer) if name in ("back", "studio") else answer for answer in said[name]]
        for mine, theirs in zip(expected, found, strict=True):
            assert theirs == pytest.approx(mine, abs=0.01), name
    for (_, column, row), theirs in zip(tiles, said["columns"], strict=True):
        assert theirs == pytest.approx((column, row), abs=1e-6)


def test_a_tile_is_a_square_that_shares_its_edges() -> None:
    camera = Camera(azimuth=0.0, elevation=-90.0, metres_per_pixel=1.0)
    square = [(15, 5_237 + i, 12_665 + j) for i, j in ((0, 0), (1, 0), (0, 1), (1, 1))]
    (left, top), (right, upper), (lower_left, bottom), (lower_right, lower) = ask(
        camera, places=[], pixels=[], tiles=square
    )["tiles"]
    assert (left, right, top, bottom) == pytest.approx((lower_left, lower_right, upper, lower))
    assert right - left == pytest.approx(bottom - top)
    side = 2 * math.pi * 6_378_137 * math.cos(math.radians(camera.latitude)) / 2**15
    assert right - left == pytest.approx(side)
