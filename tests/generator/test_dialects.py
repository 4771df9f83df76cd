"""The adapters of providers that answer at once, and of ComfyUI, in conversation with the fake provider."""

import asyncio
import base64
import functools
import io
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from services.generator.calls.handles import Handles
from services.generator.calls.listed import is_address, picture_in
from services.generator.calls.once import Keep, Once, unkept
from services.generator.calls.web import Patience, Web
from services.generator.compose import Template
from services.generator.inspection import inspect
from services.generator.models import adapter
from services.generator.models.adapter import Request, Shared
from services.model import Model
from services.scene import Camera, Pass
from services.spool import Spool
from services.task import TryFailed
from tests.generator.test_oxen import template as drawn
from tests.provider import FakeProvider, Fault, painted, pixels
from tests.provider.call import File
from tests.provider.matrix import TEMPLATES

KEY = "CANARY-31d0aa"
WAYS: dict[str, dict[str, Any]] = {
    "url": {"provider": "url"},
    "url, form": {"provider": "url", "encoding": "multipart"},
    "openai": {"provider": "openai"},
    "gemini": {"provider": "gemini"},
    "huggingface": {"provider": "huggingface"},
    "comfyui": {"provider": "comfyui"},
}
AT_ONCE = tuple(way for way in WAYS if way != "comfyui")
GRAPH = {
    "3": {"class_type": "KSampler", "inputs": {"seed": 1, "steps": 20, "cfg": 4.0, "denoise": 1.0}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "", "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "", "clip": ["4", 1]}},
    "9": {"class_type": "SaveImage", "inputs": {"images": ["3", 0]}},
    "10": {"class_type": "LoadImage", "inputs": {"image": "x.png"}},
    "11": {"class_type": "LoadImageMask", "inputs": {"image": "x.png", "channel": "alpha"}},
    "12": {"class_type": "LoadImage", "inputs": {"image": "x.png"}},
}
NODES = {"image": "10", "prompt": "6", "seed": "3", "steps": "3", "guidance": "3.cfg"}


@functools.cache
def template(*passes: Pass) -> Template:
    """What is sent; one without passes is packed once for all tests."""
    return drawn(*passes) if passes else TEMPLATES["nothing"]


@dataclass
class Desk:
    """A provider on loopback and an adapter that calls it."""

    provider: FakeProvider
    way: str
    told: list[str] = field(default_factory=list)
    """The handles that the keeper was told, in order."""

    def model(self, **given: Any) -> Model:
        settings = {"timeout_seconds": 20.0, **WAYS[self.way], **given}
        if self.way != "gemini":
            settings = {"parameters": {"steps": 14, "guidance": 3.5}, **settings}
        return Model(
            name="Omni",
            model_id="omni",
            provider_model="studio/omni" if self.way == "huggingface" else None,
            api_key=KEY,
            **{"endpoint": self.provider.endpoint(self.way), **settings},
        )

    async def ask(
        self, *, once: Keep = unkept, seconds: float = 20.0, negative: str = "blur", **given: Any
    ) -> bytes:
        async def nothing(*_: object) -> None:
            return None

        async def keep(handle: str) -> None:
            self.told.append(handle)

        web = Web(Patience(polls=(0.01,), fetches=(0.01, 0.01)))
        try:
            made = adapter(self.model(**given), Shared(Camera(), lambda: web, asyncio.Semaphore(1)))
            picture = await made.edit(
                Request(
                    template=template(*made.takes),
                    prompt="pixel art",
                    negative_prompt=negative,
                    deadline=asyncio.get_running_loop().time() + seconds,
                    renders=nothing,  # type: ignore[arg-type]
                    palette=nothing,
                    say=lambda _: None,
                    seed=7,
                    once=once,
                    handles=Handles(self.told[-1] if self.told else "", keep),
                )
            )
        finally:
            await web.close()
        assert isinstance(picture, bytes)
        return picture

    async def dies(self, **given: Any) -> None:
        """A worker is killed while it waits for what it has begun."""
        self.provider.open.clear()
        trying = asyncio.create_task(self.ask(**given))
        await self.provider.hears(1, "poll")
        trying.cancel()
        await asyncio.gather(trying, return_exceptions=True)
        self.provider.open.set()

    async def fails(self, **given: Any) -> TryFailed:
        with pytest.raises(TryFailed) as caught:
            await self.ask(**given)
        return caught.value


@asynccontextmanager
async def desk(way: str, fault: Fault | None = None, **given: Any) -> AsyncIterator[Desk]:
    async with FakeProvider(fault, key=KEY, **given) as provider:
        yield Desk(provider, way)


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    file = tmp_path / "graph.json"
    file.write_text(json.dumps(GRAPH))
    return file


def of_comfyui(way: str, graph: Path, **nodes: str) -> dict[str, Any]:
    return {"graph": str(graph), "nodes": {**NODES, **nodes}} if way == "comfyui" else {}


@pytest.mark.parametrize("way", WAYS)
async def test_a_picture_comes_of_the_template(way: str, graph: Path) -> None:
    async with desk(way) as there:
        picture = await there.ask(**of_comfyui(way, graph))
        assert np.array_equal(inspect(picture), painted(template().pixels()))
        assert all(call.holds(KEY) for call in there.provider.asked("ask", "poll", "upload"))


async def test_a_server_of_ones_own_is_told_in_json() -> None:
    async with desk("url") as there:
        await there.ask(mask_field="mask_b64")
        asked = dict(there.provider.calls[0].json)
        assert np.array_equal(pixels(base64.b64decode(asked.pop("image_b64"))), template().pixels())
        assert (pixels(base64.b64decode(asked.pop("mask_b64"))) == 255).all()
        words = {"prompt": "pixel art", "negative_prompt": "blur"}
        assert asked == {**words, "steps": 14, "guidance_scale": 3.5, "seed": 7}


async def test_a_server_of_ones_own_is_told_in_a_form() -> None:
    async with desk("url, form") as there:
        await there.ask(negative="")
        form = dict(there.provider.calls[0].form)
        file = form.pop("image")
        assert isinstance(file, File) and (file.name, file.type) == ("image.png", "image/png")
        assert form == {"prompt": "pixel art", "steps": "14", "guidance_scale": "3.5", "seed": "7"}


async def test_openai_gets_a_form_with_a_mask_that_is_clear_where_it_paints() -> None:
    async with desk("openai") as there:
        await there.ask(parameters={"quality": "low"})
        form = dict(there.provider.calls[0].form)
        file, mask = form.pop("image"), form.pop("mask")
        assert isinstance(file, File) and np.array_equal(pixels(file.content), template().pixels())
        assert isinstance(mask, File) and len(mask.content) < 4 << 20
        with Image.open(io.BytesIO(mask.content)) as opened:
            assert (opened.mode, opened.size) == ("RGBA", (1024, 1024))
            assert opened.getchannel("A").getextrema() == (0, 0)
        prompt = "pixel art\n\nAvoid: blur"
        words = {"model": "omni", "prompt": prompt, "size": "1024x1024"}
        assert form == {**words, "quality": "low", "seed": "7"}


async def test_several_pictures_and_no_mask_for_a_compatible_server() -> None:
    async with desk("openai") as there:
        endpoint = f"{there.provider.url}/v1"
        fields = {"class": "image", "normals": "control"}
        await there.ask(endpoint=endpoint, mask_field="", conditioning=fields)
        call = there.provider.calls[0]
        assert (call.path, len(call.repeated["image[]"])) == ("/v1/images/edits", 2)
        assert isinstance(call.form["control"], File) and "mask" not in call.form


async def test_gemini_gets_a_turn_with_a_text_and_the_template() -> None:
    async with desk("gemini") as there:
        given = {"imageSize": "1K", "temperature": 0.5}
        await there.ask(parameters=given, conditioning={"class": "classes"})
        call = there.provider.calls[0]
        assert call.path == "/v1beta/models/omni:generateContent"
        assert (call.headers["x-goog-api-key"], "Authorization" in call.headers) == (KEY, False)
        parts = call.json["contents"][0]["parts"]
        assert [part.get("text") for part in parts] == ["pixel art\n\nAvoid: blur", None, "classes:", None]
        assert np.array_equal(
            pixels(base64.b64decode(parts[1]["inlineData"]["data"])), template("class").pixels()
        )
        assert call.json["generationConfig"] == {
            "responseModalities": ["IMAGE"],
            "imageConfig": {"aspectRatio": "1:1", "imageSize": "1K"},
            "temperature": 0.5,
            "seed": 7,
        }


async def test_hugging_face_gets_parameters_beside_the_template() -> None:
    async with desk("huggingface") as there:
        await there.ask()
        call = there.provider.calls[0]
        assert (call.path, call.headers["Accept"]) == ("/hf-inference/models/studio/omni", "image/png")
        assert np.array_equal(pixels(base64.b64decode(call.json["inputs"])), template().pixels())
        words = {"prompt": "pixel art", "negative_prompt": "blur"}
        told = {**words, "num_inference_steps": 14, "guidance_scale": 3.5, "seed": 7}
        assert call.json["parameters"] == told


async def test_comfyui_gets_its_pictures_first_and_then_the_graph(graph: Path) -> None:
    async with desk("comfyui", polls=2) as there:
        parameters = {"steps": 14, "guidance": 3.5, "denoise": 0.8}
        places = {"mask": "11", "depth": "12.image", "negative_prompt": "7", "denoise": "3", "output": "9"}
        await there.ask(
            parameters=parameters,
            conditioning={"depth16": "depth"},
            **of_comfyui("comfyui", graph, **places),
        )
        places_called = [call.place for call in there.provider.calls]
        assert places_called[:4] == ["upload", "upload", "upload", "ask"]
        assert places_called[-1] == "fetch"
        sent = {call.form["image"].name for call in there.provider.asked("upload")}  # type: ignore[union-attr]
        told = there.provider.asked("ask")[0].json["prompt"]
        named = {told[node]["inputs"]["image"].removeprefix("tilewright/") for node in ("10", "11", "12")}
        assert named == sent and len(sent) == 3
        assert told["3"]["inputs"] == {"seed": 7, "steps": 14, "cfg": 3.5, "denoise": 0.8}
        assert (told["6"]["inputs"]["text"], told["7"]["inputs"]["text"]) == ("pixel art", "blur")
        assert len(there.told) == 1


async def test_what_a_graph_has_no_node_for_is_said_in_the_prompt(graph: Path) -> None:
    async with desk("comfyui") as there:
        await there.ask(**of_comfyui("comfyui", graph))
        told = there.provider.asked("ask")[0].json["prompt"]
        assert told["6"]["inputs"]["text"] == "pixel art\n\nAvoid: blur"


async def test_another_worker_goes_on_with_a_graph_that_was_begun(graph: Path) -> None:
    async with desk("comfyui") as there:
        settings = of_comfyui("comfyui", graph)
        await there.dies(**settings)
        await there.ask(**settings)
        assert (len(there.provider.asked("ask")), len(there.provider.asked("upload"))) == (1, 1)


async def test_a_graph_that_a_restarted_server_has_forgotten_is_asked_for_anew(graph: Path) -> None:
    async with desk("comfyui") as there:
        settings = of_comfyui("comfyui", graph)
        await there.dies(**settings)
        there.provider.jobs["job-1"].is_cancelled = True
        failure = await there.fails(**settings)
        assert (failure.error_class, failure.retry, there.told[-1]) == ("transient", True, "")
        assert "no longer knows" in failure.reason
        await there.ask(**settings)
        assert len(there.provider.asked("ask")) == 2


async def test_a_graph_that_fails_says_which_node(graph: Path) -> None:
    async with desk("comfyui", Fault("failed")) as there:
        failure = await there.fails(**of_comfyui("comfyui", graph))
        assert failure.error_class == "transient"
        assert failure.reason == "Omni took the call and failed: KSampler: CUDA out of memory."


@pytest.mark.parametrize(
    ("content", "nodes", "said"),
    [
        (None, {}, "cannot be read (No such file or directory)."),
        ("{", {}, "is not JSON."),
        ('{"nodes": []}', {}, "is no graph for programs"),
        (json.dumps(GRAPH), {"prompt": "66"}, "has no node 66, which nodes.prompt names."),
    ],
)
async def test_a_graph_that_cannot_be_used_makes_its_model_unavailable(
    tmp_path: Path, content: str | None, nodes: Mapping[str, str], said: str
) -> None:
    file = tmp_path / "graph.json"
    if content is not None:
        file.write_text(content)
    async with desk("comfyui") as there:
        settings = of_comfyui("comfyui", file, **nodes)
        assert said in there.model(**settings).why_unavailable()
        failure = await there.fails(**settings)
        assert (failure.error_class, failure.retry) == ("unavailable", False)
        assert said in failure.reason


@pytest.mark.parametrize(
    ("way", "mode", "error_class"),
    [
        *[(way, "moderated", "moderated") for way in AT_ONCE],
        *[(way, "no image", "bad_image") for way in WAYS],
        *[(way, "429 seconds", "rate_limited") for way in WAYS],
        *[(way, "401", "auth") for way in WAYS],
        *[(way, "base64url", "good") for way in ("url", "openai", "gemini")],
        *[(way, "bad base64", "bad_image") for way in ("url", "openai", "gemini")],
        ("gemini", "failed", "bad_image"),
    ],
)
async def test_what_goes_wrong_has_its_class(way: str, mode: Any, error_class: str, graph: Path) -> None:
    async with desk(way, Fault(mode)) as there:
        settings = of_comfyui(way, graph)
        if error_class == "good":
            await there.ask(**settings)
            return
        failure = await there.fails(**settings)
        assert failure.error_class == error_class
        assert KEY not in failure.reason and len(failure.reason) < 700


async def test_a_compatible_server_may_give_an_address() -> None:
    async with desk("openai", gives="url") as there:
        await there.ask()
        fetched = there.provider.asked("fetch")
        assert len(fetched) == 1 and not fetched[0].holds(KEY)


@pytest.mark.parametrize("way", WAYS)
async def test_an_answer_that_was_kept_is_not_asked_for_again(way: str, graph: Path, tmp_path: Path) -> None:
    async with desk(way) as there:
        for mask in (None, None, "m"):
            more = {"mask_field": mask} if mask and way not in ("comfyui", "gemini") else {}
            await there.ask(once=Once(Spool(tmp_path), 1), **of_comfyui(way, graph), **more)
        assert len(there.provider.asked("ask")) == (1 if way in ("comfyui", "gemini") else 2)


async def test_a_server_of_ones_own_may_want_no_key() -> None:
    for kind in ("url", "openai", "huggingface"):
        model = Model(name="x", model_id="x", provider=kind, endpoint="http://127.0.0.1:9")
        assert model.why_unavailable() == ""
    assert Model(name="x", model_id="x", provider="openai").why_unavailable() == "It has no api_key."


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ({"image_b64": "QUJD"}, "QUJD"),
        ({"image": "data:image/png;base64,QUJD"}, "data:image/png;base64,QUJD"),
        ({"images": ["QUJD", "x"]}, "QUJD"),
        ({"images": [{"url": "https://a.example/b.png"}]}, "https://a.example/b.png"),
        ({"data": [{"b64_json": "QUJD", "url": ""}]}, "QUJD"),
        ({"output": {"image": {"url": "https://a.example"}}}, "https://a.example"),
        ({"images": [], "image": None, "data": 3, "output": [7]}, ""),
    ],
)
def test_a_picture_is_found_wherever_servers_put_it(answer: dict[str, Any], found: str) -> None:
    assert picture_in(answer) == found
    assert is_address(found) == (":" in found)
