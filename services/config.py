"""`app_config.json`: the models a user may pick, the scene, counts, ports."""

import hashlib
import ipaddress
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from services.complaint import complaint
from services.positions import Broken, parse

DEFAULT_CONFIG = Path(__file__).resolve().parent.parent / "app_config.json"
DEFAULT_DATA = Path(__file__).resolve().parent.parent / "world"

LIMIT_BYTES = 1 << 20
GENERATOR_SLOTS = 16
"""Jobs that one generator has in hand at once: remote models only wait. Local ones are held to fewer."""
SHORTEST_KEY = 8
"""A shorter key is likely to stand in other texts by chance."""

_VARIABLE = re.compile(r"^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$")

Provider = Literal["pixel-art", "oxen"]


class Section(BaseModel):
    """A part of the configuration: unknown fields are errors here, unlike on the wire."""

    # The sections are made ready together with what they are part of.
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", defer_build=True)


class Model(Section):
    """One image model. `api_key` is a literal or `"${VARIABLE}"`; it never leaves the generator."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    model_id: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/+\-]*$")]
    provider: Provider
    api_key: Annotated[str | None, Field(max_length=1_000, repr=False)] = None
    api_key_env: Annotated[str, Field(max_length=200, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    """Another way to write `"api_key": "${VARIABLE}"`."""
    endpoint: Annotated[str, Field(max_length=500, pattern=r"^https?://[^\s@]+$")] | None = None
    prompt: Annotated[str, Field(max_length=8_000)] = ""
    negative_prompt: Annotated[str, Field(max_length=8_000)] = ""
    cell: Annotated[int, Field(ge=1, le=16)] = 2
    """Pixel art only: world pixels per art pixel; 1, 2, 4, 8 or 16."""
    steps: Annotated[int, Field(ge=1, le=1_000)] | None = None
    cost_per_image: Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)] | None = None
    """What one call costs, in whatever currency; shown before it is spent, never sent anywhere."""
    max_concurrency: Annotated[int, Field(ge=1, le=256)] | None = None
    """The most calls of this model at once; without it as many as the generators hold, or one of this
    machine's own models can use."""
    timeout_seconds: Annotated[float, Field(gt=0, le=3_600, allow_inf_nan=False)] = 300.0

    @model_validator(mode="after")
    def _key_is_safe(self) -> Self:
        if self.api_key is not None and self.api_key_env is not None:
            raise _fault(("api_key_env",), "api_key is given too; one of the two is enough")
        if self.api_key is not None and "${" in self.api_key and not _VARIABLE.match(self.api_key):
            raise _fault(("api_key",), 'it is neither a key nor one variable like "${OXEN_API_KEY}"')
        if self.cell not in (1, 2, 4, 8, 16):
            raise _fault(("cell",), "it must be 1, 2, 4, 8 or 16")
        if self.endpoint is not None:
            self._check_endpoint(self.endpoint)
        return self

    def _check_endpoint(self, endpoint: str) -> None:
        try:
            url = urlsplit(endpoint)
            host, _ = url.hostname or "", url.port
        except ValueError:
            raise _fault(("endpoint",), "it is not a web address") from None
        if url.query:
            raise _fault(("endpoint",), "it may not have a query, where keys are often put and then logged")
        with_key = self.api_key is not None or self.api_key_env is not None
        if with_key and url.scheme == "http" and not _is_loopback(host):
            raise _fault(("endpoint",), "a key would travel in the open; use https")

    @property
    def needs_palette(self) -> bool:
        """Whether jobs of this model wait for the map's palette."""
        return self.provider == "pixel-art"

    @property
    def at_once(self) -> int | None:
        """The most jobs of this model at once; None if only the generators limit them.

        A local model works with every processor while as many jobs more fetch their pixels and hand in.
        """
        local = 2 * (os.cpu_count() or 1) if self.provider == "pixel-art" else None
        return self.max_concurrency or local

    def key(self) -> str | None:
        """The key itself, from the environment if a variable is named; None if there is none."""
        variable = self.key_variable()
        return (os.environ.get(variable) or None) if variable else self.api_key

    def key_variable(self) -> str | None:
        """The environment variable that holds the key, if the configuration names one."""
        variable = _VARIABLE.match(self.api_key or "")
        return variable[1] if variable else self.api_key_env

    def why_unavailable(self) -> str:
        """A sentence, or nothing if the model can be called."""
        if self.provider == "oxen" and self.key() is None:
            variable = self.key_variable()
            return f"{variable} is not set." if variable else "It has no api_key."
        return ""


