"""Content that may be packed with gzip."""

import zlib


class BadContent(Exception):
    """Raised for content that is not what it should be; the reason as a clause."""


def plain(content: bytes, limit: int) -> bytes:
    """The content, unpacked if it was packed; raises BadContent if it is broken or longer than the limit."""
    if content[:2] == b"\x1f\x8b":
        content = _gunzipped(content, limit)
    if len(content) > limit:
        raise BadContent(f"it is larger than {limit >> 20} MiB")
    return content


def _gunzipped(content: bytes, limit: int) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        found = unpacker.decompress(content, limit + 1)
    except zlib.error:
        raise BadContent("it is packed with gzip, and the packing is broken") from None
    if not unpacker.eof and len(found) <= limit:
        raise BadContent("it is packed with gzip and cut short")
    return found
