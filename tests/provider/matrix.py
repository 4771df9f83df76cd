"""The fault matrix: every way to go wrong, met by every adapter.

What must come of it stands in docs/models.md.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from services.generator.calls.handles import Handles
from services.generator.calls.web import Patience, Web
from services.generator.compose import Template, cut
from services.generator.judgement import Judged, judge
from services.generator.models import Request, Shared, adapter
from services.model import Model
from services.scene import Camera
from services.task import TryFailed
from services.tiling.quadrant import SIZE
from services.tiling.seam import Window
from services.tiling.template import context
from tests.generator.city import layers, png
from tests.provider.fault import Fault, OfTheAddress, OfThePicture
from tests.provider.painting import painted, pixels
from tests.provider.server import FakeProvider
from tests.provider.trap import Trap

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "models.md"
KEY = "CANARY-77b1f0"
KEY_VARIABLE = "TILEWRIGHT_TEST_KEY"
TIMEOUT_SECONDS = 0.6
"""Of the model, where nothing comes."""
AMPLE_SECONDS = 30.0
"""Of the model, where something comes."""
GRACE_SECONDS = 1.0
UNHEARD = "the provider was not asked"
PATIENCE = Patience(polls=(0.01,), fetches=(0.01, 0.01, 0.01))
LITTLE_PATIENCE = replace(PATIENCE, silence=0.4)

ADAPTERS: dict[str, dict[str, Any]] = {
    "oxen": {"provider": "oxen"},
    "oxen-queue": {"provider": "oxen-queue"},
    "url": {"provider": "url"},
    "url, form": {"provider": "url", "encoding": "multipart"},
    "openai": {"provider": "openai"},
    "gemini": {"provider": "gemini"},
    "replicate": {"provider": "replicate"},
    "fal": {"provider": "fal"},
    "huggingface": {"provider": "huggingface"},
    "comfyui": {
        "provider": "comfyui",
        "graph": str(Path(__file__).with_name("graph.json")),
        "nodes": {"image": "10", "prompt": "6", "seed": "3"},
    },
}
"""The columns, in the document's order, with what the configuration says besides the endpoint."""
QUEUED = ("oxen-queue", "replicate", "fal", "comfyui")
BY_ADDRESS = ("oxen", "oxen-queue", "openai", "replicate", "fal", "comfyui")
IN_BASE64 = ("oxen", "url", "openai", "gemini")

WAYS: dict[str, Fault] = {
    "a good picture": Fault(),
    "a good picture, late": Fault("slow", seconds=0.3),
    "nothing": Fault("hang"),
    "half an answer, then nothing": Fault("hang in body"),
    "a broken connection": Fault("reset"),
    "an answer that breaks off": Fault("cut answer"),
    "429 with `Retry-After` in seconds": Fault("429 seconds", seconds=7),
    "429 with `Retry-After` as a date": Fault("429 date", seconds=7),
    "429 with the pause in its words": Fault("429 body", seconds=7),
    "500": Fault("500"),
    "500 once": Fault("500", times=1),
    "401": Fault("401"),
    "402": Fault("402"),
    "403": Fault("403"),
    "404": Fault("404"),
    "422": Fault("422"),
    "a redirect": Fault("redirect"),
    "a page of HTML": Fault("html"),
    "half a JSON document": Fault("half answer"),
    "more than 32 MiB": Fault("huge"),
    "a gzip bomb": Fault("gzip bomb"),
    "no picture": Fault("no image"),
    "a failure, in a 200": Fault("failed"),
    "a refusal of the content": Fault("moderated"),
    "base64url": Fault("base64url"),
    "damaged base64": Fault("bad base64"),
    "a picture of another size": Fault("wrong size"),
    "a picture that has moved a little": Fault("shifted"),
    "a picture that has moved far": Fault("shifted far"),
    "another picture": Fault("drifted"),
    "a picture as JPEG": Fault("jpeg"),
    "a picture in CMYK": Fault("wrong mode"),
    "a picture in one colour": Fault("one colour"),
    "an animation": Fault("animated"),
    "a picture cut short": Fault("cut short"),
    "asked whether it is done: nothing": Fault("hang", at="poll"),
    "asked whether it is done: half an answer, then nothing": Fault("hang in body", at="poll"),
    "asked whether it is done: a broken connection, once": Fault("reset", at="poll", times=1),
    "asked whether it is done: 429, once": Fault("429 seconds", at="poll", times=1, seconds=0.05),
    "asked whether it is done: 500, once": Fault("500", at="poll", times=1),
    "asked whether it is done: 401": Fault("401", at="poll"),
    "asked whether it is done: 404": Fault("404", at="poll"),
    "asked whether it is done: a redirect": Fault("redirect", at="poll"),
    "asked whether it is done: a page of HTML": Fault("html", at="poll"),
    "asked whether it is done: more than 32 MiB": Fault("huge", at="poll"),
    "the picture's address: 403 twice": Fault("403", at="fetch", times=2),
    "the picture's address: 403": Fault("403", at="fetch"),
    "the picture's address: nothing": Fault("hang", at="fetch"),
    "the picture's address: half a picture, then nothing": Fault("hang in body", at="fetch"),
    "the picture's address: a broken connection, once": Fault("reset", at="fetch", times=1),
    "the picture's address: a redirect": Fault("redirect", at="fetch"),
    "the picture's address: a page of HTML": Fault("html", at="fetch"),
    "the picture's address: more than 32 MiB": Fault("huge", at="fetch"),
    "the picture's address: a gzip bomb": Fault("gzip bomb", at="fetch"),
    "the picture's address: another host": Fault("elsewhere"),
    "the picture's address: a private network": Fault("private address"),
    "the picture's address: a file": Fault("file address"),
}
"""What the provider answers with, in the document's words."""
JPEG_LEVELS = 8
"""By how much, on average, a picture may differ that was packed as JPEG."""
LARGE = ("more than 32 MiB", "a gzip bomb")
NOT_MET = "–"