class Scene(Section):
    """What the renderer draws. `api_key` is a literal or `"${VARIABLE}"`; it never leaves the renderer."""

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
    api_key: Annotated[str | None, Field(max_length=1_000, repr=False)] = None
    """Put in place of {key} in the address of the tiles."""

    @model_validator(mode="after")
    def _fields_fit_the_source(self) -> Self:
        belong = {
            "san-francisco": (),
            "vector-tiles": ("tiles", "zoom", "tile_schema", "tallest", "attribution", "api_key"),
            "geojson": ("file", "tallest", "attribution"),
        }[self.source]
        for field in ("tiles", "file", "zoom", "tile_schema", "tallest", "attribution", "api_key"):
            if getattr(self, field) is not None and field not in belong:
                raise _fault((field,), f'it has no meaning with "source": "{self.source}"; take it out')
        needed = {"vector-tiles": "tiles", "geojson": "file"}.get(self.source)
        if needed is not None and getattr(self, needed) is None:
            raise _fault((needed,), f'it is missing, and "source": "{self.source}" needs it')
        if self.tiles is not None:
            self._check_tiles(self.tiles)
        return self

    def _check_tiles(self, tiles: str) -> None:
        missing = [name for name in ("{z}", "{x}", "{y}") if name not in tiles]
        if not tiles.endswith((".mbtiles", ".pmtiles")) or self.on_server:
            if "://" in tiles and not self.on_server:
                raise _fault(("tiles",), "a web address begins with https://")
            if missing:
                raise _fault(
                    ("tiles",),
                    f"{' and '.join(missing)} is missing in it; it is a folder or an address with {{z}}, "
                    "{x} and {y}, or a file .mbtiles or .pmtiles",
                )
        if not self.on_server:
            if self.api_key is not None:
                raise _fault(("api_key",), "only an address on a server has a key")
            return
        try:
            url = urlsplit(tiles)
            host, _ = url.hostname or "", url.port
        except ValueError:
            host = ""
        if not host or "@" in url.netloc or "{" in url.netloc or " " in tiles:
            raise _fault(("tiles",), "it is not a web address that tiles could lie at")
        if self.zoom is None:
            raise _fault(("zoom",), "it is missing; a server does not say how far its tiles go")
        if (self.api_key is None) != ("{key}" not in tiles):
            way = (
                "put {key} where it belongs in tiles"
                if self.api_key is not None
                else "name api_key for {key}"
            )
            raise _fault(("api_key",), f"a key needs a place, and a place a key: {way}")
        if self.api_key is not None and "${" in self.api_key and not _VARIABLE.match(self.api_key):
            raise _fault(("api_key",), 'it is neither a key nor one variable like "${TILES_KEY}"')
        if self.api_key is not None and url.scheme == "http" and not _is_loopback(host):
            raise _fault(("tiles",), "a key would travel in the open; use https")

    @property
    def tallest_metres(self) -> int:
        """The height up to which buildings are drawn; those of the sample are low."""
        return self.tallest or (64 if self.source == "san-francisco" else 200)

    @property
    def on_server(self) -> bool:
        """Whether the tiles come from a server."""
        return self.tiles is not None and self.tiles.startswith(("http://", "https://"))

    def key(self) -> str | None:
        """The key itself, from the environment if a variable is named; None if there is none."""
        variable = self.key_variable()
        return (os.environ.get(variable) or None) if variable else self.api_key

    def key_variable(self) -> str | None:
        """The environment variable that holds the key, if the configuration names one."""
        variable = _VARIABLE.match(self.api_key or "")
        return variable[1] if variable else None


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
            raise _fault(("latitude",), "it must be from -85 to 85, where Web Mercator ends")
        if not -90 <= self.elevation <= -15:
            raise _fault(
                ("elevation",),
                "it must be from -90, straight down, to -15; flatter, houses hide all that is behind them",
            )
        if not 0.05 <= self.metres_per_pixel <= 2:
            raise _fault(
                ("metres_per_pixel",),
                "it must be from 0.05, where a quadrant is 26 m wide, to 2, where it is 1 km wide; coarser, "
                "more stands in a frame than is drawn in time",
            )
        return self


