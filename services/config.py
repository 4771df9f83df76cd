"""`app_config.json`: the models a user may pick, the scene, counts, ports."""

import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

DEFAULT_CONFIG = Path(__file__).resolve().parent.parent / "app_config.json"
DEFAULT_DATA = Path(__file__).resolve().parent.parent / "world"

_VARIABLE = re.compile(r"^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$")

Provider = Literal["pixel-art", "oxen"]


class Section(BaseModel):
    """A part of the configuration: unknown fields are errors here, unlike on the wire."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class Model(Section):
    """One image model. `api_key` is a literal or `"${VARIABLE}"`; it never leaves the generator."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    model_id: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/+\-]*$")]
    provider: Provider
    api_key: Annotated[str | None, Field(max_length=1_000, repr=False)] = None
    endpoint: Annotated[str, Field(max_length=500, pattern=r"^https?://[^\s@]+$")] | None = None
    prompt: Annotated[str, Field(max_length=8_000)] = ""
    negative_prompt: Annotated[str, Field(max_length=8_000)] = ""
    cell: Annotated[int, Field(ge=1, le=16)] = 2
    """Pixel art only: world pixels per art pixel; 1, 2, 4, 8 or 16."""
    steps: Annotated[int, Field(ge=1, le=1_000)] | None = None
    timeout_seconds: Annotated[float, Field(gt=0, le=3_600, allow_inf_nan=False)] = 300.0

    @property
    def needs_palette(self) -> bool:
        """Whether jobs of this model wait for the map's palette."""
        return self.provider == "pixel-art"

    def key(self) -> str | None:
        """The key itself, from the environment if a variable is named; None if there is none."""
        if self.api_key is None:
            return None
        variable = _VARIABLE.match(self.api_key)
        return (os.environ.get(variable[1]) or None) if variable else self.api_key

    def key_variable(self) -> str | None:
        """The environment variable that holds the key, if the configuration names one."""
        variable = _VARIABLE.match(self.api_key or "")
        return variable[1] if variable else None

    def why_unavailable(self) -> str:
        """A sentence, or nothing if the model can be called."""
        if self.provider == "oxen" and self.key() is None:
            variable = self.key_variable()
            return f"{variable} is not set." if variable else "It has no api_key."
        return ""


class Scene(Section):
    """What the renderer draws."""

    source: Literal["san-francisco"] = "san-francisco"


class Camera(Section):
    """Where world pixel (0, 0) lies, and how the scene is looked at. Angles in degrees."""

    latitude: Annotated[float, Field(ge=-85, le=85)] = 37.7664
    longitude: Annotated[float, Field(ge=-180, le=180)] = -122.4481
    azimuth: Annotated[float, Field(ge=-180, le=180)] = -15.0
    elevation: Annotated[float, Field(ge=-90, lt=0)] = -45.0
    metres_per_pixel: Annotated[float, Field(gt=0, le=1_000)] = 0.29296875


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
    browser: str | None = None
    """The Chromium to use; found by itself when not given."""

    @model_validator(mode="after")
    def _models_are_distinct(self) -> Self:
        seen: set[str] = set()
        for model in self.models:
            if model.model_id in seen:
                raise ValueError(f"two models have the model_id {model.model_id!r}")
            seen.add(model.model_id)
        if self.default_model_id is not None and self.default_model_id not in seen:
            raise ValueError(f"default_model_id {self.default_model_id!r} is none of the models")
        return self

    @property
    def default_model(self) -> str:
        """The model used where a request names none."""
        return self.default_model_id or self.models[0].model_id

    def model(self, model_id: str) -> Model | None:
        """The model of that id."""
        return next((model for model in self.models if model.model_id == model_id), None)


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
    try:
        return AppConfig.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist.") from None
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from None
