"""The fake provider itself, asked as each provider's own documentation says."""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import numpy as np
import pytest

from services.tiling.quadrant import Box
from tests.generator.city import draw, png
from tests.provider import FakeProvider, Fault, Trap, painted, pixels

KEY = "CANARY-41aa07"
TEMPLATE = png(draw(Box(0, 0, 1024, 1024))[0])
ENCODED = base64.b64encode(TEMPLATE).decode()
URI = f"data:image/png;base64,{ENCODED}"
BEARER = {"Authorization": f"Bearer {KEY}"}

Ask = Callable[[aiohttp.ClientSession, str], Awaitable[bytes]]


async def told(answer: aiohttp.ClientResponse) -> Any:
    assert answer.ok, await answer.text()
    return await answer.json()


async def fetched(session: aiohttp.ClientSession, address: str) -> bytes:
    async with session.get(address, raise_for_status=True) as answer:
        return await answer.read()


async def oxen(session: aiohttp.ClientSession, url: str) -> bytes:
    asked = {"model": "m", "prompt": "p", "input_image": URI, "response_format": "b64_json"}
    async with session.post(f"{url}/api/ai/images/edit", json=asked, headers=BEARER) as answer:
        return base64.b64decode((await told(answer))["images"][0]["b64_json"])


async def oxen_queue(session: aiohttp.ClientSession, url: str) -> bytes:
    asked = {"model": "m", "prompt": "p", "input_image": URI}
    async with session.post(f"{url}/api/ai/queue", json=asked, headers=BEARER) as answer:
        id = (await told(answer))["generations"][0]["generation_id"]
    while True:
        async with session.get(f"{url}/api/ai/queue/{id}", headers=BEARER) as answer:
            said = await told(answer)
        if said["status"] == "succeeded":
            return await fetched(session, said["result_url"])
        await asyncio.sleep(0.01)


async def url_json(session: aiohttp.ClientSession, url: str) -> bytes:
    asked = {"image_b64": ENCODED, "prompt": "p"}
    async with session.post(f"{url}/edit-b64", json=asked, headers=BEARER) as answer:
        return base64.b64decode((await told(answer))["image_b64"])


async def url_form(session: aiohttp.ClientSession, url: str) -> bytes:
    form = aiohttp.FormData({"prompt": "p"})
    form.add_field("image", TEMPLATE, filename="image.png", content_type="image/png")
    async with session.post(f"{url}/edit", data=form, headers=BEARER, raise_for_status=True) as answer:
        return await answer.read()


async def openai(session: aiohttp.ClientSession, url: str) -> bytes:
    form = aiohttp.FormData({"model": "m", "prompt": "p", "size": "1024x1024"})
    form.add_field("image", TEMPLATE, filename="image.png", content_type="image/png")
    form.add_field("mask", TEMPLATE, filename="mask.png", content_type="image/png")
    async with session.post(f"{url}/v1/images/edits", data=form, headers=BEARER) as answer:
        return base64.b64decode((await told(answer))["data"][0]["b64_json"])


async def gemini(session: aiohttp.ClientSession, url: str) -> bytes:
    parts = [{"text": "p"}, {"inlineData": {"mimeType": "image/png", "data": ENCODED}}]
    asked = {"contents": [{"parts": parts}], "generationConfig": {"responseModalities": ["IMAGE"]}}
    address = f"{url}/v1beta/models/m:generateContent"
    async with session.post(address, json=asked, headers={"x-goog-api-key": KEY}) as answer:
        found = (await told(answer))["candidates"][0]["content"]["parts"]
    return base64.b64decode(next(part["inlineData"]["data"] for part in found if "inlineData" in part))


async def replicate(session: aiohttp.ClientSession, url: str) -> bytes:
    asked = {"input": {"prompt": "p", "image": URI}}
    async with session.post(f"{url}/v1/models/o/m/predictions", json=asked, headers=BEARER) as answer:
        said = await told(answer)
    while said["status"] != "succeeded":
        await asyncio.sleep(0.01)
        async with session.get(said["urls"]["get"], headers=BEARER) as answer:
            said = await told(answer)
    return await fetched(session, said["output"])


