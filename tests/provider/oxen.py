"""Oxen.ai: image edits at once, or through its queue."""

from typing import Any, ClassVar

from tests.provider.call import Call
from tests.provider.dialect import Answer, Dialect, Route, again, answered, encoded, required


class Oxen(Dialect):
    """Both ways to ask; a queued picture lies at an address."""

    name: ClassVar[str] = "oxen"

    @property
    def routes(self) -> list[Route]:
        return [
            Route("POST", "/api/ai/images/edit", "ask", self._edit),
            Route("POST", "/api/ai/queue", "ask", self._enqueue, is_queued=True),
            Route("GET", "/api/ai/queue/{id}", "poll", self._look),
            Route("DELETE", "/api/ai/queue/{id}", "cancel", self._cancel),
        ]

    def error(self, status: int, words: str, wait: float | None = None) -> dict[str, Any]:
        return {"error": {"message": words + again(wait)}, "status": "error"}

    async def _edit(self, call: Call) -> Answer:
        server, asked = self.server, call.json
        required(asked, "model", "prompt", "input_image")
        template = server.template(asked["input_image"])
        if server.fault.is_now("failed"):
            return answered(self.error(200, "The generation failed."))
        if server.fault.is_now("no image"):
            return answered({"model": asked["model"], "created": 1, "images": []})
        picture = await server.paint(template)
        if asked.get("response_format", server.gives) == "url" or server.gives == "url":
            item = {"url": server.address(picture)}
        else:
            item = {"b64_json": encoded(server, picture)}
        return answered({"model": asked["model"], "created": 1, "images": [item]})

    async def _enqueue(self, call: Call) -> Answer:
        required(call.json, "model", "prompt", "input_image")
        job = self.server.begin(call, self.server.template(call.json["input_image"]))
        return answered({"generations": [{"generation_id": job.id, "status": "queued"}]}, 202)

    async def _look(self, call: Call) -> Answer:
        server, job = self.server, self.server.job(call.parts["id"])
        said: dict[str, Any] = {
            "generation_id": job.id,
            "model": job.call.json["model"],
            "media_type": "image",
            "created_at": 1,
            "result_url": None,
            "error_message": None,
        }
        if job.is_cancelled:
            return answered({**said, "status": "cancelled"})
        if not await server.is_done(job):
            return answered({**said, "status": "processing"})
        if server.fault.is_now("failed"):
            return answered({**said, "status": "failed", "error_message": "The generation failed."})
        if server.fault.is_now("moderated"):
            return answered({**said, "status": "failed", "error_message": "Flagged by the content filter."})
        if server.fault.is_now("no image"):
            return answered({**said, "status": "succeeded"})
        return answered({**said, "status": "succeeded", "result_url": server.address(await job.picture)})

    async def _cancel(self, call: Call) -> Answer:
        job = self.server.job(call.parts["id"])
        job.is_cancelled = True
        return answered({"generation_id": job.id, "status": "cancelled"})
