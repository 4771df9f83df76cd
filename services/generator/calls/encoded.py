"""Pictures as text: base64 in either alphabet, and data URIs."""

import asyncio
import base64
import binascii
import re

from services.task import TryFailed

_DATA_URI = re.compile(r"data:[^,;]{0,100}(;[^,;]{0,100})*,", re.IGNORECASE)
_URL_SAFE = str.maketrans("-_", "+/")


def data_uri(png: bytes) -> str:
    """A PNG file as an address that holds it."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


def is_data_uri(address: str) -> bool:
    """Whether an address holds what it stands for."""
    return address[:5].lower() == "data:"


async def picture(text: str, name: str) -> bytes:
    """The file in base64 of either alphabet, padded or not, alone or in a data URI; bad_image if none is.

    Megabytes are unpacked in a thread. `name` is the model's, for the sentence.
    """
    return await asyncio.to_thread(unpacked, text, name)


def unpacked(text: str, name: str) -> bytes:
    """The same, for who is in a thread already."""
    try:
        return _decoded(text)
    except (binascii.Error, ValueError):
        raise TryFailed("bad_image", f"{name} sent base64 that cannot be read.") from None


def _decoded(text: str) -> bytes:
    if is_data_uri(text):
        head = _DATA_URI.match(text)
        if head is None or not head[0].lower().endswith(";base64,"):
            raise ValueError("a data URI that is not in base64")
        text = text[head.end() :]
    try:
        # As nearly everybody writes it; the rest costs as much time again.
        return binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except binascii.Error:
        pass
    text = "".join(text.translate(_URL_SAFE).split()).rstrip("=")
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