@dataclass(frozen=True)
class Met:
    """What came of one call."""

    cell: str
    """As in the document: `good`, or the class of the error; with what came of a second try after it."""
    seconds: float
    failure: TryFailed | None
    breaches: list[str]


def is_met(way: str, column: str) -> bool:
    """Whether an adapter can meet this at all."""
    fault = WAYS[way]
    if fault.at == "poll":
        return column in QUEUED
    if fault.mode == "moderated" and column == "comfyui":
        # A server of one's own paints what it is told.
        return False
    if is_of_the_address(fault):
        return column in BY_ADDRESS and (column != "comfyui" or fault.at == "fetch")
    if fault.mode in ("base64url", "bad base64"):
        return column in IN_BASE64
    if fault.mode == "half answer":
        return column not in ("url, form", "huggingface")
    return True


def is_of_the_address(fault: Fault) -> bool:
    """Whether it goes wrong where the picture lies."""
    return fault.at == "fetch" or fault.mode in get_args(OfTheAddress)


async def meet(way: str, column: str, trap: Trap, lag: "Lag") -> Met:
    """Let one adapter meet one way to go wrong."""
    # ComfyUI is sent pictures before it is asked, which takes a busy machine longer.
    little = 3 * TIMEOUT_SECONDS if column == "comfyui" else TIMEOUT_SECONDS
    met = await _meet(way, column, trap, lag, little)
    if met.breaches == [UNHEARD]:
        # The machine was too busy to ask within that.
        met = await _meet(way, column, trap, lag, 10 * little)
    return met


async def _meet(way: str, column: str, trap: Trap, lag: "Lag", little: float) -> Met:
    fault = replace(WAYS[way])
    hangs = fault.mode.startswith("hang")
    timeout = little if hangs else AMPLE_SECONDS
    of: Of = "neighbours" if fault.mode in get_args(OfThePicture) else "nothing"
    gives: Literal["b64", "url"] = "url" if is_of_the_address(fault) else "b64"
    async with FakeProvider(fault, key=KEY, trap=trap, gives=gives) as provider:
        web = Web(LITTLE_PATIENCE if hangs else PATIENCE)
        model = configured(column, provider.endpoint(column), timeout)
        made = adapter(model, Shared(Camera(), lambda: web, asyncio.Semaphore(1)))
        handles = Handles()
        loop = asyncio.get_running_loop()

        async def tried() -> TryFailed | None:
            request = asked(timeout, handles, TEMPLATES[of])
            try:
                async with asyncio.timeout_at(request.deadline):
                    picture = await made.edit(request)
                # As a generator does it, so that what surrounds the infill is looked at too.
                judged = await asyncio.to_thread(judge, picture, request.template, model, QUADRANTS[of])
                assert is_painted(judged, of, exactly=fault.mode != "jpeg")
            except TryFailed as failure:
                return failure
            except TimeoutError:
                # A generator counts a call that is called off in the midst of it.
                return TryFailed("transient", "The deadline of the whole call.", sent=True)
            return None

        started = loop.time()
        try:
            failure = await tried()
            seconds = loop.time() - started
            cell: str = failure.error_class if failure is not None else "good"
            if failure is not None and fault.times is not None:
                cell += f", then {again.error_class if (again := await tried()) is not None else 'good'}"
            breaches = found_wrong(provider, trap, column)
            if (paid := len(provider.asked())) != 1 + (fault.times is not None and fault.at == "ask"):
                breaches.append(f"it was paid for {paid} times" if paid else UNHEARD)
        finally:
            await web.close()
    if failure is not None and KEY in f"{failure.reason} {failure!r} {failure.__cause__!r}":
        breaches.append("the key is in the error")
    if seconds > timeout + GRACE_SECONDS + lag.since(started):
        breaches.append(f"it took {seconds:.2f} s of {timeout:g} s")
    return Met(cell, seconds, failure, breaches)


