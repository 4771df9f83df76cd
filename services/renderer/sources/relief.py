"""Footprints on ground that is not level."""

from dataclasses import dataclass

from services.renderer.sources.elevation import Elevation
from services.renderer.sources.source import Description, Source, Tile, Unusable

VERSION_LETTERS = 60
"""What a version has at most; footprints and ground share them."""
AND_TERRAIN = ", terrain "


@dataclass(frozen=True)
class ReliefDescription(Description):
    """What the page must know of footprints and of the ground under them."""

    terrain_zoom: int = 0
    """The zoom of the tiles of heights."""


class Relief(Source):
    """A source of footprints, and the heights of its ground."""

    def __init__(self, footprints: Source, elevation: Elevation) -> None:
        self._footprints = footprints
        self.elevation = elevation

    async def open(self) -> None:
        await self._footprints.open()
        try:
            await self.elevation.open()
        except Unusable:
            await self._footprints.close()
            raise

    def describe(self) -> ReliefDescription:
        about, ground = self._footprints.describe(), self.elevation.describe()
        letters = (VERSION_LETTERS - len(AND_TERRAIN)) // 2
        both = {
            "version": AND_TERRAIN.join(part.version[:letters] for part in (about, ground)),
            "attribution": ", ".join(filter(None, (about.attribution, ground.attribution))),
        }
        return ReliefDescription(**{**vars(about), **both}, terrain_zoom=ground.zoom)

    async def tile(self, column: int, row: int) -> Tile | None:
        return await self._footprints.tile(column, row)

    def address(self, column: int, row: int) -> str:
        return self._footprints.address(column, row)

    async def close(self) -> None:
        await self._footprints.close()
        await self.elevation.close()
