"""Tiles of heights, made by the tests: a slope that rises eastwards, with a hill on it."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from services.tiling.grid import tile_at

ZOOM = 14
ORIGIN = (37.7664, -122.4481)
BOUNDS = (-122.4645997, 37.7533440, -122.4316406, 37.7793986)
HALF_TURN = 20_037_508.342789244 * np.cos(np.radians(ORIGIN[0]))
"""Metres of the map from the meridian of Greenwich to the other side of the earth."""

Heights = NDArray[np.float64]
Ground = Callable[[Heights, Heights], Heights]


def hill(east: Heights, north: Heights) -> Heights:
    """Metres of ground: 100 at the origin, rising by a tenth eastwards, with a hill beside it."""
    return 100 + east / 10 + 40 * np.exp(-((east + 60) ** 2 + (north + 120) ** 2) / 20_000)


def slope(east: Heights, north: Heights) -> Heights:
    """Metres of ground that rises by a quarter eastwards, within bounds."""
    return 100 + np.clip(east, -300, 300) / 4


def coded(heights: Heights, encoding: str) -> NDArray[np.uint8]:
    """The colours that stand for heights."""
    if encoding == "mapbox":
        steps = np.rint((heights + 10_000) * 10).astype(int)
    else:
        steps = np.rint((heights + 32_768) * 256).astype(int)
    return np.stack([steps >> 16, steps >> 8 & 255, steps & 255], axis=-1).astype(np.uint8)


def tiles(ground: Ground = hill, encoding: str = "mapbox", side: int = 256) -> dict[tuple[int, int], bytes]:
    """The tiles under the sample, as PNG."""
    west, south, east, north = BOUNDS
    (x0, y0), (x1, y1) = tile_at(ZOOM, west, north), tile_at(ZOOM, east, south)
    column, row = tile_at(ZOOM, ORIGIN[1], ORIGIN[0])
    metres = 2 * HALF_TURN / (1 << ZOOM)
    found = {}
    for x in range(int(x0), int(x1) + 1):
        for y in range(int(y0), int(y1) + 1):
            middles = (np.arange(side) + 0.5) / side
            placed = np.meshgrid((x + middles - column) * metres, (row - y - middles) * metres)
            buffer = io.BytesIO()
            Image.fromarray(coded(ground(*placed), encoding)).save(buffer, "PNG")
            found[x, y] = buffer.getvalue()
    return found


def folder(root: Path, made: dict[tuple[int, int], bytes]) -> str:
    """A folder of files; its template."""
    for (column, row), content in made.items():
        file = root / f"{ZOOM}" / f"{column}" / f"{row}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return f"{root}/{{z}}/{{x}}/{{y}}.png"


def terrain(place: str, **fields: object) -> dict[str, object]:
    """The part of a configuration that names the tiles."""
    return {"tiles": place, "encoding": "mapbox", "lowest": -200, "highest": 500, "base": 100, **fields}