def found_wrong(provider: FakeProvider, trap: Trap, column: str) -> list[str]:
    """What the servers have seen and should not have."""
    own = ("ask", "poll", "answer", "upload", "cancel")
    wrong = (
        [f"the key went to {call.path}" for call in provider.asked("fetch") if call.holds(KEY)]
        if column != "comfyui"
        else []
    )
    wrong += [f"no key went to {call.path}" for call in provider.asked(*own) if not call.holds(KEY)]
    wrong += [f"the trap heard {call.method} {call.path}" for call in trap.calls]
    return wrong


class Lag:
    """How late this process itself is: on a busy machine that is nobody's timeout."""

    STEP_SECONDS = 0.05

    def __init__(self) -> None:
        self._late: list[tuple[float, float]] = []

    def since(self, started: float) -> float:
        """The seconds that the event loop was late in all since then."""
        return sum(late for at, late in self._late if at >= started)

    @contextlib.asynccontextmanager
    async def watched(self) -> AsyncIterator["Lag"]:
        """Watch while the block runs."""
        task = asyncio.create_task(self._watch())
        try:
            yield self
        finally:
            task.cancel()

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(self.STEP_SECONDS)
            self._late.append((loop.time(), loop.time() - before - self.STEP_SECONDS))


def configured(column: str, endpoint: str, timeout: float) -> Model:
    """The model of a column as the configuration would describe it."""
    return Model(
        name="Omni",
        model_id="omni",
        provider_model="omni" if column == "gemini" else "studio/omni",
        api_key=f"${{{KEY_VARIABLE}}}",
        endpoint=endpoint,
        timeout_seconds=timeout,
        **ADAPTERS[column],
    )


def asked(seconds: float, handles: Handles, template: Template) -> Request:
    """A call that has so many seconds."""

    async def nothing(*_: object) -> None:
        return None

    return Request(
        template=template,
        prompt="pixel art",
        negative_prompt="blur",
        deadline=asyncio.get_running_loop().time() + seconds,
        renders=nothing,  # type: ignore[arg-type]
        palette=nothing,
        say=lambda _: None,
        seed=7,
        handles=handles,
    )


class _Packed(Template):
    """A template that is packed once for hundreds of calls."""

    @cached_property
    def _file(self) -> bytes:
        return super().png()

    def png(self) -> bytes:
        return self._file


def _island() -> Template:
    flat = np.zeros((512, 512, 3), np.uint8)
    flat[::8] = (40, 90, 200)
    flat[:, ::16] = (200, 180, 20)
    infill = QUADRANTS["nothing"]
    return _Packed(Window(0, 0), frozenset(infill), {cell: png(flat) for cell in infill}, {})


def _between() -> Template:
    """One quadrant among eight that are finished, with the window half a quadrant out on each side."""
    window, infill = Window(-SIZE // 2, -SIZE // 2), QUADRANTS["neighbours"]
    finished = {cell: layers(cell)["render"] for cell in context(window, infill)}
    return _Packed(window, frozenset(infill), {cell: layers(cell)["render"] for cell in infill}, finished)


Of = Literal["nothing", "neighbours"]
"""What the infill lies in: there alone an answer can be held against what was sent."""
QUADRANTS: dict[Of, list[tuple[int, int]]] = {
    "nothing": [(0, 0), (1, 0), (0, 1), (1, 1)],
    "neighbours": [(0, 0)],
}
TEMPLATES: dict[Of, Template] = {"nothing": _island(), "neighbours": _between()}
PAINTED = {of: painted(template.pixels()) for of, template in TEMPLATES.items()}


def is_painted(judged: Judged, of: Of, *, exactly: bool) -> bool:
    """Whether what would go on the map is what the fake model painted, in its place."""
    window = TEMPLATES[of].window
    for quadrant, file in zip(QUADRANTS[of], judged.files, strict=True):
        came, wanted = pixels(file), cut(PAINTED[of], window, quadrant)
        if np.abs(came.astype(np.int16) - wanted).mean() > (0 if exactly else JPEG_LEVELS):
            return False
    return True


def documented() -> dict[str, dict[str, str]]:
    """The table in docs/models.md: of each way, by column, what must come of it."""
    lines = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in DOCUMENT.read_text().splitlines()
        if line.startswith("|")
    ]
    start = next(number for number, cells in enumerate(lines) if cells[0] == "The provider answers with")
    columns = lines[start][1:]
    rows: dict[str, dict[str, str]] = {}
    for cells in lines[start + 2 :]:
        if len(cells) != len(columns) + 1:
            break
        rows[cells[0]] = dict(zip(columns, cells[1:], strict=True))
    return rows
