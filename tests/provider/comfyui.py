"""A ComfyUI server: a picture is uploaded, a graph is queued, and the history says where its picture lies."""

from typing import Any, ClassVar

from tests.provider.call import Call, File
from tests.provider.dialect import Answer, Dialect, Refused, Route, again, answered


class ComfyUI(Dialect):
    """A run that fails shows in the history alone."""

    name: ClassVar[str] = "comfyui"

    @property
    def routes(self) -> list[Route]:
        return [
            Route("POST", "/upload/image", "upload", self._upload),
            Route("POST", "/upload/mask", "upload", self._upload),
            Route("POST", "/prompt", "ask", self._prompt, is_queued=True),
            Route("GET", "/history/{id}", "poll", self._history),
            Route("GET", "/queue", "poll", self._queue),
            Route("GET", "/view", "fetch", self._view),
            Route("POST", "/queue", "cancel", self._cancel),
            Route("POST", "/interrupt", "cancel", self._interrupt),
        ]

    def error(self, status: int, words: str, wait: float | None = None) -> dict[str, Any]:
        said = {"type": "refused", "message": words + again(wait), "details": "", "extra_info": {}}
        return {"error": said, "node_errors": {}}

    async def _upload(self, call: Call) -> Answer:
        file = call.form.get("image")
        if not isinstance(file, File):
            raise Refused(400, "image is missing")
        name = self.server.file(file.content, file.name)
        folder = call.form.get("subfolder", "")
        return answered({"name": name, "subfolder": folder, "type": call.form.get("type", "input")})

    async def _prompt(self, call: Call) -> Answer:
        graph = call.json.get("prompt")
        if not isinstance(graph, dict) or not graph:
            raise Refused(400, "No prompt provided")
        job = self.server.begin(call, self._template(graph))
        return answered({"prompt_id": job.id, "number": len(self.server.jobs), "node_errors": {}})

    async def _history(self, call: Call) -> Answer:
        server, id = self.server, call.parts["id"]
        if id not in server.jobs or server.jobs[id].is_cancelled or not await server.is_done(server.jobs[id]):
            return answered({})
        job = server.jobs[id]
        graph = job.call.json["prompt"]
        if server.fault.is_now("failed", "moderated"):
            what = {"node_id": "3", "node_type": "KSampler", "exception_message": "CUDA out of memory."}
            status = {"status_str": "error", "completed": False, "messages": [["execution_error", what]]}
            return answered({id: {"prompt": [0, id, graph, {}, []], "outputs": {}, "status": status}})
        images = [{"filename": server.file(await job.picture), "subfolder": "", "type": "output"}]
        ends = [node for node, held in graph.items() if held.get("class_type") == "SaveImage"]
        outputs = {node: {"images": [] if server.fault.is_now("no image") else images} for node in ends}
        status = {"status_str": "success", "completed": True, "messages": []}
        return answered({id: {"prompt": [0, id, graph, {}, ends], "outputs": outputs, "status": status}})

    async def _queue(self, call: Call) -> Answer:
        jobs = [job for job in self.server.jobs.values() if not job.is_cancelled]
        return answered({"queue_running": [], "queue_pending": [[0, job.id, {}, {}, []] for job in jobs]})

    async def _view(self, call: Call) -> Answer:
        return Answer(self.server.held(call.query.get("filename", "")), "image/png")

    async def _cancel(self, call: Call) -> Answer:
        for id in call.json.get("delete", []):
            self.server.job(id).is_cancelled = True
        return Answer(b"")

    async def _interrupt(self, call: Call) -> Answer:
        id = call.json.get("prompt_id")
        for job in self.server.jobs.values():
            if id is None or job.id == id:
                job.is_cancelled = True
        return Answer(b"")

    def _template(self, graph: dict[str, Any]) -> bytes:
        """The file that the graph's first LoadImage names."""
        for node in graph.values():
            if node.get("class_type") == "LoadImage":
                name = str(node.get("inputs", {}).get("image", "")).removesuffix(" [input]")
                return self.server.held(name.rsplit("/", 1)[-1])
        raise Refused(400, "Prompt outputs failed validation")
