"""Hugging Face inference: a picture and parameters in JSON, and the file of a picture in return."""

from typing import Any

from yarl import URL

from services.generator.calls.address import quoted
from services.generator.calls.document import written
from services.generator.calls.endpoint import Endpoint
from services.generator.models.adapter import Adapter, Request, Shared
from services.generator.models.remote import Remote
from services.model import Model

OWN_ENDPOINT = ".endpoints.huggingface.cloud"
"""Where an endpoint of one's own lies: such an address is the model's."""


class HuggingFace(Remote):
    """One model of the inference service, or an endpoint of one's own."""

    NAMES = {"steps": "num_inference_steps", "guidance": "guidance_scale"}

    async def _ask(self, request: Request, key: str) -> bytes:
        answer = await self._endpoint.post(
            self._address(),
            await self._prepared(self._body, request),
            deadline=request.deadline,
            headers={"Accept": "image/png"},
        )
        return answer.content

    def _address(self) -> URL:
        base = self._endpoint.base
        if (base.host or "").endswith(OWN_ENDPOINT) or "/models/" in base.path:
            return base
        return self._endpoint.at(f"/models/{quoted(self._model.asked_as)}")

    def _body(self, request: Request) -> bytes:
        told: dict[str, Any] = {"prompt": request.prompt, **self._told_with_seed(request)}
        if request.negative_prompt:
            told["negative_prompt"] = request.negative_prompt
        pictures = self._encoded(request)
        inputs = pictures.pop(self._model.template_field)
        return written({self._model.template_field: inputs, "parameters": {**told, **pictures}})

    async def _picture(self, content: bytes, request: Request, key: str) -> bytes:
        return await self._shown(content, request, key)


def adapter(model: Model, shared: Shared) -> Adapter:
    """One model at Hugging Face."""
    return HuggingFace(model, Endpoint(model, shared.web()))
