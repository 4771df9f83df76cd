"""OpenAI's image edits and all that speak as they do: a form with the template and a mask."""

from aiohttp import FormData

from services.generator import mask
from services.generator.calls.endpoint import Endpoint
from services.generator.calls.form import add, add_picture
from services.generator.calls.listed import picture_in
from services.generator.compose import Template
from services.generator.models.adapter import Adapter, Request, Shared
from services.generator.models.remote import Remote, read
from services.model import Model
from services.tiling.quadrant import WINDOW

PATH = "/images/edits"
VERSION = "/v1"
"""Put before that path where the endpoint is a host alone."""


class OpenAI(Remote):
    """One model; what steers diffusion goes under the names that the open servers have for it."""

    NAMES = {"steps": "num_inference_steps", "guidance": "guidance_scale"}

    async def _ask(self, request: Request, key: str) -> bytes:
        url = self._endpoint.at(PATH if self._endpoint.base.path.strip("/") else VERSION + PATH)
        deadline = request.deadline
        answer = await self._endpoint.post(url, await self._prepared(self._form, request), deadline=deadline)
        return answer.content

    def _form(self, request: Request) -> FormData:
        form = FormData()
        size = f"{WINDOW}x{WINDOW}"
        words = {"model": self._model.asked_as, "prompt": self._whole_prompt(request), "size": size}
        add(form, {**words, **self._told_with_seed(request)})
        for field, files in self._files(request).items():
            is_list = len(files) > 1 or (
                field == self._model.template_field and self._model.template_is_listed
            )
            for file in files:
                add_picture(form, f"{field}[]" if is_list else field, file)
        return form

    def _mask(self, template: Template) -> bytes:
        return mask.clear(template)

    async def _picture(self, content: bytes, request: Request, key: str) -> bytes:
        if text := picture_in(await read(content)):
            return await self._given(text, request, key)
        raise self._endpoint.without_picture(content)


def adapter(model: Model, shared: Shared) -> Adapter:
    """One model at OpenAI, or at a server that speaks as OpenAI does."""
    return OpenAI(model, Endpoint(model, shared.web()))
