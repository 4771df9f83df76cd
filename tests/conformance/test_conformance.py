"""Our requests beside those of the providers' own clients: each difference stands in docs/models.md."""

import asyncio
import fnmatch
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from services.generator import mask
from services.generator.calls.web import Patience, Web
from services.generator.models import Request, Shared, adapter
from services.model import Model
from services.scene import Camera
from tests.conformance.official import CLIENTS, MODEL, PROMPT, SEED, STEPS, Order
from tests.generator.test_oxen import template
from tests.provider import Call, FakeProvider, painted, pixels
from tests.provider.call import File
from tests.provider.painting import picture_file

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "models.md"
KEY = "hf_CANARY-5be1c2"
HEAD = ["provider", "call", "what", "its own client", "Tilewright", "why"]
ALL = "all"
NONE = "–"
PICTURE = "the template"


@dataclass(frozen=True)
class Difference:
    """One row of the table in the document; `what` may have a `*`."""

    provider: str
    place: str
    what: str
    theirs: str
    ours: str


def documented() -> list[Difference]:
    """The rows of the table."""
    rows = [
        [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        for line in DOCUMENT.read_text().splitlines()
        if line.startswith("|")
    ]
    start = rows.index(HEAD)
    found: list[Difference] = []
    for row in rows[start + 2 :]:
        if len(row) != len(HEAD):
            break
        assert row[-1], f"no reason is given for {row}"
        found.append(Difference(*row[:-1]))
    return found


def fields(call: Call, order: Order) -> dict[str, str]:
    """All that a request says, by name; what stands for the same picture is called so."""
    said = {"method": call.method, "path": call.path.replace(call.parts.get("id", "\0"), "ID")}
    said |= {f"query {name}": value for name, value in call.query.items()}
    for name, value in call.headers.items():
        # A form's boundary is chance, and a length follows from the rest.
        said[f"header {name.lower()}"] = value.partition(";")[0]
    said.pop("header content-length", None)
    said.pop("header host", None)
    for name, value in call.form.items():
        said[f"form {name}"] = _file(value, order) if isinstance(value, File) else value
    _spread("body", call.json, order, said)
    return said


def _file(file: File, order: Order) -> str:
    what = {order.image: PICTURE, order.mask: "the mask"}.get(file.content, "another file")
    return f"{what} as {file.name}, {file.type}"


def _spread(name: str, value: Any, order: Order, said: dict[str, str]) -> None:
    if isinstance(value, dict):
        for key, held in value.items():
            _spread(f"{name} {key}", held, order, said)
    elif isinstance(value, list):
        for number, held in enumerate(value):
            _spread(f"{name} {number}", held, order, said)
    else:
        said[name] = _shown(value, order)


def _shown(value: object, order: Order) -> str:
    if isinstance(value, str) and len(value) > 1_000:
        head = value[: value.index(",") + 1] if value.startswith("data:") else ""
        alphabet = "base64url" if set("-_") & set(value[len(head) :]) else "base64"
        what = PICTURE if picture_file(value) == order.image else "another picture"
        return f"{what} as {head}{alphabet}"
    return repr(value)


async def of_ours(kind: str, provider: FakeProvider, order: Order) -> list[Call]:
    """What our adapter sends."""
    web = Web(Patience(polls=(0.01,)))

    async def nothing(*_: object) -> None:
        return None

    model = Model(
        name="Omni",
        model_id="omni",
        provider=kind,
        provider_model="omni" if kind == "gemini" else MODEL,
        api_key=order.key,
        endpoint=provider.endpoint(kind),
        parameters={} if kind == "gemini" else {"steps": STEPS},
    )
    request = Request(
        template=template(),
        prompt=PROMPT,
        negative_prompt="",
        deadline=asyncio.get_running_loop().time() + 60,
        renders=nothing,  # type: ignore[arg-type]
        palette=nothing,
        say=lambda _: None,
        seed=SEED,
    )
    try:
        made = adapter(model, Shared(Camera(), lambda: web, asyncio.Semaphore(1)))
        picture = await made.edit(request)
    finally:
        await web.close()
    assert isinstance(picture, bytes)
    assert (pixels(picture) == painted(pixels(order.image))).all()
    return provider.calls


def differences(theirs: list[Call], ours: list[Call], order: Order) -> dict[tuple[str, str], tuple[str, str]]:
    """By purpose of the request and name of the field, what the two say where it is not the same."""
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for place in ("ask", "poll", "answer"):
        one = next((fields(call, order) for call in theirs if call.place == place), {})
        two = next((fields(call, order) for call in ours if call.place == place), {})
        for name in sorted({*one, *two}):
            said = one.get(name, NONE), two.get(name, NONE)
            if said[0] != said[1]:
                found[place, name] = said
    return found


def is_meant(row: Difference, kind: str, place: str, name: str, said: tuple[str, str]) -> bool:
    """Whether a row of the document speaks of a difference, and is right about who says it at all."""
    cells = row.theirs, row.ours
    return (
        row.provider in (kind, ALL)
        and row.place in (place, ALL)
        and fnmatch.fnmatchcase(name, row.what)
        and all((cell == NONE) == (held == NONE) for cell, held in zip(cells, said, strict=True))
    )


@pytest.mark.parametrize("kind", CLIENTS)
async def test_every_difference_from_a_providers_own_client_is_meant(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The client of Hugging Face says elsewhere what it was used for.
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    shown = template()
    async with FakeProvider(key=KEY) as one, FakeProvider(key=KEY) as two:
        order = Order(one.url, KEY, shown.png(), mask.clear(shown))
        await asyncio.to_thread(CLIENTS[kind], order)
        found = differences(one.calls, await of_ours(kind, two, order), order)
    rows = [row for row in documented() if row.provider in (kind, ALL)]
    unnamed = {
        key: said for key, said in found.items() if not any(is_meant(row, kind, *key, said) for row in rows)
    }
    told = (f"{place}: {name}: {theirs} | {ours}" for (place, name), (theirs, ours) in unnamed.items())
    assert not unnamed, "\n".join(("these are not in docs/models.md:", *told))
    stale = [
        row
        for row in rows
        if row.provider == kind and not any(is_meant(row, kind, *key, said) for key, said in found.items())
    ]
    assert not stale, f"docs/models.md names what is no difference: {stale}"


def test_the_document_names_the_providers_that_are_compared() -> None:
    assert {row.provider for row in documented()} <= {*CLIENTS, ALL}
