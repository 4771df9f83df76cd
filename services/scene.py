"""The parts of the configuration that say what is drawn, and from where it is looked at."""

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from services.section import Keyed, Section, fault, is_loopback


class Scene(Keyed):
    """What the renderer draws.

    `api_key` is put in place of {key} in the address of the tiles, and never leaves the renderer.
    """

    source: Literal["san-francisco", "vector-tiles", "geojson"] = "san-francisco"
    tiles: Annotated[str | None, Field(min_length=1, max_length=2_000)] = None
    """Vector tiles: a folder or an address with {z}, {x} and {y} in it, or a file .mbtiles or .pmtiles.
    Relative paths start at the folder of app_config.json."""
    file: Annotated[str | None, Field(min_length=1, max_length=2_000)] = None
    """GeoJSON: the file with the footprints."""
    zoom: Annotated[int | None, Field(ge=10, le=18)] = None
    """The zoom of the tiles; the largest there is where none is named."""
    tile_schema: Literal["mapbox-streets", "openmaptiles", "protomaps", "openstreetmap"] | None = None
    """What the layers mean; found by their names where none is named."""
    tallest: Annotated[int | None, Field(ge=20, le=600)] = None
    """Metres up to which buildings are drawn. The more, the longer a frame takes: shadows come from afar."""
    attribution: Annotated[str | None, Field(max_length=500)] = None

    @model_validator(mode="after")
    def _fields_fit_the_source(self) -> Self:
        belong = {
            "san-francisco": (),
            "vector-tiles": ("tiles", "zoom", "tile_schema", "tallest", "attribution", "api_key"),
            "geojson": ("file", "tallest", "attribution"),
        }[self.source]
        for field in ("tiles", "file", "zoom", "tile_schema", "tallest", "attribution", "api_key"):
            if getattr(self, field) is not None and field not in belong:
                raise fault((field,), f'it has no meaning with "source": "{self.source}"; take it out')
        needed = {"vector-tiles": "tiles", "geojson": "file"}.get(self.source)
        if needed is not None and getattr(self, needed) is None:
            raise fault((needed,), f'it is missing, and "source": "{self.source}" needs it')
        if self.tiles is not None:
            self._check_tiles(self.tiles)
        return self

    def _check_tiles(self, tiles: str) -> None:
        missing = [name for name in ("{z}", "{x}", "{y}") if name not in tiles]
        if "://" in tiles and not self.on_server:
            raise fault(("tiles",), "a web address begins with https://")
        if missing and not self.is_file:
            files = ".pmtiles" if self.on_server else ".mbtiles or .pmtiles"
            raise fault(
                ("tiles",),
                f"{' and '.join(missing)} is missing in it; it is a folder or an address with {{z}}, "
                f"{{x}} and {{y}}, or a file {files}",
            )
        if not self.on_server:
            if self.api_key is not None:
                raise fault(("api_key",), "only an address on a server has a key")
            return
        try:
            url = urlsplit(tiles)
            host, _ = url.hostname or "", url.port
        except ValueError:
            host = ""
        if not host or "@" in url.netloc or "{" in url.netloc or " " in tiles:
            raise fault(("tiles",), "it is not a web address that tiles could lie at")
        if self.zoom is None and not self.is_file:
            raise fault(("zoom",), "it is missing; a server does not say how far its tiles go")
        if (self.api_key is None) != ("{key}" not in tiles):
            way = (
                "put {key} where it belongs in tiles"
                if self.api_key is not None
                else "name api_key for {key}"
            )
            raise fault(("api_key",), f"a key needs a place, and a place a key: {way}")
        self.check_key("TILES_KEY")
        if self.api_key is not None and url.scheme == "http" and not is_loopback(host):
            raise fault(("tiles",), "a key would travel in the open; use https")

    @property
    def tallest_metres(self) -> int:
        """The height up to which buildings are drawn; those of the sample are low."""
        return self.tallest or (64 if self.source == "san-francisco" else 200)

    @property
    def is_file(self) -> bool:
        """Whether the tiles lie in one file, here or on a server."""
        path = self.tiles or ""
        if self.on_server:
            return path.partition("?")[0].endswith(".pmtiles")
        return path.endswith((".mbtiles", ".pmtiles"))

    @property
    def on_server(self) -> bool:
        """Whether the tiles come from a server."""
        return self.tiles is not None and self.tiles.startswith(("http://", "https://"))


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
