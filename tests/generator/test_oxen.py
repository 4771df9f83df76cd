"""The Oxen adapter in conversation with a server on loopback."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from services.generator.calls.endpoint import Endpoint
from services.generator.calls.once import Keep, Once, unkept
from services.generator.calls.web import Patience, Web
from services.generator.compose import Template
from services.generator.conditioning import Conditioning
from services.generator.inspection import inspect
from services.generator.models.adapter import Request
from services.generator.models.oxen import Oxen
from services.model import Model
from services.scene import Camera, Pass
from services.spool import Spool
from services.tiling.seam import Window
from services.worker import TryFailed
from tests.generator.city import layers
from tests.generator.fake_oxen import FakeOxen, picture_in, sent

KEY = "CANARY-9f3b7c"


@dataclass
class Bench:
    """A fake server and an adapter that calls it."""

    server: FakeOxen
    web: Web

    def adapter(
        self,
        *,
        endpoint: str | None = None,
        timeout_seconds: float = 20.0,
        conditioning: dict[str, str] | None = None,
    ) -> Oxen:
        model = Model(
            name="Omni",
            model_id="omni-1",
            provider="oxen",
            api_key="${TILEWRIGHT_TEST_KEY}",
            endpoint=endpoint or self.server.url,
            parameters={"steps": 14},
            timeout_seconds=timeout_seconds,
            conditioning=conditioning or {},
        )
        return Oxen(model, Endpoint(model, self.web))

    async def fails(self, mode: str, **given: object) -> TryFailed:
        self.server.mode = mode
        with pytest.raises(TryFailed) as caught:
            await ask(self.adapter(**given))  # type: ignore[arg-type]
        return caught.value


@pytest.fixture
async def bench(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    monkeypatch.setenv("TILEWRIGHT_TEST_KEY", KEY)
    web = Web(Patience(fetches=(0.01, 0.01)))
    async with FakeOxen() as server:
        yield Bench(server, web)
    await web.close()


def template(*passes: Pass) -> Template:
    infill = frozenset([(0, 0), (1, 0), (0, 1), (1, 1)])
    window, (render, objects, depth) = (
        Window(0, 0),
        [{cell: layers(cell)[name] for cell in infill} for name in ("render", "object", "depth")],
    )
    shown = Conditioning(window, Camera(), passes, objects, depth) if passes else None
    return Template(window, infill, render, {}, shown)


async def ask(
    adapter: Oxen,
    *,
    seconds: float = 20.0,
    prompt: str = "pixel art",
    negative: str = "blur",
    once: Keep = unkept,
) -> bytes:
    async def nothing(*_: object) -> None:
        return None

    request = Request(
        template=template(*adapter.takes),
        prompt=prompt,
        negative_prompt=negative,
        deadline=asyncio.get_running_loop().time() + seconds,
        renders=nothing,  # type: ignore[arg-type]
        palette=nothing,
        say=lambda _: None,
        once=once,
    )
    picture = await adapter.edit(request)
    assert isinstance(picture, bytes)
    return picture


async def test_the_request_carries_the_template_and_the_key_in_its_header(bench: Bench) -> None:
    picture = await ask(bench.adapter())
    asked, headers = bench.server.asked[0], bench.server.headers[0]
    assert {name: asked[name] for name in asked if name != "input_image"} == {
        "model": "omni-1",
        "prompt": "pixel art",
        "negative_prompt": "blur",
        "num_inference_steps": 14,
        "response_format": "b64_json",
    }
    assert np.array_equal(sent(asked), template().pixels())
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert np.array_equal(inspect(picture), 255 - template().pixels())


async def test_what_is_not_configured_is_not_sent(bench: Bench) -> None:
    await ask(bench.adapter(), negative="")
    assert "negative_prompt" not in bench.server.asked[0]


async def test_passes_go_where_the_configuration_says_and_nowhere_else(bench: Bench) -> None:
    assert bench.adapter().takes == ()
    assert "conditioning" not in bench.adapter().parameters
    adapter = bench.adapter(
        conditioning={"class": "input_image", "depth16": "control_image", "normals": "input_image"}
    )
    assert adapter.takes == ("depth16", "normals", "class")
    assert adapter.parameters["conditioning"] == {
        "class": "input_image",
        "depth16": "control_image",
        "normals": "input_image",
    }
    await ask(adapter)
    asked = bench.server.asked[0]
    shown = template(*adapter.takes).conditioning
    assert shown is not None
    assert np.array_equal(picture_in(asked["control_image"]), shown.picture("depth16"))
    for sent_there, expected in zip(
        asked["input_image"],
        (template().pixels(), shown.picture("normals"), shown.picture("class")),
        strict=True,
    ):
        assert np.array_equal(picture_in(sent_there), expected)


async def test_an_answer_kept_for_other_passes_is_not_taken(bench: Bench, tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for fields in ({}, {"class": "input_image"}, {"class": "seg"}, {"normals": "seg"}, {"normals": "seg"}):
        await ask(bench.adapter(conditioning=fields), once=Once(spool, 7))
    assert len(bench.server.asked) == 4


async def test_a_picture_behind_an_address_is_fetched_without_the_key(bench: Bench) -> None:
    bench.server.mode = "url"
    bench.server.failures_left = 2
    assert np.array_equal(inspect(await ask(bench.adapter())), 255 - template().pixels())
    assert len(bench.server.fetched) == 3
    assert all("Authorization" not in headers for headers in bench.server.fetched)


async def test_a_picture_that_stays_away_may_come_another_time(bench: Bench) -> None:
    bench.server.failures_left = 99
    failure = await bench.fails("url")
    assert (failure.error_class, failure.retry) == ("transient", True)
    assert "403" in failure.reason


@pytest.mark.parametrize(
    ("mode", "error_class", "retry"),
    [
        ("401", "auth", False),
        ("403", "auth", False),
        ("402", "unavailable", False),
        ("404", "rejected", False),
        ("422", "rejected", False),
        ("redirect", "rejected", False),
        ("429", "rate_limited", True),
        ("moderated", "moderated", False),
        ("moderated at 200", "moderated", False),
        ("500", "transient", True),
        ("503", "transient", True),
        ("reset", "transient", True),
        ("html", "bad_image", True),
        ("no image", "bad_image", True),
        ("flood", "bad_image", True),
        ("file url", "bad_image", True),
    ],
)
async def test_every_refusal_has_its_class(bench: Bench, mode: str, error_class: str, retry: bool) -> None:
    failure = await bench.fails(mode)
    assert (failure.error_class, failure.retry) == (error_class, retry)
    assert failure.reason.startswith(("Omni", "The"))


async def test_a_refused_key_says_where_to_look(bench: Bench) -> None:
    failure = await bench.fails("401")
    assert failure.reason == "Omni refused the key (HTTP 401). Check TILEWRIGHT_TEST_KEY."


async def test_a_server_that_hangs_is_left_at_the_deadline(bench: Bench) -> None:
    bench.server.mode = "hang"
    with pytest.raises(TryFailed, match="did not answer within 20 s") as caught:
        await ask(bench.adapter(), seconds=0.2)
    assert caught.value.error_class == "transient"


async def test_nobody_there_is_transient(bench: Bench) -> None:
    failure = await bench.fails("ok", endpoint="http://127.0.0.1:9")
    assert (failure.error_class, failure.retry) == ("transient", True)


async def test_a_picture_of_another_size_is_named_by_its_size(bench: Bench) -> None:
    bench.server.mode = "wrong size"
    picture = await ask(bench.adapter())
    with pytest.raises(TryFailed, match="came back 1000 × 1000") as caught:
        inspect(picture)
    assert caught.value.error_class == "bad_image"


@pytest.mark.parametrize(
    "address",
    [
        "http://10.0.0.7/a.png",
        "http://127.0.0.1:1/a.png",
        "http://2130706433/a.png",
        "http://[::1]/a.png",
        "http://[::ffff:10.0.0.1]/a.png",
        "http://169.254.169.254/latest",
        "http://localhost/a.png",
        "ftp://example.org/a.png",
        "file:///etc/passwd",
        "http://",
    ],
)
async def test_a_public_provider_cannot_point_into_the_private_network(bench: Bench, address: str) -> None:
    model = Model(
        name="Omni",
        model_id="omni-1",
        provider="oxen",
        api_key="${TILEWRIGHT_TEST_KEY}",
        result_hosts=["localhost", "2130706433"],
    )
    with pytest.raises(TryFailed) as caught:
        deadline = asyncio.get_running_loop().time() + 5.0
        await Endpoint(model, bench.web).picture(address, deadline=deadline)
    assert caught.value.error_class == "bad_image"


async def test_the_key_is_in_no_error_and_no_log(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for mode in ("401", "422", "429", "500", "html", "reset", "redirect"):
        failure = await bench.fails(mode)
        seen = [failure.reason, repr(failure), repr(failure.__cause__), repr(failure.__context__)]
        assert not any(KEY in text for text in seen), mode
    adapter = bench.adapter()
    assert KEY not in repr(adapter) + repr(vars(adapter))
    assert KEY not in caplog.text


async def test_without_a_key_it_is_unavailable(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TILEWRIGHT_TEST_KEY")
    failure = await bench.fails("ok")
    assert (failure.error_class, failure.retry) == ("unavailable", False)
    assert failure.reason == "TILEWRIGHT_TEST_KEY is not set."
    assert bench.server.asked == []


@pytest.mark.parametrize(
    ("mode", "header", "error_class", "seconds"),
    [
        ("429", "7", "rate_limited", 7.0),
        ("429", None, "rate_limited", None),
        ("429", "-3", "rate_limited", None),
        ("429", "soon", "rate_limited", None),
        ("503", "0.5", "rate_limited", 0.5),
        ("503", "garbage", "transient", None),
        ("500", "7", "transient", None),
    ],
)
async def test_how_long_to_wait_is_told_by_the_server(
    bench: Bench, mode: str, header: str | None, error_class: str, seconds: float | None
) -> None:
    bench.server.retry_after = header
    failure = await bench.fails(mode)
    assert (failure.error_class, failure.retry_after, failure.retry) == (error_class, seconds, True)


async def test_what_a_server_says_is_cut_after_the_key_is_hidden(bench: Bench) -> None:
    failure = await bench.fails("long words")
    said = failure.reason.partition(": ")[2]
    assert len(said) == 500
    assert "***" in said
    assert KEY[:5] not in failure.reason


async def test_an_answer_that_was_kept_is_not_asked_for_again(bench: Bench, tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    first, second, other = Once(spool, 1), Once(spool, 1), Once(spool, 2)
    pictures = [await ask(bench.adapter(), once=once) for once in (first, second, other)]
    assert pictures[0] == pictures[1] == pictures[2]
    assert [(once.calls, once.answers) for once in (first, second, other)] == [(1, 1), (0, 1), (1, 1)]
    assert len(bench.server.asked) == 2


async def test_another_question_is_another_call(bench: Bench, tmp_path: Path) -> None:
    once = Once(Spool(tmp_path / "spool"), 1)
    for change in ({}, {"negative": "noise"}, {"prompt": "ink"}, {}):
        await ask(bench.adapter(), once=once, **change)
    model = bench.adapter()._model.model_copy(update={"parameters": {"steps": 15}})
    await ask(Oxen(model, Endpoint(model, bench.web)), once=once)
    assert once.calls == 4


async def test_a_refusal_is_not_kept(bench: Bench, tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    bench.server.mode = "500"
    with pytest.raises(TryFailed):
        await ask(bench.adapter(), once=Once(spool, 1))
    bench.server.mode = "ok"
    await ask(bench.adapter(), once=Once(spool, 1))
    assert len(bench.server.asked) == 2


async def test_a_picture_that_could_not_be_fetched_was_paid_for(bench: Bench, tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    bench.server.mode, bench.server.failures_left = "url", 3
    with pytest.raises(TryFailed, match="was made, but"):
        await ask(bench.adapter(), once=Once(spool, 1))
    await ask(bench.adapter(), once=Once(spool, 1))
    assert (len(bench.server.asked), len(bench.server.fetched)) == (1, 4)
