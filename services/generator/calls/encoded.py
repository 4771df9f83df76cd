"""Pictures as text: base64 in either alphabet, and data URIs."""

import binascii
import re

import pybase64

from services.generator.calls.document import Base64, Held
from services.generator.pictures import apart
from services.task import TryFailed

_DATA_URI = re.compile(r"data:[^,;]{0,100}(;[^,;]{0,100})*,", re.IGNORECASE)
_URL_SAFE = bytes.maketrans(b"-_", b"+/")


def encoded(png: bytes) -> Base64:
    """A PNG file in base64."""
    return Base64(pybase64.b64encode(png))


def data_uri(png: bytes) -> Base64:
    """A PNG file as an address that holds it."""
    return Base64(b"data:image/png;base64," + pybase64.b64encode(png))


def is_data_uri(address: str) -> bool:
    """Whether an address holds what it stands for."""
    return address[:5].lower() == "data:"


async def picture(text: str, name: str) -> bytes:
    """The file in base64 of either alphabet, padded or not, alone or in a data URI; bad_image if none is.

    Megabytes are unpacked in a thread. `name` is the model's, for the sentence.
    """
    return await apart(unpacked, text, name)


def unpacked(text: str, name: str) -> bytes:
    """The same, for who is in a thread already."""
    try:
        return _decoded(text)
    except (binascii.Error, ValueError):
        raise TryFailed("bad_image", f"{name} sent base64 that cannot be read.") from None


def _decoded(text: str) -> bytes:
    whole = text.whole if isinstance(text, Held) else memoryview(text.encode("ascii"))
    if is_data_uri(text):
        head = _DATA_URI.match(text)
        if head is None or not head[0].lower().endswith(";base64,"):
            raise ValueError("a data URI that is not in base64")
        whole = whole[head.end() :]
    try:
        # As nearly everybody writes it; the rest costs many times as much.
        return pybase64.b64decode(whole, validate=True)
    except binascii.Error:
        pass
    plain = b"".join(bytes(whole).translate(_URL_SAFE).split()).rstrip(b"=")
    return pybase64.b64decode(plain + b"=" * (-len(plain) % 4), validate=True)
