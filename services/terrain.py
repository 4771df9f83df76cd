"""The part of the configuration that says how high the ground lies."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from services import tiles
from services.section import Keyed, fault

Metres = Annotated[float, Field(ge=-11_000, le=9_000, allow_inf_nan=False)]
MOST_RELIEF = 4_000
"""Metres between the lowest and the highest ground: what lies so far away may be in sight."""


class Terrain(Keyed):
    """The heights of the ground, as pictures whose colours are numbers."""

    tiles: Annotated[str, Field(min_length=1, max_length=2_000)]
    """A folder or an address with {z}, {x} and {y} in it, or a file .mbtiles or .pmtiles."""
    encoding: Literal["mapbox", "terrarium"]
    """What a colour means: Mapbox Terrain-RGB, in steps of 0.1 m, or Terrarium, in steps of 1/256 m."""
    zoom: Annotated[int | None, Field(ge=5, le=17)] = None
    """The zoom of the tiles; the largest there is where none is named."""
    lowest: Metres
    highest: Metres
    """No ground is lower or higher: frames look so far for what may be in sight."""
    base: Metres | None = None
    """The height that is drawn where level ground would be; `lowest` where none is named."""
    attribution: Annotated[str | None, Field(max_length=500)] = None

    @model_validator(mode="after")
    def _can_be_drawn(self) -> Self:
        if self.highest <= self.lowest:
            raise fault(("highest",), "it must be higher than lowest")
        if self.highest - self.lowest > MOST_RELIEF:
            raise fault(("highest",), f"it may be {MOST_RELIEF} m above lowest at most")
        if self.base is not None and not self.lowest <= self.base <= self.highest:
            raise fault(("base",), "it must lie between lowest and highest")
        tiles.check_tiles(self.tiles, self.zoom, keyed=self.api_key is not None)
        self.check_key("TERRAIN_KEY")
        return self

    @property
    def level(self) -> float:
        """The height that is drawn at height 0 of the map."""
        return self.lowest if self.base is None else self.base

    @property
    def on_server(self) -> bool:
        """Whether the tiles come from a server that an address names."""
        return tiles.on_server(self.tiles)

    @property
    def is_file(self) -> bool:
        """Whether the tiles lie in one file, here or on a server."""
        return tiles.is_file(self.tiles)
