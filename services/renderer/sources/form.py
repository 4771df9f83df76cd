"""What kind of tiles a source gives, and how the content of one is looked through."""

from collections.abc import Callable
from dataclasses import dataclass

from pmtiles.tile import TileType

from services.renderer.sources.vector import LARGEST, VECTOR_TILE, unpacked


@dataclass(frozen=True)
class Form:
    """A kind of tiles, as folders, archives and servers have it."""

    name: str
    plain: Callable[[bytes], bytes]
    """The content of a tile as it is given, looked through to its end; raises BadContent."""
    kind: str
    """The type that it is given with."""
    accept: str
    largest: int
    """Bytes of one tile."""
    formats: tuple[str, ...]
    """What an MBTiles file calls it; the first where it says nothing."""
    types: tuple[TileType, ...]
    """What a PMTiles file calls it."""
    section: str = "scene"
    """The part of app_config.json that says where the tiles lie."""


VECTOR = Form(
    "vector tiles",
    unpacked,
    VECTOR_TILE,
    f"{VECTOR_TILE}, */*;q=0.1",
    LARGEST,
    ("pbf",),
    (TileType.MVT,),
)
