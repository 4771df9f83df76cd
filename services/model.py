"""One image model of the configuration: what it is, how it is asked, and whether it can be called."""

import difflib
import os
import re
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, JsonValue, ValidationInfo, field_validator, model_validator

from protocol.message import RENDERED, Layer
from services import graph
from services.provider import PROVIDERS, Provider
from services.scene import PASSES
from services.section import Keyed, Section, fault, is_loopback

FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
HOST = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9.\-]{0,250}[a-z0-9])?(:[0-9]{1,5})?")
FOLDER = "folder"
"""Where relative paths start, in the context of a validation."""
FieldName = Annotated[str, Field(pattern=rf"^{FIELD.pattern}$")]
"""A field of a call to a provider."""
NodeName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_:\-]{1,100}(\.[A-Za-z0-9_ ]{1,100})?$")]
LARGEST_SEED = 2**53 - 1
"""JSON's numbers are exact up to here for every provider."""
REMOTE_AT_ONCE = 16
"""Calls of a remote model at once where the configuration does not say; providers allow newcomers few."""


class Preprocess(Section):
    """What is done to the renders in a template; finished quadrants are shown as they are."""

    desaturation: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.0
    """How much of the colour is taken away; 1 leaves greys."""
    gamma: Annotated[float, Field(ge=0.1, le=10, allow_inf_nan=False)] = 1.0
    """Below 1 dark parts get brighter, above 1 darker."""
    noise: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.0
    """The standard deviation of noise in brightness, as a part of the whole range."""