class Http(Section):
    """Where the studio is served."""

    host: Annotated[str, Field(min_length=1, max_length=255)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8080


class Counts(Section):
    """How many processes of each kind run."""

    renderer: Annotated[int, Field(ge=0, le=64)] = 1
    generator: Annotated[int, Field(ge=0, le=64)] = 1


class Starter(Section):
    """The plan published on an empty world: quadrants around the scene's centre."""

    width: Annotated[int, Field(ge=0, le=100)] = 8
    height: Annotated[int, Field(ge=0, le=100)] = 6


class AppConfig(Section):
    """The whole of `app_config.json`."""

    models: Annotated[list[Model], Field(min_length=1, max_length=200)]
    default_model_id: str | None = None
    name: Annotated[str, Field(min_length=1, max_length=60)] = "San Francisco"
    scene: Scene = Scene()
    camera: Camera = Camera()
    http: Http = Http()
    services: Counts = Counts()
    starter_plan: Starter = Starter()
    lease_seconds: Annotated[float, Field(ge=0.1, le=3_600)] = 60.0
    max_attempts: Annotated[int, Field(ge=1, le=100)] = 5
    queue_limit: Annotated[int, Field(ge=1, le=100_000_000)] = 1_000_000
    """The most jobs that may be unfinished at once; a plan that would exceed it is to come back later."""
    browser: str | None = None
    """The Chromium to use; found by itself when not given."""

    _reasons: dict[str, str] | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _models_fit_together(self) -> Self:
        seen: dict[str, int] = {}
        for number, model in enumerate(self.models):
            if model.model_id in seen:
                first = seen[model.model_id]
                raise _fault(("models", number, "model_id"), f"models[{first}] has the same model_id")
            seen[model.model_id] = number
        if self.default_model_id is not None and self.default_model_id not in seen:
            raise _fault(
                ("default_model_id",), f"none of the models has this model_id; known are {', '.join(seen)}"
            )
        keys = {key for model in self.models if (key := model.key()) and len(key) >= SHORTEST_KEY}
        for number, model in enumerate(self.models):
            for field in ("name", "model_id", "endpoint", "prompt", "negative_prompt"):
                if any(key in (getattr(model, field) or "") for key in keys):
                    raise _fault(("models", number, field), "a key stands in it; keys belong in api_key")
        return self

    @property
    def default_model(self) -> str:
        """The model used where a request names none."""
        return self.default_model_id or self.models[0].model_id

    def concurrency(self, model: Model) -> int:
        """How many jobs of the model run at once: as many as the generators hold, or as it allows."""
        slots = max(1, self.services.generator * GENERATOR_SLOTS)
        return min(slots, model.at_once or slots)

    def model(self, model_id: str) -> Model | None:
        """The model of that id."""
        return next((model for model in self.models if model.model_id == model_id), None)

    def told(self, reasons: Mapping[str, str]) -> Self:
        """The same, for a process that has not been given the keys: why which models cannot be called."""
        copy = self.model_copy()
        copy._reasons = dict(reasons)
        return copy

    def why_unavailable(self, model: Model) -> str:
        """A sentence, or nothing if the model can be called."""
        return model.why_unavailable() if self._reasons is None else self._reasons.get(model.model_id, "")


class Sockets:
    """Where the sockets of one data folder lie: a private folder with a short path.

    An ipc path must stay under 108 bytes (sun_path, unix(7)), so it cannot lie in the data folder itself.
    """

    def __init__(self, data: Path) -> None:
        digest = hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:8]
        base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
        self.folder = Path(base) / f"tilewright-{os.getuid()}-{digest}"

    def prepare(self) -> None:
        """Make the folder, for its owner alone; refuse one that somebody else could have laid there."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        found = self.folder.lstat()
        if self.folder.is_symlink() or found.st_uid != os.getuid():
            raise PermissionError(f"{self.folder} belongs to somebody else")
        self.folder.chmod(0o700)

    def address(self, name: Literal["ingest", "work", "control", "life"]) -> str:
        """The ZeroMQ address of one socket."""
        return f"ipc://{self.folder / name}"


class ConfigError(Exception):
    """Raised when app_config.json cannot be used; says field, line and a hint, never a value of a key."""


def load(path: Path) -> AppConfig:
    """The configuration in the file; raises ConfigError with a sentence a person can act on."""
    content = _read(path)
    try:
        document = parse(content)
    except Broken as error:
        raise ConfigError(f"{path}:{error.line}:{error.column}: {error}") from None
    if not isinstance(document.value, dict):
        raise ConfigError(f"{path}:1:1: The configuration is one JSON object: {{ … }}.")
    try:
        return AppConfig.model_validate(document.value)
    except ValidationError as error:
        raise ConfigError(complaint(path, document, error, AppConfig)) from None


def open_to_others(path: Path, settings: AppConfig) -> bool:
    """Whether a key stands in a file that other users of this machine may read."""
    holders: list[Model | Scene] = [*settings.models, settings.scene]
    literal = any(holder.api_key is not None and holder.key_variable() is None for holder in holders)
    return literal and bool(path.stat().st_mode & 0o077)


def _read(path: Path) -> bytes:
    try:
        # A pipe or a device would be waited for without end.
        if path.exists() and not path.is_file():
            raise ConfigError(f"{path} is not a file; name one with --config FILE.")
        with path.open("rb") as file:
            content = file.read(LIMIT_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist; name another file with --config FILE.") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from None
    if len(content) > LIMIT_BYTES:
        raise ConfigError(f"{path} is larger than 1 MiB, so it is no configuration.")
    return content


def _fault(place: tuple[int | str, ...], what: str) -> PydanticCustomError:
    """An error in a field below the part that is being validated."""
    return PydanticCustomError("fault", "{what}", {"what": what, "place": place})


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
