"""How high the ground lies: tiles of pictures whose colours are numbers, given as metres."""

import asyncio
import io
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from pmtiles.tile import TileType

from services.renderer.sources.form import Form
from services.renderer.sources.packed import BadContent, plain
from services.renderer.sources.source import Description, SourceFault, Tile
from services.renderer.sources.tiled import key_of, tiled
from services.terrain import Terrain

LARGEST = 8 << 20
"""Bytes of one tile; the largest that are usual have a tenth of it."""
SIDES = (64, 128, 256, 512, 1_024)
"""How many heights a tile may have along each side."""
ROUNDING = 0.06
"""Metres by which a height may leave its bounds: half a step of Terrain-RGB."""

ENCODINGS = {
    "mapbox": (np.array((6_553.6, 25.6, 0.1)), -10_000.0),
    "terrarium": (np.array((256.0, 1.0, 1 / 256)), -32_768.0),
}
"""Metres per step of red, green and blue, and of a colour without any."""


def picture(content: bytes) -> NDArray[np.uint8]:
    """The colours of a tile; raises BadContent if it is no whole, square picture without loss."""
    if not content:
        raise BadContent("it is empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with Image.open(io.BytesIO(content), formats=("PNG", "WEBP")) as opened:
                width, height = opened.size
                if width != height or width not in SIDES:
                    sides = ", ".join(map(str, SIDES))
                    raise BadContent(f"it is {width} × {height} pixels; its sides must be one of {sides}")
                if opened.mode not in ("RGB", "RGBA"):
                    raise BadContent(f"its colours are {opened.mode}, and not red, green and blue")
                if _lossy(content):
                    raise BadContent("it was packed with loss, so its colours are no heights")
                return np.asarray(opened)[..., :3]
    except UnidentifiedImageError:
        raise BadContent("it is neither PNG nor WebP") from None
    except (OSError, ValueError, SyntaxError, Warning, Image.DecompressionBombError) as error:
        raise BadContent(f"it is broken or cut short ({error})") from None


def _lossy(content: bytes) -> bool:
    """Whether it is WebP that keeps its colours only nearly (RFC 9649, 2.5)."""
    return content[:4] == b"RIFF" and b"VP8 " in content[12:64]


def _checked(content: bytes) -> bytes:
    content = plain(content, LARGEST)
    picture(content)
    return content


ELEVATION = Form(
    "heights",
    _checked,
    "application/octet-stream",
    "image/webp, image/png, */*;q=0.1",
    LARGEST,
    ("png", "webp"),
    (TileType.PNG, TileType.WEBP),
    "scene.terrain",
)


class Elevation:
    """The heights that a configuration names, in metres above what is drawn at height 0."""

    def __init__(self, terrain: Terrain, beside: Path, kept: Path | None) -> None:
        self._terrain = terrain
        key = key_of(terrain, ELEVATION.section)
        self._tiles = tiled(terrain, key, beside, kept, form=ELEVATION)

    async def open(self) -> None:
        """Open the tiles; raises Unusable."""
        await self._tiles.open()

    async def close(self) -> None:
        """Give back what they hold open."""
        await self._tiles.close()

    def describe(self) -> Description:
        """What the tiles say of themselves."""
        return self._tiles.describe()

    async def tile(self, column: int, row: int) -> Tile:
        """The heights of a tile, row by row from the north-west, 4 bytes each, the lowest byte first.

        Raises SourceFault: ground whose height is not known is never drawn as level.
        """
        found = await self._tiles.tile(column, row)
        if found is None:
            reason = "there is no such tile, so the height of the ground is not known there"
            raise SourceFault(self._tiles.address(column, row), reason)
        heights = await asyncio.to_thread(self._decoded, found)
        return Tile(found.address, heights, "application/octet-stream")

    def _decoded(self, tile: Tile) -> bytes:
        steps, none = ENCODINGS[self._terrain.encoding]
        heights = picture(tile.content) @ steps + none
        low, high = float(heights.min()), float(heights.max())
        if low < self._terrain.lowest - ROUNDING or high > self._terrain.highest + ROUNDING:
            bounds = f"{self._terrain.lowest:g} to {self._terrain.highest:g} m"
            raise SourceFault(
                tile.address,
                f"its heights are {low:.0f} to {high:.0f} m; scene.terrain.lowest and highest say {bounds}",
            )
        given: bytes = (heights - self._terrain.level).astype("<f4").tobytes()
        return given
