"""Providers that answer later: what is asked, what is kept, and how another worker goes on with it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.generator.calls.handles import Handles
from services.generator.calls.once import Keep, Once, unkept
from services.generator.calls.web import Patience, Web
from services.generator.inspection import inspect
from services.generator.models import Request, Shared, adapter
from services.model import Model
from services.scene import Camera
from services.spool import Spool
from services.worker import TryFailed
from tests.generator.test_oxen import template
from tests.provider import FakeProvider, Fault, painted

KEY = "CANARY-3c90c3"
PROVIDERS = ["oxen-queue", "replicate", "fal"]


@dataclass
class Desk:
    """A provider on loopback, and what a keeper and its workers would remember."""

    provider: FakeProvider
    kind: str
    told: list[str] = field(default_factory=list)
    """What the keeper was told, in order."""

    def model(self, **given: Any) -> Model:
        return Model(
            name="Omni",
            model_id="omni",
            provider=self.kind,
            api_key=KEY,
            endpoint=self.provider.endpoint(self.kind),
            **{
                "provider_model": "fal-ai/omni/edit" if self.kind == "fal" else "studio/omni",
                "parameters": {"steps": 14, "seed": 5},
                **given,
            },
        )

    async def ask(
        self, *, seconds: float = 20.0, once: Keep = unkept, prompt: str = "ink", **given: Any
    ) -> bytes:
        """One try by a worker that knows nothing but its lease."""

        async def keep(handle: str) -> None:
            # Nobody has asked for the result before this is known.
            name = handle.rpartition(" ")[2]
            assert not name or not any(name in call.path for call in self.provider.asked("poll"))
            self.told.append(handle)

        async def nothing(*_: object) -> None:
            return None

        web = Web(Patience(polls=(0.01,), fetches=(0.01,)))
        made = adapter(self.model(**given), Shared(Camera(), lambda: web, asyncio.Semaphore(1)))
        request = Request(
            template=template(),
            prompt=prompt,
            negative_prompt="blur",
            deadline=asyncio.get_running_loop().time() + seconds,
            renders=nothing,  # type: ignore[arg-type]
            palette=nothing,
            say=lambda _: None,
            seed=7,
            once=once,
            handles=Handles(self.told[-1] if self.told else "", keep),
        )
        try:
            picture = await made.edit(request)
        finally:
            await web.close()
        assert isinstance(picture, bytes)
        return picture

    async def fails(self, **given: Any) -> TryFailed:
        with pytest.raises(TryFailed) as caught:
            await self.ask(**given)
        return caught.value


@asynccontextmanager
async def desk(kind: str, **given: Any) -> AsyncIterator[Desk]:
    async with FakeProvider(key=KEY, **given) as provider:
        yield Desk(provider, kind)


@pytest.mark.parametrize("kind", PROVIDERS)
async def test_a_call_is_begun_looked_at_and_fetched(kind: str) -> None:
    async with desk(kind, polls=2) as there:
        picture = await there.ask()
        assert np.array_equal(inspect(picture), painted(template().pixels()))
        places = [call.place for call in there.provider.calls]
        assert places == ["ask", "poll", "poll", "poll", *(["answer"] if kind == "fal" else []), "fetch"]
        asked = there.provider.calls[0].json
        told = asked["input"] if kind == "replicate" else asked
        field = {"oxen-queue": "input_image", "replicate": "image", "fal": "image_url"}[kind]
        assert told.pop(field).startswith("data:image/png;base64,")
        model = {"model": "studio/omni"} if kind == "oxen-queue" else {}
        steps = {"num_inference_steps": 14, "seed": 7}
        assert told == {"prompt": "ink", "negative_prompt": "blur", **steps, **model}
        assert all(call.holds(KEY) == (call.place != "fetch") for call in there.provider.calls)
        assert len(there.told) == 1


@pytest.mark.parametrize("kind", PROVIDERS)
async def test_another_worker_goes_on_with_what_was_paid_for(kind: str) -> None:
    async with desk(kind) as there:
        there.provider.open.clear()
        failure = await there.fails(seconds=0.5)
        assert (failure.error_class, failure.retry) == ("transient", True)
        there.provider.open.set()
        await there.ask()
        assert (len(there.provider.asked()), len(there.told)) == (1, 1)


@pytest.mark.parametrize("kind", PROVIDERS)
async def test_a_worker_that_is_stopped_leaves_the_call_to_the_next(kind: str) -> None:
    async with desk(kind) as there:
        there.provider.open.clear()
        trying = asyncio.create_task(there.ask())
        await there.provider.hears(1, "poll")
        trying.cancel()
        await asyncio.gather(trying, return_exceptions=True)
        there.provider.open.set()
        await there.ask()
        assert len(there.provider.asked()) == 1
        assert not there.provider.asked("cancel")


@pytest.mark.parametrize("kind", PROVIDERS)
async def test_another_question_is_another_call(kind: str) -> None:
    async with desk(kind) as there:
        for prompt in ("ink", "water"):
            await there.ask(prompt=prompt)
        assert len(there.provider.asked()) == 2


@pytest.mark.parametrize("kind", PROVIDERS)
@pytest.mark.parametrize(
    ("mode", "error_class"), [("failed", "transient"), ("moderated", "moderated"), ("404", "transient")]
)
async def test_what_came_to_nothing_is_asked_for_anew(kind: str, mode: Any, error_class: str) -> None:
    async with desk(kind) as there:
        there.provider.fault = Fault(mode, at="poll")
        failure = await there.fails()
        assert (failure.error_class, there.told[1:]) == (error_class, [""])
        there.provider.fault = Fault()
        await there.ask()
        assert len(there.provider.asked()) == 2


@pytest.mark.parametrize("kind", PROVIDERS)
@pytest.mark.parametrize(
    ("fault", "error_class"),
    [
        (Fault("500", at="poll"), "transient"),
        (Fault("html", at="poll"), "transient"),
        (Fault("429 seconds", at="poll", seconds=7), "rate_limited"),
        (Fault("401", at="poll"), "auth"),
        (Fault("403", at="fetch"), "transient"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value.mode} at {value.at}",
)
async def test_a_question_that_is_not_answered_costs_nothing(
    kind: str, fault: Fault, error_class: str
) -> None:
    async with desk(kind) as there:
        there.provider.fault = fault
        failure = await there.fails()
        assert (failure.error_class, len(there.told)) == (error_class, 1)
        assert failure.retry_after == (7 if error_class == "rate_limited" else None)
        there.provider.fault = Fault()
        await there.ask()
        assert len(there.provider.asked()) == 1


@pytest.mark.parametrize("kind", PROVIDERS)
async def test_the_picture_is_kept_not_only_its_address(kind: str, tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    async with desk(kind) as there:
        first, second = Once(spool, 1), Once(spool, 1)
        picture = await there.ask(once=first)
        heard = len(there.provider.calls)
        assert await there.ask(once=second) == picture
        assert len(there.provider.calls) == heard
        assert (first.calls, first.answers, second.calls, second.answers) == (1, 1, 0, 1)


@pytest.mark.parametrize("kind", PROVIDERS)
async def test_a_call_without_a_name_is_a_failed_try(kind: str) -> None:
    async with desk(kind) as there:
        there.provider.fault = Fault("html")
        failure = await there.fails()
        assert failure.reason == "Omni took the call and did not say what it is called."
        assert there.told == []


async def test_a_version_of_a_model_has_an_address_of_its_own() -> None:
    version = "5f" * 32
    async with desk("replicate") as there:
        for named in (version, f"studio/omni:{version}"):
            await there.ask(provider_model=named, prompt=named)
        assert [call.path for call in there.provider.asked()] == ["/v1/predictions"] * 2
        assert {call.json["version"] for call in there.provider.asked()} == {version}


async def test_a_field_of_several_pictures_gets_a_list() -> None:
    async with desk("fal") as there:
        await there.ask(image_field="image_urls[]")
        assert [uri[:14] for uri in there.provider.asked()[0].json["image_urls"]] == ["data:image/png"]


async def test_a_picture_in_the_answer_itself_is_not_fetched() -> None:
    async with desk("fal") as there:
        await there.ask(parameters={"sync_mode": True})
        assert not there.provider.asked("fetch")
