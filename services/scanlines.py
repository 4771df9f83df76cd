"""The scanlines of a PNG file, read for speed.

ISA-L unpacks them in half the time of zlib, which Pillow's packages for Linux take from the system.
"""

import struct
from itertools import groupby
from operator import itemgetter

import numpy as np
from isal import igzip_lib, isal_zlib
from numpy.typing import NDArray
from PIL import Image

from services.chunks import Damaged, chunks
from services.png import COLOUR_TYPES, Prediction

ROWS = 32
"""Rows that are added up apart from the others: a loop of Python over all would let go of the interpreter
at each, and wait for it again."""
STORED_BYTES = 65_535
"""The most that a block of a zlib stream holds as it is (RFC 1951, 3.2.4)."""


def pixels(content: bytes, width: int, height: int, mode: str) -> NDArray[np.uint8] | None:
    """The pixels of a whole PNG file of this size and of the mode RGB or RGBA, not to be written to.

    None for any that is something else, damaged, interlaced or not of 8 bits: it is for Pillow to judge. No
    more is unpacked than such a picture has.
    """
    channels = len(mode)
    header = struct.pack(">IIBBBBB", width, height, 8, COLOUR_TYPES[channels], 0, 0, 0)
    try:
        found = list(chunks(content))
        if found[0] != (b"IHDR", header):
            return None
        parts = [
            [part for _, part in run] for kind, run in groupby(found, key=itemgetter(0)) if kind == b"IDAT"
        ]
        if len(parts) != 1:
            return None
        size = height * (1 + width * channels)
        stream = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_ZLIB)
        flat = stream.decompress(b"".join(parts[0]), size + 1)
    except (Damaged, igzip_lib.error):  # type: ignore[misc] # its stub says that this is an instance
        return None
    if len(flat) != size or not stream.eof or stream.unused_data:
        return None
    return _unfiltered(flat, width, height, mode)


def _unfiltered(flat: bytes, width: int, height: int, mode: str) -> NDArray[np.uint8] | None:
    rows = np.frombuffer(flat, np.uint8).reshape(height, 1 + width * len(mode))
    kinds, lines = rows[:, 0], rows[:, 1:]
    if (kinds == Prediction.NONE).all():
        plain = np.ascontiguousarray(lines)
    elif (kinds == Prediction.ABOVE).all() and height % ROWS == 0:
        plain = _added_up(lines)
    elif kinds.max() > 4:
        return None
    else:
        # The other predictions go from pixel to pixel, which NumPy cannot do at once.
        plain = np.asarray(Image.frombytes(mode, (width, height), _stored(flat), "zip", mode))
    return plain.reshape(height, width, len(mode))


def _added_up(lines: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Every line with all that lie above it added."""
    height, width = lines.shape
    parts = lines.reshape(height // ROWS, ROWS, width)
    sums = np.empty_like(parts)
    sums[:, 0] = parts[:, 0]
    for row in range(1, ROWS):
        np.add(sums[:, row - 1], parts[:, row], out=sums[:, row])
    for part in range(1, len(sums)):
        sums[part] += sums[part - 1, -1]
    return sums.reshape(height, width)


def _stored(flat: bytes) -> bytes:
    """A zlib stream that holds the bytes as they are: whoever unpacks it has next to nothing to do."""
    view = memoryview(flat)
    parts: list[bytes | memoryview] = [b"\x78\x01"]
    for at in range(0, len(flat), STORED_BYTES):
        block = view[at : at + STORED_BYTES]
        is_last = at + STORED_BYTES >= len(flat)
        parts += struct.pack("<BHH", is_last, len(block), len(block) ^ 0xFFFF), block
    return b"".join([*parts, struct.pack(">I", isal_zlib.adler32(flat))])
