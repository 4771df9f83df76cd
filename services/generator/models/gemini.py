"""Gemini: a conversation of one turn, whose answer has a picture among its parts."""

from collections.abc import Iterator, Mapping
from typing import Any

from services.generator.calls import encoded
from services.generator.calls.address import quoted
from services.generator.calls.document import written
from services.generator.calls.endpoint import Endpoint
from services.generator.models.adapter import Adapter, Request, Shared
from services.generator.models.remote import Remote, read
from services.model import Model
from services.task import TryFailed

VERSION = "/v1beta"
"""The one that Google's pages on pictures name; put into the path where the endpoint is a host alone."""
OF_THE_PICTURE = ("aspectRatio", "imageSize")
"""Parameters that have their place in imageConfig; all others stand beside it."""
NOT_REFUSED = ("STOP", "MAX_TOKENS", "NO_IMAGE", "IMAGE_OTHER", "OTHER", "MALFORMED_RESPONSE")
"""Ends without a picture that another try may change; every other one is about the content."""


class Gemini(Remote):
    """One model; what it does not paint it says with status 200, and without a picture."""

    async def _ask(self, request: Request, key: str) -> bytes:
        path = f"/models/{quoted(self._model.asked_as)}:generateContent"
        url = self._endpoint.at(path if self._endpoint.base.path.strip("/") else VERSION + path)
        deadline = request.deadline
        answer = await self._endpoint.post(url, await self._prepared(self._body, request), deadline=deadline)
        return answer.content

    def _body(self, request: Request) -> bytes:
        parts: list[dict[str, Any]] = [{"text": self._whole_prompt(request)}]
        for field, files in self._files(request).items():
            if field != self._model.template_field:
                # It knows no fields, so the name of each further picture stands before it.
                parts.append({"text": f"{field}:"})
            for file in files:
                data = encoded.encoded(file)
                parts.append({"inlineData": {"mimeType": "image/png", "data": data}})
        told = self._told_with_seed(request)
        image = {"aspectRatio": "1:1", **{name: told.pop(name) for name in OF_THE_PICTURE if name in told}}
        config = {"responseModalities": ["IMAGE"], "imageConfig": image, **told}
        return written({"contents": [{"role": "user", "parts": parts}], "generationConfig": config})

    async def _picture(self, content: bytes, request: Request, key: str) -> bytes:
        answer = await read(content)
        if found := next(_pictures(answer), None):
            return await encoded.picture(found, self._model.name)
        why = _refused(answer)
        if why:
            raise TryFailed(
                "moderated", f"{self._model.name} refused the content: {why}. Change the prompt.", retry=False
            )
        raise self._endpoint.without_picture(content)


def adapter(model: Model, shared: Shared) -> Adapter:
    """One model of Gemini's."""
    return Gemini(model, Endpoint(model, shared.web(), header="x-goog-api-key", scheme=""))


def _pictures(answer: Mapping[str, Any]) -> Iterator[str]:
    """The pictures of the first candidate, but for those that are drafts in its thoughts."""
    content = _first(answer).get("content")
    parts = content.get("parts") if isinstance(content, dict) else None
    for part in parts if isinstance(parts, list) else []:
        if not isinstance(part, dict) or part.get("thought"):
            continue
        data = part.get("inlineData") or part.get("inline_data")
        if isinstance(data, dict) and isinstance(text := data.get("data"), str) and text:
            yield text


def _refused(answer: Mapping[str, Any]) -> str:
    """The provider's word for why it does not paint such things, empty if that is not why."""
    feedback = answer.get("promptFeedback")
    blocked = feedback.get("blockReason") if isinstance(feedback, dict) else None
    ended = _first(answer).get("finishReason")
    word = blocked or (ended if ended not in NOT_REFUSED else None)
    return word[:100] if isinstance(word, str) else ""


def _first(answer: Mapping[str, Any]) -> dict[str, Any]:
    held = answer.get("candidates")
    first = held[0] if isinstance(held, list) and held else None
    return first if isinstance(first, dict) else {}