class Model(Keyed):
    """One image model. `api_key` is a literal or `"${VARIABLE}"`; it never leaves the generator."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    model_id: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/+\-]*$")]
    provider: Annotated[str, Field(json_schema_extra={"enum": list(PROVIDERS)})]
    """One of PROVIDERS."""
    provider_model: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """What the provider calls the model, where that is not its model_id."""
    api_key_env: Annotated[str, Field(max_length=200, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    """Another way to write `"api_key": "${VARIABLE}"`."""
    endpoint: Annotated[str, Field(max_length=500, pattern=r"^https?://[^\s@]+$")] | None = None
    prompt: Annotated[str, Field(max_length=8_000)] = ""
    negative_prompt: Annotated[str, Field(max_length=8_000)] = ""
    cell: Annotated[int, Field(ge=1, le=16)] = 2
    """Pixel art only: world pixels per art pixel; 1, 2, 4, 8 or 16."""
    parameters: Annotated[dict[str, JsonValue], Field(max_length=100)] = {}
    """What the model is told besides pictures and prompts. `steps`, `guidance` and `seed` mean the same for
    all; the adapter knows what its provider calls them. Any other goes along under its own name."""
    image_field: Annotated[str, Field(pattern=rf"^{FIELD.pattern}(\[\])?$")] | None = None
    """The field of the call that carries the template, where it is not the provider's usual one; with `[]`
    behind it where the model wants a list of pictures."""
    conditioning: dict[str, FieldName] = {}
    """Remote models only: in which field of the call a pass is sent along as a picture."""
    mask_field: Annotated[str, Field(pattern=rf"^({FIELD.pattern})?$")] | None = None
    """The field of the call that carries a mask of what is to be painted, where it is not the provider's
    usual one; an empty one sends none."""
    encoding: Literal["json", "multipart"] = "json"
    """Provider `url` only: whether its server is sent JSON or a form."""
    graph: Annotated[str, Field(min_length=1, max_length=2_000)] | None = None
    """Provider `comfyui` only: the file of its graph, saved with "Export (API)"; a relative path starts at
    the folder of the configuration."""
    nodes: Annotated[dict[FieldName, NodeName], Field(max_length=100)] = {}
    """Provider `comfyui` only: which node of the graph, or `node.input`, is told what: `image`, `prompt`,
    `mask`, `negative_prompt`, any parameter and any field of `conditioning`; `output` has the picture."""
    result_hosts: Annotated[list[str], Field(max_length=20)] = []
    """Hosts that its pictures may lie on besides the provider's own: `host`, `host:port` or `*.domain`."""
    preprocess: Preprocess | None = None
    resize: bool = False
    """Whether a picture of another size is brought to 1024×1024; if not, it is refused."""
    drift_limit: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.4
    """The share of what surrounds the infill that may come back as something else; with 1 nobody looks, and
    a picture that was moved is not put back either. Docs/models.md says how 0.4 was found."""
    seam_limit: Annotated[float, Field(gt=0, le=1_000, allow_inf_nan=False)] = 1.5
    """The seam score above which a tile is flagged; 1 is as strong as the strongest lines of the picture."""
    seam_retries: Annotated[int, Field(ge=0, le=5)] = 0
    """How many more calls with other seeds are made, and paid for, to get below it; the best one is taken."""
    output_layer: Layer = "generation"
    """The layer that it draws: `generation` is the map, any other name another map of the same ground."""
    input_layer: Layer = "render"
    """What it is shown to turn into that: the render, or a layer that models draw."""
    cost_per_image: Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)] | None = None
    """What one call costs, in whatever currency; shown before it is spent, never sent anywhere."""
    daily_budget: Annotated[float, Field(gt=0, le=1_000_000_000, allow_inf_nan=False)] | None = None
    """What its calls may cost in a day (UTC), in the same currency; what would exceed that is not called."""
    max_concurrency: Annotated[int, Field(ge=1, le=256)] | None = None
    """The most calls of this model at once; without it 16, or what one of this machine's own models can
    use."""
    requests_per_minute: Annotated[int, Field(ge=1, le=60_000)] | None = None
    """The most calls of this model that all generators together begin in a minute, one after the other."""
    timeout_seconds: Annotated[float, Field(gt=0, le=3_600, allow_inf_nan=False)] = 300.0

    @field_validator("graph")
    @classmethod
    def _beside_the_configuration(cls, graph: str | None, info: ValidationInfo) -> str | None:
        folder = (info.context or {}).get(FOLDER)
        return graph if graph is None or folder is None else str(Path(folder) / graph)

    @model_validator(mode="after")
    def _fits_its_provider(self) -> Self:
        if self.provider not in PROVIDERS:
            near = difflib.get_close_matches(self.provider, PROVIDERS, n=1, cutoff=0.6)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(PROVIDERS)}"
            raise fault(("provider",), f"this provider is not known; {hint}")
        if self.api_key is not None and self.api_key_env is not None:
            raise fault(("api_key_env",), "api_key is given too; one of the two is enough")
        self.check_key(self.made_by.key or "MODEL_API_KEY")
        if self.cell not in (1, 2, 4, 8, 16):
            raise fault(("cell",), "it must be 1, 2, 4, 8 or 16")
        if self.endpoint is not None:
            self._check_endpoint(self.endpoint)
        elif self.made_by.endpoint is None and not self.made_by.local:
            raise fault(("endpoint",), f"it is missing, and {self.provider} needs it")
        for number, host in enumerate(self.result_hosts):
            if not HOST.fullmatch(host):
                raise fault(("result_hosts", number), "it must be a host in small letters, like example.org")
        if self.made_by.form is not None and not re.fullmatch(self.made_by.form[0], self.asked_as):
            raise fault(("provider_model",), f"{self.provider} names its models {self.made_by.form[1]}")
        self._check_pictures()
        self._check_graph()
        self._check_parameters()
        self._check_conditioning()
        if self.made_by.local and self.preprocess is not None:
            raise fault(("preprocess",), "the offline model reads the renders as they are; take it out")
        self._check_layers()
        return self

    @property
    def made_by(self) -> Provider:
        """What is known of its provider."""
        return PROVIDERS[self.provider]

    @property
    def seconds_apart(self) -> float:
        """How long after one of its calls the next may begin; 0 where there is no bound."""
        return 60.0 / self.requests_per_minute if self.requests_per_minute else 0.0

    @property
    def template_field(self) -> str:
        """The field of the template; a pass that names it goes along as one more picture there."""
        usual = self.made_by.form_image if self.encoding == "multipart" else self.made_by.image
        return (self.image_field or usual).removesuffix("[]")

    @property
    def mask_goes(self) -> str:
        """The field of the mask, empty if none is sent."""
        return self.made_by.mask if self.mask_field is None else self.mask_field

    @property
    def template_is_listed(self) -> bool:
        """Whether the template goes along as a list, even alone."""
        return (self.image_field or "").endswith("[]")

    @property
    def seed(self) -> int | None:
        """What chance begins from, if the configuration says so."""
        seed = self.parameters.get("seed")
        return seed if isinstance(seed, int) else None

    @property
    def asked_as(self) -> str:
        """What the provider calls it."""
        return self.provider_model or self.model_id

    def _check_pictures(self) -> None:
        if self.encoding == "multipart" and self.provider != "url":
            raise fault(("encoding",), f"{self.provider} has one way to be asked; take it out")
        if self.mask_field is None:
            return
        if self.made_by.local:
            raise fault(("mask_field",), "the offline model needs no mask; take it out")
        if self.mask_field in (*self.made_by.taken, self.template_field):
            raise fault(("mask_field",), "it is taken; name the field that the model has for a mask")

    def _check_graph(self) -> None:
        if self.provider != "comfyui":
            for field in ("graph", "nodes"):
                if getattr(self, field):
                    raise fault((field,), f"{self.provider} has no graph; take it out")
            return
        if self.graph is None:
            raise fault(("graph",), 'it is missing; name the file that ComfyUI saved with "Export (API)"')
        for field in ("mask_field", "image_field"):
            if getattr(self, field) is not None:
                raise fault((field,), "nodes says which node gets it; take it out")
        told = {name: ("parameters", name) for name in self.parameters}
        shown = {field: ("conditioning", name) for name, field in self.conditioning.items()}
        needed = {"image": ("nodes",), "prompt": ("nodes",), **told, **shown}
        for name, place in needed.items():
            if name not in self.nodes:
                raise fault(place, f"nodes must say which node of the graph gets {name}")

    def _check_parameters(self) -> None:
        taken = {*self.made_by.taken, self.template_field, self.mask_goes}
        for name, value in self.parameters.items():
            place = ("parameters", name)
            if not FIELD.fullmatch(name):
                raise fault(place, "such a name has no provider; letters, digits and _ are allowed")
            if name in taken:
                raise fault(place, "it stands in every call already; take it out")
            if name in self.made_by.lacks:
                raise fault(place, f"models of {self.provider} know no such number; take it out")
            number = value if isinstance(value, int | float) and not isinstance(value, bool) else -1
            whole = number if isinstance(number, int) else -1
            if name == "steps" and not 1 <= whole <= 1_000:
                raise fault(place, "it must be a whole number from 1 to 1000")
            if name == "seed" and not 0 <= whole <= LARGEST_SEED:
                raise fault(place, f"it must be a whole number from 0 to {LARGEST_SEED}")
            if name == "guidance" and not 0 <= number <= 1_000:
                raise fault(place, "it must be a number from 0 to 1000")

    def _check_conditioning(self) -> None:
        if self.conditioning and self.made_by.local:
            raise fault(("conditioning",), "the offline model reads all passes itself; take it out")
        holders: dict[str, str] = {}
        for name, field in self.conditioning.items():
            place = ("conditioning", name)
            if name not in PASSES:
                raise fault(place, f"it is no pass; passes are {', '.join(PASSES)}")
            if field in (*self.made_by.taken, self.mask_goes) or field in self.parameters:
                raise fault(place, f"{field} is taken; name the field that the model has for such a picture")
            if field in holders and field != self.template_field:
                raise fault(
                    place, f"{holders[field]} is sent in {field} already; one field takes one picture"
                )
            holders[field] = name

    def _check_layers(self) -> None:
        if self.output_layer in (*RENDERED, *PASSES):
            raise fault(
                ("output_layer",), f"{self.output_layer} is what the renderer draws; choose another name"
            )
        if self.input_layer in (*RENDERED, *PASSES) and not self.reads_renders:
            raise fault(
                ("input_layer",),
                "it must be render or a layer that models draw; for passes there is conditioning",
            )
        if self.input_layer == self.output_layer:
            raise fault(
                ("input_layer",), "it is the layer that the model draws; it cannot be drawn from itself"
            )
        if self.made_by.local and not self.reads_renders:
            raise fault(("input_layer",), "the offline model reads the renders themselves; take it out")

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
    def wants_key(self) -> bool:
        """Whether it cannot be called without a key: servers of one's own, at another address, often can."""
        return self.made_by.key is not None and self.endpoint is None

    @property
    def reads_renders(self) -> bool:
        """Whether it draws from the render and not from what another model drew."""
        return self.input_layer == "render"

    @property
    def needs_palette(self) -> bool:
        """Whether jobs of this model wait for the map's palette."""
        return self.made_by.local

    @property
    def at_once(self) -> int:
        """The most jobs of this model at once.

        A local model works with every processor while as many jobs more fetch their pixels and hand in.
        """
        usual = 2 * (os.cpu_count() or 1) if self.made_by.local else REMOTE_AT_ONCE
        return self.max_concurrency or usual

    def key_variable(self) -> str | None:
        """The environment variable that holds the key, if the configuration names one."""
        return super().key_variable() or self.api_key_env

    def why_keyless(self) -> str:
        """A sentence if the key that it needs is missing, or nothing."""
        variable = self.key_variable()
        if variable and self.key() is None:
            return f"{variable} is not set."
        if self.wants_key and self.key() is None:
            return "It has no api_key."
        return ""

    def why_unavailable(self) -> str:
        """A sentence, or nothing if the model can be called."""
        if reason := self.why_keyless():
            return reason
        if self.graph is not None:
            try:
                graph.read(Path(self.graph), self.nodes)
            except graph.BadGraph as error:
                return str(error)
        return ""
