"""A ComfyUI server: pictures are sent ahead, a graph is queued, and the history says where its picture is."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiohttp import FormData
from yarl import URL

from services.generator import mask
from services.generator.calls.document import written
from services.generator.calls.endpoint import Endpoint
from services.generator.calls.form import add
from services.generator.compose import Template
from services.generator.models.adapter import Adapter, Request, Shared
from services.generator.models.queued import Over, Queued
from services.generator.models.remote import read
from services.generator.pictures import apart
from services.graph import BadGraph, Graph
from services.graph import read as read_graph
from services.model import Model
from services.task import TryFailed

FOLDER = "tilewright"
"""Of ComfyUI's folder for pictures that are sent to it; nothing else lies there, so it may be emptied."""


class ComfyUI(Queued):
    """One graph at one server."""

    def __init__(self, model: Model, endpoint: Endpoint, graph: Graph) -> None:
        super().__init__(model, endpoint)
        self._graph = graph

    @property
    def parameters(self) -> Mapping[str, object]:
        """The parameters, which picture goes where, and the graph's SHA-256."""
        return {**super().parameters, "graph": self._graph.digest}

    async def _ask(self, request: Request, key: str) -> bytes:
        if not request.handles.find(key):
            request.say(f"sending pictures to {self._model.name}")
            for field, files in (await apart(self._files, request)).items():
                await self._send(_name(request.template, field), files[0], request.deadline)
        return await super()._ask(request, key)

    async def _send(self, name: str, file: bytes, deadline: float) -> None:
        form = await apart(_form, name, file)
        url = self._endpoint.at("/upload/image")
        found = await read((await self._endpoint.begin(url, form, deadline=deadline)).content)
        if (found.get("name"), found.get("subfolder")) != (name, FOLDER):
            raise TryFailed("transient", f"{self._model.name} did not keep a picture that it was sent.")

    def _files(self, request: Request) -> dict[str, list[bytes]]:
        files = super()._files(request)
        if "mask" in self._graph.places:
            files["mask"] = [mask.clear(request.template)]
        return files

    def _body(self, request: Request) -> bytes:
        has_negative = "negative_prompt" in self._graph.places
        fields = {self._model.template_field, *self._model.conditioning.values(), "mask"}
        values: dict[str, object] = {
            **self._told,
            "prompt": request.prompt if has_negative else self._whole_prompt(request),
            "negative_prompt": request.negative_prompt,
            **{field: f"{FOLDER}/{_name(request.template, field)}" for field in fields},
        }
        if request.seed is not None:
            values["seed"] = request.seed
        return written({"prompt": self._graph.filled(values)})

    async def _begin(self, asked: bytes, deadline: float) -> str:
        answer = await self._endpoint.begin(self._endpoint.at("/prompt"), asked, deadline=deadline)
        return str((await read(answer.content)).get("prompt_id") or "")

    async def _look(self, handle: str, deadline: float) -> bytes | None:
        content = await self._history(handle, deadline)
        if content is None and not await self._waits(handle, deadline):
            # It may have ended between the two questions.
            content = await self._history(handle, deadline)
            if content is None:
                forgotten = f"{self._model.name} no longer knows the graph that it took on."
                raise Over(TryFailed("transient", forgotten))
        return content

    async def _history(self, handle: str, deadline: float) -> bytes | None:
        """What came of a graph, None while nothing did. A failure shows here alone."""
        url = self._endpoint.at(f"/history/{handle}")
        content = self._known(await self._endpoint.ask("GET", url, deadline=deadline)).content
        answer = await read(content)
        if not answer and content.strip() != b"{}":
            raise TryFailed("transient", f"{self._model.name} says nothing that can be read of the call.")
        entry = answer.get(handle)
        if not isinstance(entry, dict):
            return None
        status = entry.get("status")
        if isinstance(status, dict) and status.get("status_str") == "error":
            raise Over(self._endpoint.failed(_complaint(status)))
        # The graph itself stands in the answer as well, and is not kept.
        return written({"outputs": entry.get("outputs")})

    async def _waits(self, handle: str, deadline: float) -> bool:
        """Whether a graph is being worked on, or will be."""
        answer = await self._endpoint.get(self._endpoint.at("/queue"), deadline=deadline)
        found = await read(answer.content)
        held = [found.get(name) for name in ("queue_running", "queue_pending")]
        if not all(isinstance(entries, list) for entries in held):
            raise TryFailed("transient", f"{self._model.name} says nothing that can be read of its queue.")
        return any(
            handle in entry[:2] for entries in held for entry in entries or [] if isinstance(entry, list)
        )

    async def _picture(self, content: bytes, request: Request, key: str) -> bytes:
        image = _image(await read(content), self._graph.output)
        if image is None:
            raise self._endpoint.without_picture(content)
        request.say("fetching the picture")
        return await request.once(f"{key}-picture", lambda: self._view(image, request.deadline), paid=False)

    async def _view(self, image: Mapping[str, str], deadline: float) -> bytes:
        """The picture, which lies at the server itself and so is fetched with the key."""
        url: URL = self._endpoint.at("/view").with_query(image)
        what = "could not be reached"
        for pause in (*self._endpoint.patience.fetches, None):
            try:
                answer = await self._endpoint.ask("GET", url, deadline=deadline)
                if answer.status == 200:
                    return answer.content
                if 300 <= answer.status < 400:
                    raise self._endpoint.refused(answer)
                what = f"answered {answer.status}"
            except TryFailed as failure:
                if failure.error_class != "transient":
                    raise
            left = deadline - asyncio.get_running_loop().time()
            if pause is None or left <= pause:
                break
            await asyncio.sleep(pause)
        raise TryFailed("transient", f"The picture was made, but its address {what}.")


