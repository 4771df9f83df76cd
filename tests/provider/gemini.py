"""Gemini: generateContent with a picture among the parts, and a picture among those of the answer."""

from typing import Any, ClassVar

from tests.provider.call import Call
from tests.provider.dialect import Answer, Dialect, Refused, Route, answered, encoded

NAMES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND"}


class Gemini(Dialect):
    """A refusal of the content is an answer with status 200 here, and one without a picture."""

    name: ClassVar[str] = "gemini"

    @property
    def routes(self) -> list[Route]:
        return [
            Route("POST", f"/{version}/models/{{model:[^:/]+}}:generateContent", "ask", self._generate)
            for version in ("v1", "v1beta")
        ]

    def key(self, call: Call) -> str | None:
        return call.headers.get("x-goog-api-key")

    def error(self, status: int, words: str, wait: float | None = None) -> dict[str, Any]:
        named = "RESOURCE_EXHAUSTED" if status == 429 else NAMES.get(status, "INTERNAL")
        said: dict[str, Any] = {"code": status, "message": words, "status": named}
        if status == 429:
            kind = "type.googleapis.com/google.rpc"
            said["details"] = [{"@type": f"{kind}.QuotaFailure", "violations": []}]
            if wait is not None:
                said["details"].append({"@type": f"{kind}.RetryInfo", "retryDelay": f"{wait:g}s"})
        return {"error": said}

    def moderated(self) -> Answer:
        return answered({"candidates": [{"finishReason": "IMAGE_SAFETY", "index": 0}]})

    async def _generate(self, call: Call) -> Answer:
        server = self.server
        parts = [part for content in call.json.get("contents", []) for part in content.get("parts", [])]
        held = [part.get("inlineData") or part.get("inline_data") for part in parts]
        pictures = [data["data"] for data in held if data]
        if not pictures or not any("text" in part for part in parts):
            raise Refused(400, "contents must have a text and a picture.")
        if server.fault.is_now("failed"):
            return answered({"candidates": [{"finishReason": "IMAGE_OTHER", "index": 0}]})
        if server.fault.is_now("no image"):
            text = {"parts": [{"text": "Here is your picture!"}], "role": "model"}
            return answered({"candidates": [{"content": text, "finishReason": "STOP", "index": 0}]})
        picture = await server.paint(server.template(pictures[0]))
        data = {"mimeType": "image/png", "data": encoded(server, picture)}
        said = {"parts": [{"text": "Here it is."}, {"inlineData": data}], "role": "model"}
        return answered(
            {
                "candidates": [{"content": said, "finishReason": "STOP", "index": 0}],
                "usageMetadata": {"promptTokenCount": 300, "candidatesTokenCount": 1290},
                "modelVersion": call.parts["model"],
            }
        )
