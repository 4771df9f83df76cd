"""The bytes of a vector tile: unpacked, and looked through for its end."""

import zlib
from typing import Final

VECTOR_TILE: Final = "application/vnd.mapbox-vector-tile"
LARGEST = 32 << 20
"""Bytes of an unpacked tile; a dense one of zoom 14 has a tenth of it at most."""
_LAYERS = 3


class BadTile(Exception):
    """Raised for content that is no vector tile; the reason as a clause."""


def unpacked(content: bytes) -> bytes:
    """The tile itself, whether it was packed (gzip) or not; raises BadTile.

    Its layers must fill it to the last byte, so that one cut short is told from one that ends there.
    """
    if content[:2] == b"\x1f\x8b":
        content = _gunzipped(content)
    if len(content) > LARGEST:
        raise BadTile(f"it is larger than {LARGEST >> 20} MiB")
    at = 0
    while at < len(content):
        tag, at = _varint(content, at)
        if tag & 7 != 2:
            raise BadTile("it is no vector tile, or a broken one")
        length, at = _varint(content, at)
        at += length
        if tag >> 3 != _LAYERS or at > len(content):
            raise BadTile("it is cut short, or no vector tile")
    return content


def _gunzipped(content: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        plain = unpacker.decompress(content, LARGEST + 1)
    except zlib.error:
        raise BadTile("it is packed with gzip, and the packing is broken") from None
    if not unpacker.eof and len(plain) <= LARGEST:
        raise BadTile("it is packed with gzip and cut short")
    return plain


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(content) and shift < 64:
        byte = content[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
    raise BadTile("it is cut short, or no vector tile")
