"""fal: its queue, and the address that answers at once. The names of its hosts are the start of the path."""

import base64
from typing import Any, ClassVar

from tests.provider.call import Call
from tests.provider.dialect import Answer, Dialect, Refused, Route, again, answered

QUEUE = "/queue.fal.run"
FLAGGED = "The content could not be processed because it was flagged by a content checker."


class Fal(Dialect):
    """The queue says COMPLETED also of what failed; the error is then in that answer and in the result."""

    name: ClassVar[str] = "fal"

    @property
    def routes(self) -> list[Route]:
        job = QUEUE + "/{owner}/{name}/requests/{id}"
        return [
            Route("POST", QUEUE + "/{app:.+}", "ask", self._submit, is_queued=True),
            Route("GET", job + "/status", "poll", self._look),
            Route("GET", job, "answer", self._result),
            Route("PUT", job + "/cancel", "cancel", self._cancel),
            Route("POST", "/fal.run/{app:.+}", "ask", self._run),
        ]

    def key(self, call: Call) -> str | None:
        scheme, _, key = call.headers.get("Authorization", "").partition(" ")
        return key if scheme == "Key" else None

    def error(self, status: int, words: str, wait: float | None = None) -> dict[str, Any]:
        if status == 422:
            return {"detail": [{"loc": ["body"], "msg": words, "type": "value_error"}]}
        return {"detail": words + again(wait)}

    def moderated(self) -> Answer:
        detail = {"loc": ["body", "prompt"], "msg": FLAGGED, "type": "content_policy_violation"}
        return answered({"detail": [detail]}, 422)

    async def _submit(self, call: Call) -> Answer:
        job = self.server.begin(call, self._template(call))
        # The address of a job names the application alone, not what of it was called.
        owner, name = [*call.parts["app"].split("/"), ""][:2]
        base = f"{self.server.url}{QUEUE}/{owner}/{name}/requests/{job.id}"
        return answered(
            {
                "status": "IN_QUEUE",
                "request_id": job.id,
                "response_url": base,
                "status_url": f"{base}/status",
                "cancel_url": f"{base}/cancel",
                "logs": None,
                "metrics": {},
                "queue_position": 0,
            }
        )

    async def _look(self, call: Call) -> Answer:
        server, job = self.server, self.server.job(call.parts["id"])
        base = call.path.removesuffix("/status")
        said: dict[str, Any] = {"request_id": job.id, "response_url": f"{server.url}{base}", "logs": None}
        if job.is_cancelled or not await server.is_done(job):
            return answered({**said, "status": "IN_PROGRESS"}, 202)
        if server.fault.mode == "failed":
            said |= {"error": "Runner disconnected.", "error_type": "runner_disconnected"}
        return answered({**said, "status": "COMPLETED", "metrics": {"inference_time": 1.0}})

    async def _result(self, call: Call) -> Answer:
        job = self.server.job(call.parts["id"])
        if job.is_cancelled or not await self.server.is_done(job):
            raise Refused(400, "Request is still in progress")
        if self.server.fault.is_now("moderated"):
            return self.moderated()
        return await self._answer(job.call, await job.picture)

    async def _cancel(self, call: Call) -> Answer:
        self.server.job(call.parts["id"]).is_cancelled = True
        return answered({"status": "CANCELLATION_REQUESTED"}, 202)

    async def _run(self, call: Call) -> Answer:
        return await self._answer(call, await self.server.paint(self._template(call)))

    def _template(self, call: Call) -> bytes:
        held = call.json.get("image_url") or call.json.get("image_urls") or call.json.get("image")
        if not call.json.get("prompt") or not held:
            raise Refused(422, "prompt and image_url: field required")
        return self.server.template(held)

    async def _answer(self, call: Call, picture: bytes) -> Answer:
        server = self.server
        if server.fault.is_now("failed"):
            return answered({"detail": "Runner disconnected.", "error_type": "runner_disconnected"}, 500)
        said = {"seed": call.json.get("seed", 1), "has_nsfw_concepts": [False], "prompt": call.json["prompt"]}
        if server.fault.is_now("no image"):
            return answered({**said, "images": []})
        address = server.address(picture)
        if call.json.get("sync_mode"):
            address = "data:image/png;base64," + base64.b64encode(picture).decode()
        image = {"url": address, "content_type": "image/png", "width": 1024, "height": 1024}
        return answered({**said, "images": [image]})
