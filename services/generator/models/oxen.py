"""Oxen.ai: image edits over HTTP, with the template sent along as a data URI."""

import asyncio
import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

import aiohttp
from yarl import URL

from services.config import TEMPLATE_FIELD, Model
from services.generator.models.adapter import Adapter, Picture, Request
from services.generator.models.refusal import EXCERPT, document, is_moderated, refusal
from services.generator.models.secret import Secret
from services.generator.models.web import Web, body, is_loopback, timeout
from services.scene import PASSES, Pass
from services.task import TryFailed

ENDPOINT = "https://hub.oxen.ai"
PATH = "/api/ai/images/edit"


class Oxen(Adapter):
    """One model at Oxen, or at a server that speaks as Oxen does."""

    def __init__(self, model: Model, web: Web) -> None:
        self._model = model
        self._web = web
        self._base = URL(model.endpoint or ENDPOINT)
        key = model.key()
        self._key = Secret(key) if key else None

    @property
    def takes(self) -> tuple[Pass, ...]:
        """Those that the configuration names a field for."""
        return tuple(name for name in PASSES if name in self._model.conditioning)

    @property
    def source(self) -> str:
        """The provider and its name for the model."""
        return f"oxen {self._model.model_id}"

    @property
    def parameters(self) -> Mapping[str, object]:
        """The provider's name for the model, the number of its steps, and which pass goes where."""
        steps = {} if self._model.steps is None else {"num_inference_steps": self._model.steps}
        shown = {"conditioning": self._model.conditioning} if self._model.conditioning else {}
        return {"model": self._model.model_id, **steps, **shown}

    async def edit(self, request: Request) -> Picture:
        """Ask once; every way in which it can go wrong has its class and its sentence."""
        key = self._key
        if key is None:
            raise TryFailed("unavailable", self._model.why_unavailable(), retry=False)
        asked = request.key({**self.parameters, "endpoint": str(self._base)})
        content = await request.once(asked, lambda: self._ask(request, key))
        return await self._picture(content, request)

    async def _ask(self, request: Request, key: Secret) -> bytes:
        """What is answered to one call, which has been paid for when it is here."""
        # A megabyte is drawn, packed and read in threads, so that many calls at once do not wait for it.
        asked = await asyncio.to_thread(self._body, request)
        request.say(f"waiting for {self._model.name}")
        try:
            # Redirects are not followed: the key is meant for the configured address only.
            async with self._web.provider().post(
                self._base.join(URL(self._base.path.rstrip("/") + PATH)),
                data=asked,
                headers={"Authorization": f"Bearer {key.reveal()}", "Content-Type": "application/json"},
                allow_redirects=False,
                timeout=timeout(self._seconds_left(request)),
            ) as answer:
                content = await body(answer)
                status, headers = answer.status, answer.headers
        except TimeoutError as error:
            seconds = f"{self._model.timeout_seconds:g} s"
            raise TryFailed("transient", f"{self._model.name} did not answer within {seconds}.") from error
        except aiohttp.ClientError as error:
            what = key.hide_in(f"{type(error).__name__}: {error}")[:EXCERPT]
            raise TryFailed("transient", f"{self._model.name} could not be reached: {what}.") from None
        if status != 200:
            raise refusal(self._model, status, headers, content, secret=key)
        return content

    def _body(self, request: Request) -> bytes:
        template = request.template
        pictures, others = [_data_uri(template.png())], {}
        for name in self.takes:
            assert template.conditioning is not None
            field, picture = self._model.conditioning[name], _data_uri(template.conditioning.png(name))
            if field == TEMPLATE_FIELD:
                pictures.append(picture)
            else:
                others[field] = picture
        asked: dict[str, Any] = {
            "model": self._model.model_id,
            "prompt": request.prompt,
            TEMPLATE_FIELD: pictures if len(pictures) > 1 else pictures[0],
            "response_format": "b64_json",
            **others,
        }
        if self._model.steps is not None:
            asked["num_inference_steps"] = self._model.steps
        if request.negative_prompt:
            asked["negative_prompt"] = request.negative_prompt
        return json.dumps(asked).encode()

    def _seconds_left(self, request: Request) -> float:
        return max(request.deadline - asyncio.get_running_loop().time(), 0.001)

    async def _picture(self, content: bytes, request: Request) -> bytes:
        """The picture in the answer, or the one it points at."""
        item = await asyncio.to_thread(_first_image, content)
        encoded, address = item.get("b64_json"), item.get("url")
        if isinstance(encoded, str) and encoded:
            try:
                return await asyncio.to_thread(base64.b64decode, encoded, validate=True)
            except (binascii.Error, ValueError):
                raise TryFailed("bad_image", f"{self._model.name} sent base64 that cannot be read.") from None
        if isinstance(address, str) and address:
            request.say("fetching the picture")
            return await self._web.picture(
                address, seconds=self._seconds_left(request), private=is_loopback(self._base)
            )
        if await asyncio.to_thread(is_moderated, content):
            raise TryFailed(
                "moderated", f"{self._model.name} refused the content. Change the prompt.", retry=False
            )
        raise TryFailed("bad_image", f"{self._model.name} answered without a picture.")


def _data_uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()


def _first_image(content: bytes) -> dict[str, Any]:
    answer = document(content)
    for field in ("images", "data"):
        found = answer.get(field)
        if isinstance(found, list) and found and isinstance(found[0], dict):
            return found[0]
    return {}
