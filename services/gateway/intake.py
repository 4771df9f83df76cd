"""What comes in over HTTP: JSON bodies and numbers in addresses, strictly read, answered by field name."""

import asyncio
import json
import re
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from protocol.errors import Code, ProtocolError
from protocol.message import COORDINATE_LIMIT
from services.complaint import unknown
from services.gateway.bodies import Name
from services.gateway.refusal import Refused
from services.positions import strict

BODY_LIMIT_BYTES = 64 << 10
FILL_LIMIT_BYTES = 1 << 20
"""A region quadrant by quadrant: some 70,000 of them. Larger ones are rectangles or polygons."""
PLAN_LIMIT_BYTES = 8 << 20
BODY_SECONDS = 10.0
"""How long a body may take to arrive; who sends a byte a second is not waited for."""

LARGEST_ID = 2**62

_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,20}")


B = TypeVar("B", bound=BaseModel)


async def read_json(request: web.Request, *, limit: int = BODY_LIMIT_BYTES) -> tuple[dict[str, Any], bytes]:
    """The JSON object in the body, and the body itself; an empty body is an empty object."""
    raw = await _read(request, limit)
    return (_parse(raw) if raw.strip() else {}), raw


def validated(kind: type[B], content: Any) -> B:
    """The content as a value of that kind; raises ProtocolError with the field's name."""
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        parts = [f"{place(item['loc'])}: {_what(kind, item)}" for item in found[:3]]
        more = f" (and {len(found) - 3} more)" if len(found) > 3 else ""
        code = Code.BAD_PLAN if kind.__name__ == "Plan" else Code.BAD_REQUEST
        told = "; ".join(parts)[:1_000] + more
        raise ProtocolError(code, told if told.endswith("?") else f"{told}.") from None


def _what(kind: type[BaseModel], item: ErrorDetails) -> str:
    if item["type"] == "extra_forbidden":
        return unknown(kind, item["loc"])
    return item["msg"].removeprefix("Value error, ")


def place(steps: tuple[int | str, ...]) -> str:
    """A field as a person would write it: `quadrants[0].x`."""
    text = ""
    for i, step in enumerate(steps):
        if isinstance(step, str):
            text += f".{step}" if text else step
        elif i and isinstance(steps[i - 1], int) and step in (0, 1):
            text += ".x" if step == 0 else ".y"
        else:
            text += f"[{step}]"
    return text or "body"


def whole_number(text: str | None, field: str, low: int, high: int) -> int:
    """A number in an address; raises ProtocolError with the field's name."""
    if text is None:
        raise ProtocolError(Code.BAD_REQUEST, f"{field}: is missing.")
    if not _WHOLE_NUMBER.fullmatch(text):
        if re.fullmatch(r"-?[0-9]+", text):
            raise ProtocolError(Code.BAD_REQUEST, f"{field}: is not within {low} and {high}.")
        raise ProtocolError(Code.BAD_REQUEST, f"{field}: is not a whole number.")
    value = int(text)
    if not low <= value <= high:
        raise ProtocolError(Code.BAD_REQUEST, f"{field}: is not within {low} and {high}.")
    return value


def coordinate(text: str | None, field: str) -> int:
    """A quadrant's coordinate in an address."""
    return whole_number(text, field, -COORDINATE_LIMIT, COORDINATE_LIMIT)


def identifier(text: str) -> str:
    """A name in an address."""
    return validated(Name, {"id": text}).id


def one_of(field: str, given: list[str], known: tuple[str, ...]) -> None:
    """Raise ProtocolError with the field's name for anything but the known words."""
    if any(name not in known for name in given):
        raise ProtocolError(Code.BAD_REQUEST, f"{field}: is one of {', '.join(known)}.")


def is_set(text: str, field: str) -> bool:
    """A switch in an address."""
    one_of(field, [text], ("0", "1", "false", "true"))
    return text in ("1", "true")


async def _read(request: web.Request, limit: int) -> bytes:
    if (request.content_length or 0) > limit:
        raise ProtocolError(Code.TOO_LARGE, f"The body is larger than {limit} bytes.")
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.content.iter_any():
                size += len(part)
                if size > limit:
                    raise ProtocolError(Code.TOO_LARGE, f"The body is larger than {limit} bytes.")
                parts.append(part)
    except TimeoutError:
        raise Refused(
            408, Code.BAD_REQUEST, f"The body did not arrive within {BODY_SECONDS:g} seconds."
        ) from None
    return b"".join(parts)


def _parse(raw: bytes) -> dict[str, Any]:
    try:
        content = strict(raw.decode("utf-8"))
    except RecursionError:
        raise ProtocolError(Code.BAD_REQUEST, "The body is nested too deeply.") from None
    except UnicodeDecodeError:
        raise ProtocolError(Code.BAD_REQUEST, "The body is not UTF-8.") from None
    except json.JSONDecodeError as error:
        raise ProtocolError(
            Code.BAD_REQUEST, f"The body is not JSON: line {error.lineno}, column {error.colno}."
        ) from None
    except ValueError as error:
        raise ProtocolError(Code.BAD_REQUEST, f"The body is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise ProtocolError(Code.BAD_REQUEST, "The body is not a JSON object.")
    return content