def adapter(model: Model, shared: Shared) -> Adapter:
    """One graph at a ComfyUI server."""
    assert model.graph is not None
    try:
        graph = read_graph(Path(model.graph), model.nodes)
    except BadGraph as error:
        raise TryFailed("unavailable", str(error), retry=False) from None
    return ComfyUI(model, Endpoint(model, shared.web()), graph)


def _name(template: Template, field: str) -> str:
    """What a picture is called there: always the same, so that another try leaves no other file."""
    return f"{template.digest[:32]}-{field}.png"


def _form(name: str, file: bytes) -> FormData:
    form = FormData()
    form.add_field("image", file, filename=name, content_type="image/png")
    add(form, {"type": "input", "subfolder": FOLDER, "overwrite": "true"})
    return form


def _complaint(status: Mapping[str, Any]) -> str:
    """What went wrong in a graph, in its node's words."""
    messages = status.get("messages")
    for message in messages if isinstance(messages, list) else []:
        if isinstance(message, list) and len(message) == 2 and message[0] == "execution_error":
            said = message[1] if isinstance(message[1], dict) else {}
            return f"{said.get('node_type', 'A node')}: {said.get('exception_message', '')}"
    return ""


def _image(answer: Mapping[str, Any], output: str | None) -> dict[str, str] | None:
    """Where the picture of the wanted node is, or of the first that keeps one."""
    outputs = answer.get("outputs")
    held = outputs if isinstance(outputs, dict) else {}
    wanted = [held.get(output)] if output is not None else list(held.values())
    found: list[dict[str, str]] = []
    for node in wanted:
        images = node.get("images") if isinstance(node, dict) else None
        for image in images if isinstance(images, list) else []:
            if isinstance(image, dict) and isinstance(image.get("filename"), str):
                found.append({name: str(image.get(name) or "") for name in ("filename", "subfolder", "type")})
    # A preview is of type temp; what is saved comes first.
    return min(found, key=lambda image: image["type"] != "output", default=None)
