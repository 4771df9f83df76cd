"""Answers in JSON, remembered by Idempotency-Key: asked again, the same request changes nothing."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from protocol.errors import Code, ProtocolError
from protocol.message import Message
from services.gateway.intake import read_json

REMEMBERED_ANSWERS = 1_000
REMEMBERED_SECONDS = 600.0

Act = Callable[[web.Request, dict[str, Any]], Awaitable[web.Response]]
Answer = tuple[float, bytes, int, bytes]


class Answers:
    """What requests with an Idempotency-Key got, so that a repeat gets the same and changes nothing.

    Remembered only, for ten minutes: after a restart of the gateway a repeated plan is still harmless,
    since its id is made from the key; a repeated cancel, retry, pause or clear is then carried out anew.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, Answer] = OrderedDict()

    def once(self, act: Act, **bounds: int) -> Callable[[web.Request], Awaitable[web.Response]]:
        """The handler that reads the body, then acts or answers from memory."""

        async def handle(request: web.Request) -> web.Response:
            content, raw = await read_json(request, **bounds)
            key = idempotency_key(request)
            if key is None:
                return await act(request, content)
            name = hashlib.sha256(f"{request.path_qs}\n{key}".encode()).digest()
            digest = hashlib.sha256(raw).digest()
            known = self._known.get(name)
            if known is not None and time.monotonic() - known[0] < REMEMBERED_SECONDS:
                if known[1] != digest:
                    raise ProtocolError(
                        Code.CONFLICT, "This Idempotency-Key came with another body before; use a new one."
                    )
                return web.Response(status=known[2], body=known[3], content_type="application/json")
            answer = await act(request, content)
            assert isinstance(answer.body, bytes)
            self._known[name] = (time.monotonic(), digest, answer.status, answer.body)
            while len(self._known) > REMEMBERED_ANSWERS:
                self._known.popitem(last=False)
            return answer

        return handle


def idempotency_key(request: web.Request) -> str | None:
    """The key that a request carries, if it carries one."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not 0 < len(key) <= 300:
        raise ProtocolError(Code.BAD_REQUEST, "Idempotency-Key: is a text of 1 to 300 characters.")
    return key


def as_json(message: Message) -> web.Response:
    """The keeper's answer as it is."""
    return web.Response(body=message.model_dump_json().encode(), content_type="application/json")
