"""`app_config.json`: the models a user may pick, the scene, counts, ports."""

import difflib
import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, PrivateAttr, ValidationError, model_validator

from services.complaint import complaint
from services.model import FOLDER, Model
from services.positions import Broken, parse
from services.scene import PASSES, Camera, Pass, Scene
from services.section import Keyed, Section, fault

DEFAULT_CONFIG = Path(__file__).resolve().parent.parent / "app_config.json"
DEFAULT_DATA = Path(__file__).resolve().parent.parent / "world"

LIMIT_BYTES = 1 << 20
GENERATOR_SLOTS = 72
"""Jobs that one generator has in hand at once: remote models only wait. Local ones are held to fewer."""
SHORTEST_KEY = 8
"""A shorter key is likely to stand in other texts by chance."""


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

    model_config = ConfigDict(serialize_by_alias=True)

    schema_file: str | None = Field(default=None, alias="$schema", max_length=500)
    """Where the editor finds the schema of this file."""
    models: Annotated[list[Model], Field(min_length=1, max_length=200)]
    default_model_id: str | None = None
    name: Annotated[str, Field(min_length=1, max_length=60)] = "San Francisco"
    scene: Scene = Scene()
    camera: Camera = Camera()
    passes: Annotated[list[Pass], Field(max_length=len(PASSES))] = []
    """What is offered beside the colours: as layers of the map, and to models that name a field for it."""
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
        for number, name in enumerate(self.passes):
            if name in self.passes[:number]:
                raise fault(("passes", number), f"{name} is named twice")
        for number, model in enumerate(self.models):
            for shown in model.conditioning:
                if shown not in self.passes:
                    place = ("models", number, "conditioning", shown)
                    raise fault(place, f'passes does not offer it; add "{shown}" to passes')
        for number, model in enumerate(self.models):
            if model.daily_budget is not None:
                self._check_budget(number, self.price(model), model.daily_budget)
        self._check_layers()
        keys = {key for model in self.models if (key := model.key()) and len(key) >= SHORTEST_KEY}
        for number, model in enumerate(self.models):
            for field in ("name", "model_id", "endpoint", "prompt", "negative_prompt"):
                if any(key in (getattr(model, field) or "") for key in keys):
                    raise fault(("models", number, field), "a key stands in it; keys belong in api_key")
        return self

    def _check_budget(self, number: int, price: float | None, budget: float) -> None:
        place = ("models", number, "daily_budget")
        if price is None:
            raise fault(place, "it cannot be kept, since no model states a cost_per_image; add that")
        if price > budget:
            raise fault(place, f"one call may cost {price:g}, so none could be made; raise it")

    def _check_layers(self) -> None:
        """Raise a fault for a layer that is read and that nobody draws."""
        drawn = self.layers
        for number, model in enumerate(self.models):
            if not model.reads_renders and model.input_layer not in drawn:
                near = difflib.get_close_matches(model.input_layer, drawn, n=1, cutoff=0.6)
                hint = f"did you mean {near[0]!r}?" if near else f"drawn are {', '.join(drawn)}"
                raise fault(("models", number, "input_layer"), f"no model draws this layer; {hint}")

    @property
    def layers(self) -> list[str]:
        """The layers that models draw, the map itself first."""
        return list(dict.fromkeys(["generation", *(model.output_layer for model in self.models)]))

    @property
    def default_model(self) -> str:
        """The model used where a request names none."""
        return self.default_model_id or self.models[0].model_id

    def price(self, model: Model) -> float | None:
        """What a call may cost: as the model states, else as the dearest that does; None if none does."""
        if model.cost_per_image is not None or model.made_by.local:
            return model.cost_per_image or 0.0
        stated = [other.cost_per_image for other in self.models if other.cost_per_image is not None]
        return max(stated, default=None)

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
        return AppConfig.model_validate(document.value, context={FOLDER: path.absolute().parent})
    except ValidationError as error:
        raise ConfigError(complaint(path, document, error, AppConfig)) from None


def open_to_others(path: Path, settings: AppConfig) -> bool:
    """Whether a key stands in a file that other users of this machine may read."""
    holders: list[Keyed] = [*settings.models, *settings.scene.keyed]
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
