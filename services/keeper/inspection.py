"""The inspection of a picture that was handed in: whether it is one whole PNG of 512×512 of its layer's mode.

By the Portable Network Graphics specification, third edition (W3C, 2025). What nearly every writer makes is
inflated here, in an eighth of the time that Pillow takes; whatever is rarer Pillow decodes.
"""

import io
import struct
from collections.abc import Sequence

from isal import igzip_lib
from PIL import Image

from protocol.errors import Code, ProtocolError
from services.chunks import Damaged, chunks
from services.tiling.quadrant import SIZE

_COLOURS = {"RGB": (2, 3), "RGBA": (6, 4)}
"""Colour type and bytes of a pixel, by mode."""
_ROWS = 42
"""Rows inflated at once: they stay in the processor's cache."""
_FILTERS = bytes(range(5))
_ANIMATION = {b"acTL", b"fcTL", b"fdAT"}
"""Named as if they were private."""


def check_png(content: bytes, mode: str, what: str) -> None:
    """Raise BAD_IMAGE unless the bytes are one whole 512×512 PNG of this mode."""
    try:
        (kind, header), *others = chunks(content)
        if kind != b"IHDR" or len(header) != 13:
            raise Damaged("cannot be decoded (it does not begin with its size)")
        width, height, *form = struct.unpack(">IIBBBBB", header)
        if (width, height) != (SIZE, SIZE):
            raise Damaged(f"is {width}×{height} px instead of {SIZE}×{SIZE}")
        colour, channels = _COLOURS[mode]
        if form == [8, colour, 0, 0, 0] and (pixels := _pixels(others)) is not None:
            _inflate(pixels, 1 + SIZE * channels)
        else:
            _decode(content, mode)
    except Damaged as bad:
        raise ProtocolError(Code.BAD_IMAGE, f"{what} {bad}.") from bad.__cause__


def _pixels(found: Sequence[tuple[bytes, bytes]]) -> bytes | None:
    """What is to be inflated, if it is in one piece and there is nothing else that a decoder looks at."""
    parts = [part for kind, part in found if kind == b"IDAT"]
    first = next((at for at, (kind, _) in enumerate(found) if kind == b"IDAT"), 0)
    others = [*found[:first], *found[first + len(parts) : -1]]
    return b"".join(parts) if all(_is_private(kind) for kind, _ in others) else None


def _is_private(kind: bytes) -> bool:
    """Whether it need not be understood: https://www.w3.org/TR/png-3/#5Chunk-naming-conventions."""
    return kind.isalpha() and kind[:2].islower() and kind not in _ANIMATION


def _inflate(pixels: bytes, row: int) -> None:
    """Raise Damaged unless this inflates to all rows of a picture, each led by a filter that there is."""
    stream = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_ZLIB)
    size = 0
    try:
        part = stream.decompress(pixels, _ROWS * row)
        while part:
            # Filters stand where a row begins, however much comes at once.
            if part[-size % row :: row].translate(None, _FILTERS):
                raise Damaged("cannot be decoded (a row has an unknown filter)")
            size += len(part)
            if size > SIZE * row:
                raise Damaged("cannot be decoded (it has more rows than it says)")
            part = b"" if stream.eof else stream.decompress(b"", _ROWS * row)
    except igzip_lib.error as error:  # type: ignore[misc] # its stub says that this is an instance
        raise Damaged(f"cannot be decoded ({error})") from error
    if not stream.eof or size < SIZE * row:
        raise Damaged("cannot be decoded (rows are missing)")
    if stream.unused_data:
        raise Damaged("cannot be decoded (something follows its pixels)")


def _decode(content: bytes, mode: str) -> None:
    """Raise Damaged if Pillow finds it to be something else, or not to be decoded."""
    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
            # Mode and frames stand in the header; only then are pixels decoded.
            if image.mode != mode:
                raise Damaged(f"has mode {image.mode} instead of {mode}")
            if getattr(image, "n_frames", 1) != 1:
                raise Damaged("is animated")
            image.load()
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise Damaged(f"cannot be decoded ({error})") from error
