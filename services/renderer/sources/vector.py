"""The bytes of a vector tile: unpacked, and looked through for its end."""

from typing import Final

from services.renderer.sources.packed import BadContent, plain

VECTOR_TILE: Final = "application/vnd.mapbox-vector-tile"
LARGEST = 32 << 20
"""Bytes of an unpacked tile; a dense one of zoom 14 has a tenth of it at most."""
_LAYERS = 3


def unpacked(content: bytes) -> bytes:
    """The tile itself, whether it was packed (gzip) or not; raises BadContent.

    Its layers must fill it to the last byte, so that one cut short is told from one that ends there.
    """
    content = plain(content, LARGEST)
    at = 0
    while at < len(content):
        tag, at = _varint(content, at)
        if tag & 7 != 2:
            raise BadContent("it is no vector tile, or a broken one")
        length, at = _varint(content, at)
        at += length
        if tag >> 3 != _LAYERS or at > len(content):
            raise BadContent("it is cut short, or no vector tile")
    return content


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(content) and shift < 64:
        byte = content[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
    raise BadContent("it is cut short, or no vector tile")
