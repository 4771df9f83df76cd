"""Replicate: predictions that are begun, looked at, and point at a picture when they are done."""

from typing import Any, ClassVar

from tests.provider.call import Call, File
from tests.provider.dialect import Answer, Dialect, Refused, Route, answered
from tests.provider.job import Job

FLAGGED = "The input or output was flagged as sensitive. Please try again with different inputs. (E005)"


class Replicate(Dialect):
    """A prediction that failed is an answer with status 200."""

    name: ClassVar[str] = "replicate"

    @property
    def routes(self) -> list[Route]:
        return [
            Route("POST", "/v1/models/{owner}/{model}/predictions", "ask", self._begin, is_queued=True),
            Route("POST", "/v1/predictions", "ask", self._begin, is_queued=True),
            Route("GET", "/v1/predictions/{id}", "poll", self._look),
            Route("POST", "/v1/predictions/{id}/cancel", "cancel", self._cancel),
            Route("POST", "/v1/files", "upload", self._upload),
        ]

    def error(self, status: int, words: str, wait: float | None = None) -> dict[str, Any]:
        if wait is not None:
            words = f"Request was throttled. Your rate limit resets in ~{wait:g}s."
        return {"title": "Refused", "detail": words, "status": status}

    async def _begin(self, call: Call) -> Answer:
        given = call.json.get("input")
        if not isinstance(given, dict):
            raise Refused(422, "input is required")
        if "model" not in call.parts and not call.json.get("version"):
            raise Refused(422, "version is required")
        job = self.server.begin(call, self._template(given))
        # Asked to wait, it answers when the prediction is done, or after a while as it is.
        is_done = "Prefer" in call.headers and await self.server.is_done(job)
        return answered(await self._prediction(job, is_done), 201)

    async def _look(self, call: Call) -> Answer:
        job = self.server.job(call.parts["id"])
        return answered(await self._prediction(job, await self.server.is_done(job)))

    async def _cancel(self, call: Call) -> Answer:
        job = self.server.job(call.parts["id"])
        job.is_cancelled = True
        return answered(await self._prediction(job, False))

    async def _upload(self, call: Call) -> Answer:
        file = call.form.get("content")
        if not isinstance(file, File):
            raise Refused(422, "content is required")
        name = self.server.file(file.content)
        return answered(
            {"id": name, "name": file.name, "urls": {"get": f"{self.server.url}/files/{name}"}}, 201
        )

    def _template(self, given: dict[str, Any]) -> bytes:
        """The first picture among the inputs, whatever the model calls it."""
        for value in given.values():
            first = value[0] if isinstance(value, list) and value else value
            if isinstance(first, str) and first.startswith("data:image/"):
                return self.server.template(first)
            if isinstance(first, str) and first.startswith(f"{self.server.url}/files/"):
                return self.server.held(first.rsplit("/", 1)[1])
        raise Refused(422, "input: no picture is among it")

    async def _prediction(self, job: Job, is_done: bool) -> dict[str, Any]:
        server, base = self.server, f"{self.server.url}/v1/predictions/{job.id}"
        said: dict[str, Any] = {
            "id": job.id,
            "model": "/".join(job.call.parts.values()),
            "version": job.call.json.get("version", "hidden"),
            "input": {},
            "logs": "",
            "output": None,
            "error": None,
            "status": "processing" if server.polls else "starting",
            "created_at": "2026-11-23T00:00:00.000Z",
            "urls": {"get": base, "cancel": f"{base}/cancel"},
        }
        if job.is_cancelled:
            return {**said, "status": "canceled"}
        if not is_done:
            return said
        if server.fault.is_now("failed"):
            return {**said, "status": "failed", "error": "CUDA out of memory."}
        if server.fault.is_now("moderated"):
            return {**said, "status": "failed", "error": FLAGGED}
        if server.fault.is_now("no image"):
            return {**said, "status": "succeeded"}
        address = server.address(await job.picture)
        return {**said, "status": "succeeded", "output": [address] if server.gives == "url" else address}
