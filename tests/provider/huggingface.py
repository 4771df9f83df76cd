"""Hugging Face inference: a picture and parameters in JSON, answered by the bytes of a picture."""

from typing import Any, ClassVar

from tests.provider.call import Call
from tests.provider.dialect import Answer, Dialect, Route, again, answered, required


class HuggingFace(Dialect):
    """Errors and pictures differ in the type of their content alone."""

    name: ClassVar[str] = "huggingface"

    @property
    def routes(self) -> list[Route]:
        return [
            Route("POST", "/models/{model:.+}", "ask", self._infer),
            Route("POST", "/hf-inference/models/{model:.+}", "ask", self._infer),
        ]

    def error(self, status: int, words: str, wait: float | None = None) -> dict[str, Any]:
        said: dict[str, Any] = {"error": words + again(wait)}
        if status == 503 and wait is not None:
            said["estimated_time"] = wait
        return said

    async def _infer(self, call: Call) -> Answer:
        server = self.server
        if call.headers.get("Content-Type", "").startswith("image/"):
            template = call.raw
        else:
            required(call.json, "inputs")
            template = server.template(call.json["inputs"])
        if server.fault.is_now("failed"):
            return answered({"error": "CUDA out of memory."})
        if server.fault.is_now("no image"):
            return answered([])
        return Answer(await server.paint(template), "image/png")
