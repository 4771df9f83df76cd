"""Oxen.ai by its queue: for models that take longer than a connection should be held."""

from typing import Any

from services.generator.calls.document import written
from services.generator.calls.endpoint import Endpoint
from services.generator.models.adapter import Adapter, Request, Shared
from services.generator.models.queued import Over, Queued
from services.generator.models.remote import read
from services.model import Model

PATH = "/api/ai/queue"


class OxenQueue(Queued):
    """One model at Oxen, asked for one generation at a time."""

    NAMES = {"steps": "num_inference_steps", "guidance": "guidance_scale"}

    def _body(self, request: Request) -> bytes:
        asked: dict[str, Any] = {
            "model": self._model.asked_as,
            "prompt": request.prompt,
            **self._pictures(request),
            **self._told_with_seed(request),
        }
        if request.negative_prompt:
            asked["negative_prompt"] = request.negative_prompt
        return written(asked)

    async def _begin(self, asked: bytes, deadline: float) -> str:
        answer = await self._endpoint.begin(self._endpoint.at(PATH), asked, deadline=deadline)
        generations = (await read(answer.content)).get("generations")
        first = generations[0] if isinstance(generations, list) and generations else None
        return str(first.get("generation_id") or "") if isinstance(first, dict) else ""

    async def _look(self, handle: str, deadline: float) -> bytes | None:
        url = self._endpoint.at(f"{PATH}/{handle}")
        content = self._known(await self._endpoint.ask("GET", url, deadline=deadline)).content
        found = await read(content)
        status = self._status(found)
        if status in ("failed", "cancelled"):
            raise Over(self._endpoint.failed(str(found.get("error_message") or "")))
        return content if status == "succeeded" else None

    async def _picture(self, content: bytes, request: Request, key: str) -> bytes:
        address = (await read(content)).get("result_url")
        if isinstance(address, str) and address:
            return await self._fetched(address, request, key)
        raise self._endpoint.without_picture(content)


def adapter(model: Model, shared: Shared) -> Adapter:
    """One model at Oxen."""
    return OxenQueue(model, Endpoint(model, shared.web()))
