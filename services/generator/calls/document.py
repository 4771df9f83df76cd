"""Documents of JSON with pictures in base64 in them, which are not read or written letter by letter.

JSON has nothing to say of base64 but where it begins and where it ends. A picture that is looked through for
what JSON might mean costs five times as much as one that is not, and is held once more as a text.
"""

import json
import secrets
from collections.abc import Mapping
from typing import Any

LONG = 1 << 15
"""Bytes from which on a text is worth it."""
SHOWN = 1_000
"""So much of it is read, for whoever looks at how it begins."""


class Base64(bytes):
    """A text that is put into a document as it is: none of its letters means anything to JSON."""


class Held(str):
    """How a long text of a document begins, and all of it as it stands there."""

    whole: memoryview

    def __new__(cls, whole: memoryview) -> "Held":
        """The whole is not copied, so the document stays as long as it does."""
        held = super().__new__(cls, bytes(whole[:SHOWN]).decode("ascii", "replace"))
        held.whole = whole
        return held


def written(asked: Mapping[str, Any]) -> bytes:
    """A request as JSON."""
    pictures: list[bytes] = []
    mark = secrets.token_hex(16)

    def put(value: object) -> str:
        if not isinstance(value, Base64):
            raise TypeError(f"{type(value).__name__} is nothing that JSON can say")
        pictures.append(value)
        return mark

    first, *others = json.dumps(asked, default=put).encode().split(mark.encode())
    parts = [first]
    for picture, after in zip(pictures, others, strict=True):
        parts += picture, after
    return b"".join(parts)


def document(content: bytes) -> dict[str, Any]:
    """The JSON object in an answer, empty if there is none; one text that is most of it is `Held`."""
    found = _around(content, _longest(content)) if len(content) >= LONG else None
    try:
        answer = json.loads(content) if found is None else found
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _longest(content: bytes) -> slice | None:
    """Where the text lies that fills more than half of a document, if it holds no escapes and no address."""
    middle = len(content) // 2
    start, end = content.rfind(b'"', 0, middle) + 1, content.find(b'"', middle)
    if start == 0 or end - start < LONG or content[start - 2 : start - 1] == b"\\":
        return None
    if content.startswith(b"http", start) or content.find(b"\\", start, end) >= 0:
        return None
    return slice(start, end)


def _around(content: bytes, place: slice | None) -> Any:
    """The document with that text held; None if there is none."""
    if place is None:
        return None
    view, mark = memoryview(content), secrets.token_hex(16)
    short = b"".join((view[: place.start], mark.encode(), view[place.stop :]))
    held = Held(view[place])
    try:
        found, times = _put(json.loads(short), mark, held)
    except (ValueError, RecursionError):
        # It stood between two texts, say many numbers: a mark there is no JSON.
        return None
    # A name as long as that stays a name.
    return found if times == 1 else None


def _put(found: Any, mark: str, held: Held) -> tuple[Any, int]:
    """A value with the text where the mark stands, and how often that was."""
    if isinstance(found, dict):
        put = {name: _put(value, mark, held) for name, value in found.items()}
        return {name: value for name, (value, _) in put.items()}, sum(times for _, times in put.values())
    if isinstance(found, list):
        listed = [_put(value, mark, held) for value in found]
        return [value for value, _ in listed], sum(times for _, times in listed)
    return (held, 1) if found == mark else (found, 0)
