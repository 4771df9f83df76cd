"""The parts of the configuration that say what is drawn, and from where it is looked at."""

from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from services import tiles
from services.section import Keyed, Section, fault
from services.terrain import Terrain

FIELDS: dict[str, tuple[str, ...]] = {
    "san-francisco": ("terrain",),
    "vector-tiles": ("tiles", "zoom", "tile_schema", "terrain", "tallest", "attribution", "api_key"),
    "geojson": ("file", "terrain", "tallest", "attribution"),
    "cityjson": ("file", "ground", "tallest", "attribution"),
    "3d-tiles": ("tileset", "ground", "detail", "tallest", "attribution", "api_key"),
    "google-3d-tiles": ("ground", "detail", "daily_sessions", "endpoint", "api_key"),
    "cesium-ion": ("asset", "ground", "detail", "tallest", "daily_sessions", "endpoint", "api_key"),
}
"""Which fields have a meaning with which source."""
NEEDED = {
    "vector-tiles": ("tiles",),
    "geojson": ("file",),
    "cityjson": ("file",),
    "3d-tiles": ("tileset",),
    "google-3d-tiles": ("api_key",),
    "cesium-ion": ("asset", "api_key"),
}


class Scene(Keyed):
    """What the renderer draws.

    `api_key` is put in place of {key} in the address of the tiles, or given to the service that has them; it
    never leaves the renderer.
    """

    source: Literal[
        "san-francisco", "vector-tiles", "geojson", "3d-tiles", "google-3d-tiles", "cesium-ion", "cityjson"
    ] = "san-francisco"
    tiles: Annotated[str | None, Field(min_length=1, max_length=2_000)] = None
    """Vector tiles: a folder or an address with {z}, {x} and {y} in it, or a file .mbtiles or .pmtiles.
    Relative paths start at the folder of app_config.json."""
    file: Annotated[str | None, Field(min_length=1, max_length=2_000)] = None
    """GeoJSON: the file with the footprints. CityJSON: a file, or a folder of files."""
    zoom: Annotated[int | None, Field(ge=10, le=18)] = None
    """The zoom of the tiles; the largest there is where none is named."""
    tile_schema: Literal["mapbox-streets", "openmaptiles", "protomaps", "openstreetmap"] | None = None
    """What the layers mean; found by their names where none is named."""
    tileset: Annotated[str | None, Field(min_length=1, max_length=2_000)] = None
    """3D Tiles: a file tileset.json, the folder it lies in, or its address on a server."""
    asset: Annotated[int | None, Field(ge=1)] = None
    """Cesium ion: the number of the asset."""
    ground: Annotated[float | None, Field(ge=-500, le=9_000, allow_inf_nan=False)] = None
    """3D Tiles: metres above the ellipsoid of WGS 84 where the map's level ground lies; CityJSON: in the
    heights of the file."""
    detail: Annotated[float | None, Field(ge=0.25, le=256, allow_inf_nan=False)] = None
    """3D Tiles: world pixels by which a shape may differ from its finest form."""
    tallest: Annotated[int | None, Field(ge=20, le=600)] = None
    """Metres up to which buildings are drawn. The more, the longer a frame takes: shadows come from afar."""
    attribution: Annotated[str | None, Field(max_length=500)] = None
    daily_sessions: Annotated[int | None, Field(ge=1, le=1_000_000)] = None
    """How often a day the service may be asked for the root of its tiles, which is what it counts."""
    endpoint: Annotated[str | None, Field(min_length=1, max_length=500)] = None
    """Another address of the service, such as a proxy."""
    terrain: Terrain | None = None
    """Footprints: how high the ground lies; level where it is not named."""

    @model_validator(mode="after")
    def _fields_fit_the_source(self) -> Self:
        for field in type(self).model_fields:
            if field != "source" and getattr(self, field) is not None and field not in FIELDS[self.source]:
                raise fault((field,), f'it has no meaning with "source": "{self.source}"; take it out')
        for field in NEEDED.get(self.source, ()):
            if getattr(self, field) is None:
                raise fault((field,), f'it is missing, and "source": "{self.source}" needs it')
        if self.tiles is not None:
            tiles.check_tiles(self.tiles, self.zoom, keyed=self.api_key is not None)
        if self.tileset is not None:
            self._check_tileset(self.tileset)
        if self.endpoint is not None:
            tiles.check_address("endpoint", self.endpoint, keyed=self.api_key is not None)
            if "?" in self.endpoint or "#" in self.endpoint:
                raise fault(
                    ("endpoint",), "it may not have a query, where keys are often put and then logged"
                )
        self.check_key("TILES_KEY")
        return self

    def _check_tileset(self, tileset: str) -> None:
        keyed = self.api_key is not None
        if not self.on_server:
            if "://" in tileset:
                raise fault(("tileset",), "a web address begins with https://")
            if keyed:
                raise fault(("api_key",), "only an address on a server has a key")
            return
        tiles.check_address("tileset", tileset, keyed=keyed)
        tiles.check_place_of_key("tileset", tileset, keyed=keyed)
        if "{key}" in tileset.partition("?")[0]:
            raise fault(("tileset",), "{key} belongs into its query, behind ?; it goes along with every tile")

    @property
    def keyed(self) -> list[Keyed]:
        """All parts that may have a key."""
        return [self, *([self.terrain] if self.terrain is not None else [])]

    @property
    def thanks(self) -> str:
        """Whom the studio thanks for what is drawn, as far as that is known without the source."""
        # Most vector tiles come from there, and none say so before they are read.
        streets = "© OpenStreetMap contributors"
        known = {
            "san-francisco": streets,
            "vector-tiles": streets,
            "google-3d-tiles": "Google",
            "cesium-ion": "Cesium ion",
        }
        ground = self.terrain.attribution if self.terrain else None
        return ", ".join(filter(None, (self.attribution or known.get(self.source, ""), ground)))

    @property
    def tallest_metres(self) -> int:
        """The height up to which buildings are drawn; those of the sample are low."""
        # Google's photographs have their shadows; the least map of shadows is enough for them.
        low = self.source in ("san-francisco", "google-3d-tiles")
        return self.tallest or (64 if low else 200)

    @property
    def is_file(self) -> bool:
        """Whether the tiles lie in one file, here or on a server."""
        return tiles.is_file(self.tiles)

    @property
    def on_server(self) -> bool:
        """Whether the tiles come from a server that an address names."""
        return tiles.on_server(self.tiles or self.tileset)

    @property
    def calls_servers(self) -> bool:
        """Whether anything of it comes from a server."""
        return self.on_server or (self.terrain is not None and self.terrain.on_server)


