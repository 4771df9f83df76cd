"""Footprints on ground that is not level."""

from dataclasses import dataclass, replace

from services.renderer.sources.elevation import Elevation
from services.renderer.sources.source import Description, Source, Tile, Unusable

VERSION = 60
"""Letters that a version has at most."""


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
        said = {field: getattr(about, field) for field in Description.__dataclass_fields__}
        found = ReliefDescription(**said, terrain_zoom=ground.zoom)
        version = ", terrain ".join(part[: VERSION // 2 - 5] for part in (about.version, ground.version))
        thanks = ", ".join(filter(None, (about.attribution, ground.attribution)))
        return replace(found, version=version, attribution=thanks)

    async def tile(self, column: int, row: int) -> Tile | None:
        return await self._footprints.tile(column, row)

    def address(self, column: int, row: int) -> str:
        return self._footprints.address(column, row)

    async def close(self) -> None:
        await self._footprints.close()
        await self.elevation.close()
