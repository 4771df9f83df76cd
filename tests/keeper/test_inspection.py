"""What is handed in as a picture: taken whoever wrote it, refused if anything of it is damaged."""

import io
import random
import struct
import zlib
from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from protocol.errors import Code, ProtocolError
from services.drill.picture import picture
from services.keeper.inspection import check_png

SIDE = 512
Chunks = list[tuple[bytes, bytes]]


def head(depth: int = 8, colour: int = 2, interlaced: int = 0, size: tuple[int, int] = (SIDE, SIDE)) -> bytes:
    return struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, interlaced)


def rows(row: int = SIDE * 3, count: int = SIDE, filters: bytes = b"\0\1\2\3\4") -> bytes:
    return b"".join(filters[y % len(filters) : y % len(filters) + 1] + bytes(row) for y in range(count))


def file(*chunks: tuple[bytes, bytes], end: bool = True) -> bytes:
    made = [*chunks, (b"IEND", b"")] if end else list(chunks)
    parts = [
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in made
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def data(pixels: bytes, *cuts: int) -> Chunks:
    packed = zlib.compress(pixels, 1)
    edges = [0, *cuts, len(packed)]
    return [(b"IDAT", packed[a:b]) for a, b in pairwise(edges)]


def taken(content: bytes, mode: str = "RGB") -> bool:
    try:
        check_png(content, mode, "it")
    except ProtocolError as error:
        assert error.code is Code.BAD_IMAGE
        assert error.message.startswith("it ") and error.message.endswith(".")
        return False
    return True


def decoded(content: bytes, mode: str = "RGB") -> bool:
    """Whether Pillow makes the right picture of it."""
    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
            image.load()
            return image.size == (SIDE, SIDE) and image.mode == mode
    except (OSError, SyntaxError, ValueError, EOFError):
        return False


def saved(mode: str, **how: object) -> bytes:
    content = io.BytesIO()
    Image.effect_noise((SIDE, SIDE), 40).convert(mode).save(content, "PNG", **how)  # type: ignore[arg-type]
    return content.getvalue()


def described() -> PngImagePlugin.PngInfo:
    said = PngImagePlugin.PngInfo()
    said.add_text("Software", "somebody else's")
    return said


@pytest.mark.parametrize(
    ("content", "mode"),
    [
        (saved("RGB"), "RGB"),
        (saved("RGBA", compress_level=0), "RGBA"),
        (saved("RGB", pnginfo=described(), dpi=(72, 72), icc_profile=None), "RGB"),
        (file((b"IHDR", head()), *data(rows(), 1, 1, 700)), "RGB"),
        (file((b"IHDR", head()), (b"twNt", b"{}"), *data(rows()), (b"teSt", b"")), "RGB"),
        (file((b"IHDR", head(16)), *data(rows(SIDE * 6))), "RGB"),
        (file((b"IHDR", head()), (b"PLTE", bytes(3)), *data(rows())), "RGB"),
    ],
)
def test_whoever_wrote_it_a_picture_is_taken(content: bytes, mode: str) -> None:
    assert decoded(content, mode)
    check_png(content, mode, "it")


@pytest.mark.parametrize(
    ("chunks", "says"),
    [
        ([(b"IHDR", head()), *data(rows(count=SIDE - 1))], "rows are missing"),
        ([(b"IHDR", head()), *data(rows()[:-1])], "rows are missing"),
        ([(b"IHDR", head()), *data(rows(count=SIDE + 1))], "more rows"),
        ([(b"IHDR", head()), *data(rows(count=60 * SIDE))], "more rows"),
        ([(b"IHDR", head()), *data(rows(filters=b"\0\0\0\0\0\0\5"))], "unknown filter"),
        ([(b"IHDR", head()), *data(rows()), (b"IDAT", b"more")], "something follows"),
        ([(b"IHDR", head()), (b"IDAT", zlib.compress(rows())[:-1] + b"?")], "cannot be decoded"),
        ([(b"IHDR", head()), (b"IDAT", zlib.compress(rows())[:-1])], "rows are missing"),
        ([(b"IHDR", head())], "rows are missing"),
        ([(b"IHDR", head(size=(SIDE, 511))), *data(rows())], "512×511 px"),
        ([(b"IHDR", head(colour=3)), (b"PLTE", bytes(768)), *data(rows(SIDE))], "mode P instead"),
        ([(b"IHDR", head(size=(1 << 20, 1 << 20))), *data(rows())], "1048576×1048576 px"),
        ([(b"IHDR", head()), (b"IHDR", head(size=(1 << 20, 1 << 20))), *data(rows())], "cannot be decoded"),
        ([*data(rows()), (b"IHDR", head())], "does not begin with its size"),
        ([(b"IHDR", head()), *data(rows(), 9)[:1], (b"teSt", b""), *data(rows(), 9)[1:]], "cannot be"),
        ([(b"IEND", b""), (b"IHDR", head()), *data(rows())], "does not stop"),
    ],
)
def test_what_is_wrong_with_a_picture_is_said(chunks: Chunks, says: str) -> None:
    with pytest.raises(ProtocolError, match=says):
        check_png(file(*chunks), "RGB", "it")


def test_what_comes_after_the_end_or_is_missing_there_is_refused() -> None:
    whole = picture()
    assert taken(whole)
    assert not any(taken(whole + more) for more in (b"\n", whole, file()[8:]))
    assert not any(taken(whole[:length]) for length in range(len(whole)))


def test_nothing_that_is_damaged_is_taken_unless_it_is_still_the_same_picture() -> None:
    chance = random.Random(7)
    noise = np.random.default_rng(7).integers(0, 4, (SIDE, SIDE * 3), dtype=np.uint8)
    pixels = b"".join(bytes([y % 5]) + noise[y].tobytes() for y in range(SIDE))
    chunks = [(b"IHDR", head()), (b"twNt", b"note"), *data(pixels, 100, 9_000)]
    accepted = 0
    for _ in range(150):
        damaged = file(*_with_a_chunk_changed(chance, chunks))
        if chance.random() < 0.3:
            damaged = _changed(chance, damaged)
        if taken(damaged):
            accepted += 1
            assert decoded(damaged), damaged[:80].hex()
    # Some damage is none: to a note that nobody reads, or one that is made good again.
    assert 0 < accepted < 100


def _with_a_chunk_changed(chance: random.Random, chunks: Iterable[tuple[bytes, bytes]]) -> Chunks:
    """As by somebody who writes files wrongly: the checksums of the chunks are right."""
    made = list(chunks)
    at = chance.randrange(len(made))
    kind, content = made[at]
    match chance.randrange(5):
        case 0:
            made[at] = (_changed(chance, kind)[:4].ljust(4, b"x"), content)
        case 1:
            made.pop(at)
        case 2:
            made.insert(chance.randrange(len(made)), made[at])
        case 3:
            other = chance.randrange(len(made))
            made[at], made[other] = made[other], made[at]
        case _:
            made[at] = (kind, _changed(chance, content))
    return made


def _changed(chance: random.Random, content: bytes) -> bytes:
    at = chance.randrange(len(content))
    return content[:at] + chance.choice([b"", chance.randbytes(1), chance.randbytes(3)]) + content[at + 1 :]
