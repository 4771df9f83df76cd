"""A key that cannot be shown by accident."""

import base64
import html
import json
import re
from typing import NoReturn
from urllib.parse import quote, quote_plus

SHORTEST_PACKED = 8
"""Bytes of a key that is looked for in base64 and hex: a shorter one could be found in any text."""
_FOR_ADDRESSES = str.maketrans("+/", "-_")


class Secret:
    """Holds a key. Printing, formatting and logging it give `***`; it cannot be pickled or compared."""

    __slots__ = ("_shown", "_value")

    def __init__(self, value: str) -> None:
        self._value = value
        forms = sorted(_forms(value), key=len, reverse=True)
        self._shown = re.compile("|".join(map(re.escape, forms)), re.IGNORECASE)

    def reveal(self) -> str:
        """The key itself, for the one header that carries it."""
        return self._value

    def hide_in(self, text: str) -> str:
        """The text without the key, e.g. a provider's error that repeats it, however it writes it."""
        return self._shown.sub("***", text)

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "***"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is not written down")


def _forms(value: str) -> set[str]:
    """The key as it is, and as JSON, HTML, an address, Python, base64 and hex have it."""
    in_json = json.dumps(value)[1:-1]
    forms = {value, in_json, in_json.replace("/", "\\/"), html.escape(value), repr(value)[1:-1]}
    forms |= {quote(value), quote(value, safe=""), quote_plus(value)}
    raw = value.encode()
    if len(raw) >= SHORTEST_PACKED:
        packed = {_core(raw, before) for before in range(3)}
        forms |= {raw.hex(), *packed, *(core.translate(_FOR_ADDRESSES) for core in packed)}
    return forms


def _core(raw: bytes, before: int) -> str:
    """The letters of base64 that hold bits of these bytes alone, behind so many others (RFC 4648, 4)."""
    whole = base64.b64encode(bytes(before) + raw).decode()
    return whole[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
