"""One request that a fake server got: all of it, so that a test can look for what should not be there."""

import asyncio
import base64
import json
import time
from dataclasses import dataclass, field
from typing import Any, Literal

import aiohttp
from aiohttp import web
from aiohttp.base_protocol import BaseProtocol
from multidict import CIMultiDict

Place = Literal["ask", "poll", "answer", "fetch", "upload", "cancel", "trap"]
"""What a request is for: the call that is paid for, a look whether it is done, what came of it, the picture
at an address, a file sent ahead, a job called off; and what should never have been sent at all."""


@dataclass(frozen=True)
class File:
    """A file in a form."""

    name: str
    type: str
    content: bytes


@dataclass(frozen=True)
class Call:
    """What was asked, as it came."""

    dialect: str
    place: Place
    at: float
    """On the monotonic clock, when the whole of it was here."""
    method: str
    path: str
    query: dict[str, str]
    parts: dict[str, str]
    """What the path names: the model, the id of a job."""
    headers: CIMultiDict[str]
    raw: bytes
    json: dict[str, Any] = field(default_factory=dict)
    """The body, if it is a JSON object."""
    form: dict[str, str | File] = field(default_factory=dict)
    """The body, if it is a form; of fields that come several times the last."""
    repeated: dict[str, list[str | File]] = field(default_factory=dict)
    """The same with all that came."""

    def holds(self, key: str) -> bool:
        """Whether a key is anywhere in it, as it is or in base64."""
        whole = self.raw + repr((self.path, self.query, list(self.headers.items()))).encode()
        return any(form in whole for form in (key.encode(), base64.b64encode(key.encode())))


async def heard(request: web.Request, dialect: str, place: Place) -> Call:
    """A request with its body read to the end."""
    raw = await request.read()
    kind = request.content_type
    form: dict[str, list[str | File]] = {}
    if kind == "multipart/form-data":
        form = await _form(request, raw)
    body: Any = None
    if kind.endswith("json"):
        try:
            body = await asyncio.to_thread(json.loads, raw)
        except ValueError:
            body = None
    return Call(
        dialect=dialect,
        place=place,
        at=time.monotonic(),
        method=request.method,
        path=request.path,
        query=dict(request.query),
        parts=dict(request.match_info),
        headers=CIMultiDict(request.headers),
        raw=raw,
        json=body if isinstance(body, dict) else {},
        form={name: values[-1] for name, values in form.items()},
        repeated=form,
    )


async def _form(request: web.Request, raw: bytes) -> dict[str, list[str | File]]:
    """The fields of a form that was read already."""
    loop = asyncio.get_running_loop()
    stream = aiohttp.StreamReader(BaseProtocol(loop), len(raw) + 1, loop=loop)
    stream.feed_data(raw)
    stream.feed_eof()
    fields: dict[str, list[str | File]] = {}
    reader = aiohttp.MultipartReader(request.headers, stream)
    while (part := await reader.next()) is not None:
        assert isinstance(part, aiohttp.BodyPartReader) and part.name is not None
        content = bytes(await part.read(decode=True))
        kind = part.headers.get("Content-Type", "")
        value = content.decode() if part.filename is None else File(part.filename, kind, content)
        fields.setdefault(part.name, []).append(value)
    return fields
