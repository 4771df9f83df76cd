"""Oxen.ai: image edits over HTTP, with the template sent along as a data URI."""

from typing import Any

from services.generator.calls import encoded
from services.generator.calls.document import document, written
from services.generator.calls.endpoint import Endpoint
from services.generator.models.adapter import Adapter, Request, Shared
from services.generator.models.remote import Remote
from services.generator.pictures import apart
from services.model import Model

PATH = "/api/ai/images/edit"


class Oxen(Remote):
    """One model at Oxen, or at a server that speaks as Oxen does."""

    NAMES = {"steps": "num_inference_steps", "guidance": "guidance_scale"}

    async def _ask(self, request: Request, key: str) -> bytes:
        url, deadline = self._endpoint.at(PATH), request.deadline
        # A megabyte is drawn, packed and read in threads, so that many calls at once do not wait for it; and
        # it has no name here, under which it would be held until it is answered.
        answer = await self._endpoint.post(url, await self._drawn(request), deadline=deadline)
        return answer.content

    async def _drawn(self, request: Request) -> bytes:
        asked = await apart(self._body, request)
        request.say(f"waiting for {self._model.name}")
        return asked

    def _body(self, request: Request) -> bytes:
        asked: dict[str, Any] = {
            "model": self._model.asked_as,
            "prompt": request.prompt,
            "response_format": "b64_json",
            **self._pictures(request),
            **self._told_with_seed(request),
        }
        if request.negative_prompt:
            asked["negative_prompt"] = request.negative_prompt
        return written(asked)

    async def _picture(self, content: bytes, request: Request, key: str) -> bytes:
        found = await apart(self._found, content)
        if isinstance(found, str):
            return await self._fetched(found, request, key)
        return found

    def _found(self, content: bytes) -> bytes | str:
        """The picture in an answer, or its address; read and unpacked in one go, so that no text is left."""
        item = _first_image(document(content))
        text, address = item.get("b64_json"), item.get("url")
        if isinstance(text, str) and text:
            return encoded.unpacked(text, self._model.name)
        if isinstance(address, str) and address:
            return address
        raise self._endpoint.without_picture(content)


def adapter(model: Model, shared: Shared) -> Adapter:
    """One model at Oxen."""
    return Oxen(model, Endpoint(model, shared.web()))


def _first_image(answer: dict[str, Any]) -> dict[str, Any]:
    for field in ("images", "data"):
        found = answer.get(field)
        if isinstance(found, list) and found and isinstance(found[0], dict):
            return found[0]
    return {}
