"""The chunks of a PNG file, their sums checked (Portable Network Graphics, third edition, W3C, 2025)."""

from collections.abc import Iterator

from isal import isal_zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"


class Damaged(Exception):
    """Raised with what is wrong, said of a picture."""


def chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Type and content of every chunk, the last one IEND; raises Damaged at the first that is wrong."""
    if not content.startswith(SIGNATURE):
        raise Damaged("is not a PNG file")
    view, at, kind = memoryview(content), len(SIGNATURE), b""
    while kind != b"IEND":
        if at + 12 > len(content):
            raise Damaged("is cut short: its end is missing")
        end = at + 8 + int.from_bytes(view[at : at + 4])
        if end + 4 > len(content):
            raise Damaged("is cut short: its end is missing")
        if isal_zlib.crc32(view[at + 4 : end]) != int.from_bytes(view[end : end + 4]):
            raise Damaged("cannot be decoded (a chunk does not have the checksum that it says)")
        kind = content[at + 4 : at + 8]
        yield kind, content[at + 8 : end]
        at = end + 4
    if at < len(content):
        raise Damaged("does not stop at its end")
