"""A server of one's own: JSON with `image_b64`, or a form, as people write them around a model."""

from typing import Any, ClassVar

from tests.provider.call import Call, File
from tests.provider.dialect import Answer, Dialect, Refused, Route, again, answered, encoded, required


class Url(Dialect):
    """What a FastAPI server would say."""

    name: ClassVar[str] = "url"

    @property
    def routes(self) -> list[Route]:
        return [
            Route("POST", "/edit-b64", "ask", self._json),
            Route("POST", "/edit", "ask", self._form),
        ]

    def error(self, status: int, words: str, wait: float | None = None) -> dict[str, Any]:
        if status == 422:
            return {"detail": [{"loc": ["body"], "msg": words, "type": "missing"}]}
        return {"detail": words + again(wait)}

    async def _json(self, call: Call) -> Answer:
        server = self.server
        required(call.json, "image_b64", "prompt")
        template = server.template(call.json["image_b64"])
        if (early := self._early()) is not None:
            return early
        return answered({"image_b64": encoded(server, await server.paint(template))})

    async def _form(self, call: Call) -> Answer:
        required(call.form, "image", "prompt")
        file = call.form["image"]
        if not isinstance(file, File):
            raise Refused(422, "image: Expected a file")
        if (early := self._early()) is not None:
            return early
        return Answer(await self.server.paint(file.content), "image/png")

    def _early(self) -> Answer | None:
        if self.server.fault.is_now("failed"):
            return answered({"error": "CUDA out of memory."})
        if self.server.fault.is_now("no image"):
            return answered({"seconds": 1.5})
        return None
