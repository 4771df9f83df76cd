"""What the adapters of all remote providers have in common: parameters, passes, and answers kept."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

from services.generator.calls import encoded
from services.generator.calls.document import Base64, document
from services.generator.calls.encoded import data_uri
from services.generator.calls.endpoint import Endpoint
from services.generator.calls.listed import is_address, picture_in
from services.generator.compose import Template
from services.generator.mask import white
from services.generator.models.adapter import Adapter, Picture, Request
from services.generator.pictures import apart
from services.model import Model
from services.scene import PASSES, Pass

T = TypeVar("T")


class Remote(Adapter):
    """One model of one provider. A provider's own adapter says how to ask, and where the picture is."""

    NAMES: ClassVar[Mapping[str, str]] = {}
    """What the provider calls `steps`, `guidance` and `seed`, where it is not that."""

    def __init__(self, model: Model, endpoint: Endpoint) -> None:
        self._model = model
        self._endpoint = endpoint
        self._told = {
            self.NAMES.get(name, name): value for name, value in model.parameters.items() if name != "seed"
        }

    @property
    def takes(self) -> tuple[Pass, ...]:
        """Those that the configuration names a field for."""
        return tuple(name for name in PASSES if name in self._model.conditioning)

    @property
    def source(self) -> str:
        """The provider and its name for the model."""
        return f"{self._model.provider} {self._model.asked_as}"

    @property
    def parameters(self) -> Mapping[str, object]:
        """The provider's name for the model, its parameters, and which picture goes where; no seed."""
        shown = {"conditioning": self._model.conditioning} if self._model.conditioning else {}
        masked = {"mask": self._model.mask_goes} if self._model.mask_goes else {}
        return {"model": self._model.asked_as, **self._told, **masked, **shown}

    async def edit(self, request: Request) -> Picture:
        """Ask once; every way in which it can go wrong has its class and its sentence."""
        key = request.key({**self.parameters, "endpoint": str(self._endpoint.base)})
        # Megabytes are held by nobody longer than needed: there are many calls at once.
        return await self._picture(await request.once(key, lambda: self._ask(request, key)), request, key)

    @abstractmethod
    async def _ask(self, request: Request, key: str) -> bytes:
        """The provider's whole answer, paid for when it is here; raises TryFailed for one that is none."""

    @abstractmethod
    async def _picture(self, content: bytes, request: Request, key: str) -> bytes:
        """The picture in that answer, or the one that it points at."""

    async def _prepared(self, draw: Callable[[Request], T], request: Request) -> T:
        """What is sent, drawn and packed in a thread; under a name it would be held until it is answered."""
        asked = await apart(draw, request)
        request.say(f"waiting for {self._model.name}")
        return asked

    async def _fetched(self, address: str, request: Request, key: str) -> bytes:
        """The picture at an address, kept as well: providers soon take it away."""
        request.say("fetching the picture")
        return await request.once(
            f"{key}-picture",
            lambda: self._endpoint.picture(address, deadline=request.deadline),
            paid=False,
        )

    def _told_with_seed(self, request: Request) -> dict[str, Any]:
        """Under the provider's names, the parameters and this call's seed."""
        seed = {} if request.seed is None else {self.NAMES.get("seed", "seed"): request.seed}
        return {**self._told, **seed}

    def _pictures(self, request: Request) -> dict[str, Any]:
        """All pictures as data URIs by field; a list where several share one. For a thread."""
        held = {field: [data_uri(file) for file in files] for field, files in self._files(request).items()}
        return {field: self._listed(field, uris) for field, uris in held.items()}

    def _encoded(self, request: Request) -> dict[str, Any]:
        """The same in base64 alone."""
        held = {
            field: [encoded.encoded(file) for file in files] for field, files in self._files(request).items()
        }
        return {field: self._listed(field, texts) for field, texts in held.items()}

    def _listed(self, field: str, texts: list[Base64]) -> list[Base64] | Base64:
        """Several texts, or one: alone unless the model wants a list."""
        alone = len(texts) == 1 and not (
            field == self._model.template_field and self._model.template_is_listed
        )
        return texts[0] if alone else texts

    def _files(self, request: Request) -> dict[str, list[bytes]]:
        """The template, the passes and the mask, if one is wanted, as PNG files by field. For a thread."""
        template = request.template
        files = {self._model.template_field: [template.png()]}
        for name in self.takes:
            assert template.conditioning is not None
            picture = template.conditioning.png(name)
            files.setdefault(self._model.conditioning[name], []).append(picture)
        if self._model.mask_goes:
            files[self._model.mask_goes] = [self._mask(template)]
        return files

    def _mask(self, template: Template) -> bytes:
        """The mask as this provider reads it."""
        return white(template)

    def _whole_prompt(self, request: Request) -> str:
        """The prompt, and what is not wanted, for those that have no field for it."""
        if not request.negative_prompt:
            return request.prompt
        return f"{request.prompt}\n\nAvoid: {request.negative_prompt}".strip()

    async def _shown(self, content: bytes, request: Request, key: str) -> bytes:
        """The picture that an answer is, or that it holds or points at where most do."""
        if content[:1] not in (b"{", b"["):
            # The picture itself, or what inspection has words for.
            return content
        if text := picture_in(await read(content)):
            return await self._given(text, request, key)
        raise self._endpoint.without_picture(content)

    async def _given(self, held: str, request: Request, key: str) -> bytes:
        """The picture that an answer holds in base64, in a data URI, or at an address."""
        if is_address(held):
            return await self._fetched(held, request, key)
        return await encoded.picture(held, self._model.name)


async def read(content: bytes) -> dict[str, Any]:
    """The JSON object in an answer, empty if there is none; megabytes are read in a thread."""
    return await apart(document, content) if len(content) > 1 << 16 else document(content)