async def fal(session: aiohttp.ClientSession, url: str) -> bytes:
    asked, key = {"prompt": "p", "image_url": URI}, {"Authorization": f"Key {KEY}"}
    async with session.post(f"{url}/queue.fal.run/fal-ai/m/edit", json=asked, headers=key) as answer:
        job = await told(answer)
    while True:
        async with session.get(job["status_url"], headers=key) as answer:
            if (await told(answer))["status"] == "COMPLETED":
                break
        await asyncio.sleep(0.01)
    async with session.get(job["response_url"], headers=key) as answer:
        return await fetched(session, (await told(answer))["images"][0]["url"])


async def fal_sync(session: aiohttp.ClientSession, url: str) -> bytes:
    asked, key = {"prompt": "p", "image_url": URI}, {"Authorization": f"Key {KEY}"}
    async with session.post(f"{url}/fal.run/fal-ai/m", json=asked, headers=key) as answer:
        return await fetched(session, (await told(answer))["images"][0]["url"])


async def huggingface(session: aiohttp.ClientSession, url: str) -> bytes:
    asked = {"inputs": ENCODED, "parameters": {"prompt": "p"}}
    address = f"{url}/hf-inference/models/o/m"
    async with session.post(address, json=asked, headers=BEARER, raise_for_status=True) as answer:
        return await answer.read()


async def comfyui(session: aiohttp.ClientSession, url: str) -> bytes:
    form = aiohttp.FormData({"overwrite": "true"})
    form.add_field("image", TEMPLATE, filename="t.png", content_type="image/png")
    async with session.post(f"{url}/upload/image", data=form, headers=BEARER) as answer:
        name = (await told(answer))["name"]
    graph = {
        "1": {"class_type": "LoadImage", "inputs": {"image": name}},
        "9": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}},
    }
    async with session.post(f"{url}/prompt", json={"prompt": graph}, headers=BEARER) as answer:
        id = (await told(answer))["prompt_id"]
    while True:
        async with session.get(f"{url}/history/{id}", headers=BEARER) as answer:
            if id in (history := await told(answer)):
                break
        await asyncio.sleep(0.01)
    image = history[id]["outputs"]["9"]["images"][0]
    return await fetched(session, f"{url}/view?filename={image['filename']}&type={image['type']}")


ASKS: list[Ask] = [
    oxen,
    oxen_queue,
    url_json,
    url_form,
    openai,
    gemini,
    replicate,
    fal,
    fal_sync,
    huggingface,
    comfyui,
]


@pytest.mark.parametrize("ask", ASKS)
async def test_every_dialect_answers_with_the_painted_template(ask: Ask) -> None:
    async with FakeProvider(key=KEY) as provider, aiohttp.ClientSession() as session:
        picture = await ask(session, provider.url)
        assert np.array_equal(pixels(picture), painted(pixels(TEMPLATE)))
        assert len(provider.asked()) == 1
        assert all(call.holds(KEY) == (call.place != "fetch") for call in provider.calls)
        provider.key = "another"
        with pytest.raises((AssertionError, aiohttp.ClientResponseError), match=r"401|Unauthorized"):
            await ask(session, provider.url)


async def test_a_redirect_leads_into_the_trap() -> None:
    async with (
        Trap() as trap,
        FakeProvider(Fault("redirect", times=1), trap=trap) as provider,
        aiohttp.ClientSession() as session,
    ):
        async with session.post(f"{provider.url}/edit-b64", json={}, headers=BEARER) as answer:
            assert await answer.text() == "You should not be here."
        assert [(call.method, call.path) for call in trap.calls] == [("POST", "/elsewhere")]
        await url_json(session, provider.url)
