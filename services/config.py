"""`app_config.json`: the models a user may pick, the scene, counts, ports."""

import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, PrivateAttr, ValidationError, model_validator

from services.complaint import complaint
from services.positions import Broken, parse
from services.scene import Camera, Scene
from services.section import Keyed, Section, fault, is_loopback

DEFAULT_CONFIG = Path(__file__).resolve().parent.parent / "app_config.json"
DEFAULT_DATA = Path(__file__).resolve().parent.parent / "world"

LIMIT_BYTES = 1 << 20
GENERATOR_SLOTS = 16
"""Jobs that one generator has in hand at once: remote models only wait. Local ones are held to fewer."""
SHORTEST_KEY = 8
"""A shorter key is likely to stand in other texts by chance."""

Provider = Literal["pixel-art", "oxen"]


class Model(Keyed):
    """One image model. `api_key` is a literal or `"${VARIABLE}"`; it never leaves the generator."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    model_id: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/+\-]*$")]
    provider: Provider
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
            raise fault(("api_key_env",), "api_key is given too; one of the two is enough")
        self.check_key("OXEN_API_KEY")
        if self.cell not in (1, 2, 4, 8, 16):
            raise fault(("cell",), "it must be 1, 2, 4, 8 or 16")
        if self.endpoint is not None:
            self._check_endpoint(self.endpoint)
        return self

    def _check_endpoint(self, endpoint: str) -> None:
        try:
            url = urlsplit(endpoint)
            host, _ = url.hostname or "", url.port
        except ValueError:
            raise fault(("endpoint",), "it is not a web address") from None
        if url.query:
            raise fault(("endpoint",), "it may not have a query, where keys are often put and then logged")
        with_key = self.api_key is not None or self.api_key_env is not None
        if with_key and url.scheme == "http" and not is_loopback(host):
            raise fault(("endpoint",), "a key would travel in the open; use https")

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

    def key_variable(self) -> str | None:
        """The environment variable that holds the key, if the configuration names one."""
        return super().key_variable() or self.api_key_env

    def why_unavailable(self) -> str:
        """A sentence, or nothing if the model can be called."""
        if self.provider == "oxen" and self.key() is None:
            variable = self.key_variable()
            return f"{variable} is not set." if variable else "It has no api_key."
        return ""


class Http(Section):
    """Where the studio is served."""

    host: Annotated[str, Field(min_length=1, max_length=255)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8080


class Counts(Section):
    """How many processes of each kind run."""

    renderer: Annotated[int, Field(ge=0, le=64)] = 1
    generator: Annotated[int, Field(ge=0, le=64)] = 1


class Recycle(Section):
    """After how many frames, or with how much memory in its browser, the renderer opens a new page.

    Of the sample city a browser that draws in software keeps about 1,000 MB, reached after some 50 frames.
    """

    frames: Annotated[int, Field(ge=10, le=10_000_000)] = 2_000
    megabytes: Annotated[int, Field(ge=100, le=1_000_000)] = 1_400


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
    recycle: Recycle = Recycle()

    _reasons: dict[str, str] | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _models_fit_together(self) -> Self:
        seen: dict[str, int] = {}
        for number, model in enumerate(self.models):
            if model.model_id in seen:
                first = seen[model.model_id]
                raise fault(("models", number, "model_id"), f"models[{first}] has the same model_id")
            seen[model.model_id] = number
        if self.default_model_id is not None and self.default_model_id not in seen:
            raise fault(
                ("default_model_id",), f"none of the models has this model_id; known are {', '.join(seen)}"
            )
        keys = {key for model in self.models if (key := model.key()) and len(key) >= SHORTEST_KEY}
        for number, model in enumerate(self.models):
            for field in ("name", "model_id", "endpoint", "prompt", "negative_prompt"):
                if any(key in (getattr(model, field) or "") for key in keys):
                    raise fault(("models", number, field), "a key stands in it; keys belong in api_key")
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
    holders: list[Keyed] = [*settings.models, settings.scene]
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