Pass = Literal["depth16", "normals", "object_id", "class"]
"""What can be had of a drawn world beside its colours; docs/passes.md."""
PASSES: tuple[Pass, ...] = get_args(Pass)


class Camera(Section):
    """Where world pixel (0, 0) lies, and how the scene is looked at. Angles in degrees."""

    latitude: Annotated[float, Field(allow_inf_nan=False)] = 37.7664
    longitude: Annotated[float, Field(ge=-180, le=180)] = -122.4481
    azimuth: Annotated[float, Field(ge=-360, le=360)] = -15.0
    """The compass bearing of what is up on the map."""
    elevation: Annotated[float, Field(allow_inf_nan=False)] = -45.0
    metres_per_pixel: Annotated[float, Field(allow_inf_nan=False)] = 0.29296875

    @model_validator(mode="after")
    def _can_be_drawn(self) -> Self:
        if not -85 <= self.latitude <= 85:
            raise fault(("latitude",), "it must be from -85 to 85, where Web Mercator ends")
        if not -90 <= self.elevation <= -15:
            raise fault(
                ("elevation",),
                "it must be from -90, straight down, to -15; flatter, houses hide all that is behind them",
            )
        if not 0.05 <= self.metres_per_pixel <= 2:
            raise fault(
                ("metres_per_pixel",),
                "it must be from 0.05, where a quadrant is 26 m wide, to 2, where it is 1 km wide; coarser, "
                "more stands in a frame than is drawn in time",
            )
        return self
