"""fal: its queue, where a call that has failed is completed like any other."""

from typing import Any

from services.generator.calls.document import written
from services.generator.calls.endpoint import Answer, Endpoint
from services.generator.models.adapter import Adapter, Request, Shared
from services.generator.models.queued import Over, Queued
from services.generator.models.remote import read
from services.model import Model

PASSING = (408, 425, 429, 502, 503, 504)
"""What fal itself answers when it cannot answer now; every other status is the model's own."""
SPACES = ("workflows", "comfy")
"""Names that stand before the owner's."""


class Fal(Queued):
    """One model at fal; its fields stand at the top of the request."""

    NAMES = {"steps": "num_inference_steps", "guidance": "guidance_scale"}

    def _body(self, request: Request) -> bytes:
        asked: dict[str, Any] = {
            "prompt": request.prompt,
            **self._pictures(request),
            **self._told_with_seed(request),
        }
        if request.negative_prompt:
            asked["negative_prompt"] = request.negative_prompt
        return written(asked)

    async def _begin(self, asked: bytes, deadline: float) -> str:
        url = self._endpoint.at(f"/{self._model.asked_as}")
        answer = await self._endpoint.begin(url, asked, deadline=deadline)
        return str((await read(answer.content)).get("request_id") or "")

    async def _look(self, handle: str, deadline: float) -> bytes | None:
        # Its addresses name the application alone, not what of it is called. They are not taken from the
        # answer, so that the key goes where the configuration says, also through a proxy.
        parts = self._model.asked_as.split("/")
        app = "/".join(parts[: 3 if parts[0] in SPACES else 2])
        path = f"/{app}/requests/{handle}"
        status = self._endpoint.at(f"{path}/status")
        found = await read(self._known(await self._endpoint.ask("GET", status, deadline=deadline)).content)
        if self._status(found) != "COMPLETED":
            return None
        if error := found.get("error"):
            raise Over(self._endpoint.failed(str(error)))
        answer = await self._endpoint.ask("GET", self._endpoint.at(path), deadline=deadline)
        return self._made(answer).content

    def _made(self, answer: Answer) -> Answer:
        """What the model answered; if that is an error, it stays one."""
        if answer.status < 300 or answer.status in PASSING:
            return self._endpoint.good(answer)
        raise Over(self._endpoint.refused(answer))

    async def _picture(self, content: bytes, request: Request, key: str) -> bytes:
        found = await read(content)
        images, flags = found.get("images"), found.get("has_nsfw_concepts")
        first = images[0] if isinstance(images, list) and images else found.get("image")
        if isinstance(flags, list) and any(flag is True for flag in flags):
            raise self._endpoint.failed("its content was flagged")
        address = first.get("url") if isinstance(first, dict) else None
        if isinstance(address, str) and address:
            return await self._fetched(address, request, key)
        raise self._endpoint.without_picture(content)


def adapter(model: Model, shared: Shared) -> Adapter:
    """One model at fal."""
    return Fal(model, Endpoint(model, shared.web(), scheme="Key "))
