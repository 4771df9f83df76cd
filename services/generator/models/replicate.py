"""Replicate: a prediction is begun, looked at until it is done, and points at its picture."""

from services.generator.calls.document import written
from services.generator.calls.endpoint import Endpoint
from services.generator.models.adapter import Adapter, Request, Shared
from services.generator.models.queued import Over, Queued
from services.generator.models.remote import read
from services.model import Model


class Replicate(Queued):
    """One model at Replicate, by its name or at one version."""

    NAMES = {"steps": "num_inference_steps", "guidance": "guidance_scale"}

    @property
    def _version(self) -> str:
        """The version that is asked for; empty for whichever the model has now."""
        name, colon, version = self._model.asked_as.partition(":")
        return version if colon else "" if "/" in name else name

    def _body(self, request: Request) -> bytes:
        told = {"prompt": request.prompt, **self._pictures(request), **self._told_with_seed(request)}
        if request.negative_prompt:
            told["negative_prompt"] = request.negative_prompt
        version = {"version": self._version} if self._version else {}
        return written({**version, "input": told})

    async def _begin(self, asked: bytes, deadline: float) -> str:
        path = "/v1/predictions" if self._version else f"/v1/models/{self._model.asked_as}/predictions"
        answer = await self._endpoint.begin(self._endpoint.at(path), asked, deadline=deadline)
        return str((await read(answer.content)).get("id") or "")

    async def _look(self, handle: str, deadline: float) -> bytes | None:
        url = self._endpoint.at(f"/v1/predictions/{handle}")
        content = self._known(await self._endpoint.ask("GET", url, deadline=deadline)).content
        found = await read(content)
        status = self._status(found)
        if status in ("failed", "canceled", "aborted"):
            raise Over(self._endpoint.failed(str(found.get("error") or "")))
        return content if status == "succeeded" else None

    async def _picture(self, content: bytes, request: Request, key: str) -> bytes:
        output = (await read(content)).get("output")
        first = output[0] if isinstance(output, list) and output else output
        if isinstance(first, str) and first:
            return await self._fetched(first, request, key)
        raise self._endpoint.without_picture(content)


def adapter(model: Model, shared: Shared) -> Adapter:
    """One model at Replicate."""
    return Replicate(model, Endpoint(model, shared.web()))
