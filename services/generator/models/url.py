"""A server of one's own: a POST to one address, in JSON or as a form, and a picture in return."""

from typing import Any

from aiohttp import FormData

from services.generator.calls.document import written
from services.generator.calls.endpoint import Endpoint, Sent
from services.generator.calls.form import add, add_picture
from services.generator.models.adapter import Adapter, Request, Shared
from services.generator.models.remote import Remote
from services.model import Model


class Url(Remote):
    """One address, called as it stands in the configuration."""

    NAMES = {"guidance": "guidance_scale"}

    async def _ask(self, request: Request, key: str) -> bytes:
        url, deadline = self._endpoint.base, request.deadline
        answer = await self._endpoint.post(url, await self._prepared(self._body, request), deadline=deadline)
        return answer.content

    def _body(self, request: Request) -> Sent:
        negative = {"negative_prompt": request.negative_prompt} if request.negative_prompt else {}
        words: dict[str, Any] = {"prompt": request.prompt, **negative, **self._told_with_seed(request)}
        if self._model.encoding == "multipart":
            form = FormData()
            for field, files in self._files(request).items():
                for file in files:
                    add_picture(form, field, file)
            add(form, words)
            return form
        return written({**self._encoded(request), **words})

    async def _picture(self, content: bytes, request: Request, key: str) -> bytes:
        return await self._shown(content, request, key)


def adapter(model: Model, shared: Shared) -> Adapter:
    """One server of one's own."""
    return Url(model, Endpoint(model, shared.web()))
