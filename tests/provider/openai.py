"""OpenAI's image edits, and all that are compatible with them: a form with a picture and perhaps a mask."""

from typing import Any, ClassVar

from tests.provider.call import Call, File
from tests.provider.dialect import Answer, Dialect, Refused, Route, again, answered, encoded, required


class OpenAI(Dialect):
    """Pictures come in base64, or by address from those who are only compatible."""

    name: ClassVar[str] = "openai"

    @property
    def routes(self) -> list[Route]:
        return [Route("POST", "/v1/images/edits", "ask", self._edit)]

    def error(self, status: int, words: str, wait: float | None = None) -> dict[str, Any]:
        kind, code = "invalid_request_error", None
        if status == 429:
            kind, code = "requests", "rate_limit_exceeded"
        if status == 401:
            code = "invalid_api_key"
        return {"error": {"message": words + again(wait), "type": kind, "param": None, "code": code}}

    def moderated(self) -> Answer:
        said = self.error(400, "Your request was rejected by the safety system.")
        said["error"]["code"] = "moderation_blocked"
        return answered(said, 400)

    async def _edit(self, call: Call) -> Answer:
        server = self.server
        if call.headers.get("Content-Type", "").partition(";")[0] != "multipart/form-data":
            raise Refused(400, "Unsupported content type; expected multipart/form-data.")
        required(call.form, "model", "prompt")
        file = call.form.get("image") or next(iter(call.repeated.get("image[]", [])), None)
        if not isinstance(file, File):
            raise Refused(400, "Missing required parameter: 'image'.")
        if "mask" in call.form and not isinstance(call.form["mask"], File):
            raise Refused(400, "Invalid type for 'mask': expected a file.")
        if server.fault.is_now("failed"):
            return answered(self.error(500, "The server had an error while processing your request."))
        if server.fault.is_now("no image"):
            return answered({"created": 1, "data": []})
        picture = await server.paint(file.content)
        if server.gives == "url":
            item = {"url": server.address(picture)}
        else:
            item = {"b64_json": encoded(server, picture)}
        usage = {"input_tokens": 50, "output_tokens": 50, "total_tokens": 100}
        return answered({"created": 1, "data": [item], "usage": usage})
