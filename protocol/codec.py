"""Frames to messages: `[TW01] [msgpack map] [attachment …]`, the same way in both directions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgpack
from pydantic import ValidationError

from protocol.errors import Code, ProtocolError
from protocol.message import Error, Message

SIGNATURE = b"TW01"
MAP_LIMIT_BYTES = 8 << 20
"""The largest msgpack map: a plan of 20,000 steps fits. Attachments are bounded by the socket."""
ATTACHMENT_LIMIT = 256
ID_LIMIT = 128


@dataclass(frozen=True)
class Envelope:
    """One decoded message: its id, what it answers, its body, its attachments."""

    id: str
    body: Message
    re: str | None = None
    attachments: list[bytes] = field(default_factory=list)


Catalogue = Mapping[str, type[Message]]


def catalogue(*types: type[Message]) -> Catalogue:
    """The messages a socket takes, by the name on the wire."""
    known: list[type[Message]] = [*types, Error]
    return {message.TYPE: message for message in known}


def encode(envelope: Envelope) -> list[bytes]:
    """The frames of a message, without a routing identity."""
    body = {
        "type": envelope.body.TYPE,
        "id": envelope.id,
        "re": envelope.re,
        "body": envelope.body.model_dump(mode="json"),
    }
    return [SIGNATURE, msgpack.packb(body), *envelope.attachments]


def decode(frames: Sequence[bytes], known: Catalogue, *, limit: int = MAP_LIMIT_BYTES) -> Envelope:
    """The message in the frames after the routing identity; an empty first frame (REQ) is allowed.

    `limit` bounds the map in bytes: a client that trusts its server may allow more.
    Raises ProtocolError with the id of the offending message as far as it can be read.
    """
    if frames and frames[0] == b"":
        frames = frames[1:]
    if len(frames) < 2:
        raise ProtocolError(Code.BAD_FRAMES, "A message has at least two frames: TW01 and a msgpack map.")
    if frames[0] != SIGNATURE:
        if len(frames[0]) == 4 and frames[0][:2] == b"TW":
            version = frames[0].decode("ascii", "replace")
            raise ProtocolError(Code.UNSUPPORTED_VERSION, f"{version} is not spoken here; TW01 is.")
        raise ProtocolError(Code.BAD_FRAMES, "The first frame is not the signature TW01.")
    if len(frames) - 2 > ATTACHMENT_LIMIT:
        raise ProtocolError(Code.BAD_FRAMES, f"A message has at most {ATTACHMENT_LIMIT} attachments.")
    content = _unpack(frames[1], limit)
    message_id = _text(content, "id", None)
    if message_id is None:
        raise ProtocolError(Code.BAD_MESSAGE, "Every message has an id.")
    re = _text(content, "re", message_id)
    name = _text(content, "type", message_id)
    kind = known.get(name or "")
    if kind is None:
        raise ProtocolError(
            Code.UNKNOWN_TYPE,
            f"{name!r} is not a message of this socket.",
            details="known: " + ", ".join(sorted(known)),
            re=message_id,
        )
    try:
        body = kind.model_validate(content.get("body") or {})
    except (ValidationError, RecursionError) as error:
        raise ProtocolError(Code.BAD_REQUEST, f"{name}: {sentence(error)}", re=message_id) from error
    return Envelope(id=message_id, re=re, body=body, attachments=list(frames[2:]))


def sentence(error: ValidationError | RecursionError) -> str:
    """The first things wrong, as `field: what`, never the values themselves."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    found = error.errors(include_url=False, include_context=False, include_input=False)
    parts = [f"{'.'.join(str(step) for step in item['loc']) or 'body'}: {item['msg']}" for item in found[:3]]
    more = f" (and {len(found) - 3} more)" if len(found) > 3 else ""
    return "; ".join(parts)[:1_000] + more


def _unpack(frame: bytes, limit: int) -> dict[str, Any]:
    if len(frame) > limit:
        raise ProtocolError(Code.TOO_LARGE, f"The map is larger than {limit} bytes.")
    try:
        content = msgpack.unpackb(frame, raw=False, strict_map_key=True, max_ext_len=0)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(Code.BAD_MESSAGE, "The second frame is not one msgpack map.") from error
    if not isinstance(content, dict):
        raise ProtocolError(Code.BAD_MESSAGE, "The second frame is not a msgpack map.")
    return content


def _text(content: dict[str, Any], key: str, message_id: str | None) -> str | None:
    value = content.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= ID_LIMIT:
        raise ProtocolError(
            Code.BAD_MESSAGE, f"`{key}` is a text of 1 to {ID_LIMIT} characters.", re=message_id
        )
    return value
