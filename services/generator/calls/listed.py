"""Pictures in an answer in JSON: one address or one text in base64, wherever a server puts it."""

from collections.abc import Mapping
from typing import Any

_LISTS = ("images", "data", "output")
_FIELDS = ("b64_json", "image_b64", "image_base64", "base64", "image", "url")


def picture_in(answer: Mapping[str, Any]) -> str:
    """The first picture's text or address, empty if there is none."""
    for name in _LISTS:
        held = answer.get(name)
        first = held[0] if isinstance(held, list) and held else held
        if isinstance(first, str) and first:
            return first
        if isinstance(first, Mapping) and (found := _of(first)):
            return found
    return _of(answer)


def is_address(text: str) -> bool:
    """Whether a picture is at an address, or in a data URI; base64 has no colon."""
    return ":" in text[:100]


def _of(item: Mapping[str, Any]) -> str:
    for field in _FIELDS:
        held = item.get(field)
        if isinstance(held, str) and held:
            return held
        if isinstance(held, Mapping) and isinstance(address := held.get("url"), str) and address:
            return address
    return ""
