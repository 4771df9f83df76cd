"""What may come back from a model, and what may not."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from services.generator.inspection import inspect
from services.worker import TryFailed


def picture(width: int = 1024, height: int = 1024, mode: str = "RGB") -> Image.Image:
    ramp = np.linspace(0, 255, width).astype(np.uint8)
    return Image.fromarray(np.repeat(ramp[None, :], height, axis=0)).convert(mode)


def file(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def reason(content: bytes) -> str:
    with pytest.raises(TryFailed) as caught:
        inspect(content)
    assert (caught.value.error_class, caught.value.retry) == ("bad_image", True)
    return caught.value.reason


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_colours_come_through(mode: str) -> None:
    assert np.array_equal(inspect(file(picture(mode=mode))), np.array(picture()))


@pytest.mark.parametrize(("kind", "options"), [("JPEG", {"quality": 95}), ("WEBP", {"lossless": True})])
def test_other_formats_are_read(kind: str, options: dict[str, object]) -> None:
    pixels = inspect(file(picture(), kind, **options))
    assert np.abs(pixels.astype(int) - np.array(picture())).max() < 4


def test_another_size_is_said() -> None:
    assert reason(file(picture(1000, 1024))) == "Picture came back 1000 × 1024."


def test_a_huge_picture_is_refused_before_it_is_unpacked() -> None:
    def chunk(name: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)

    def claiming(side: int) -> bytes:
        head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
        return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")

    assert reason(claiming(9_400)) == "Picture came back 9400 × 9400."
    for side in (11_000, 100_000):
        assert "came back" in reason(claiming(side))


@pytest.mark.parametrize("lost", [8, 12, 20, 400])
def test_a_picture_without_its_end_is_refused(lost: int) -> None:
    reason(file(picture())[:-lost])


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_so_are_other_formats_without_theirs(kind: str) -> None:
    reason(file(picture(), kind)[:-100])


@pytest.mark.parametrize("mode", ["P", "L", "LA", "I;16", "1"])
def test_other_colour_modes_are_refused(mode: str) -> None:
    assert "colour mode" in reason(file(picture(mode=mode)))


def test_print_colours_are_refused() -> None:
    assert "colour mode CMYK" in reason(file(picture(mode="CMYK"), "JPEG"))


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "BMP", "ICO"])
def test_other_formats_are_refused(kind: str) -> None:
    assert reason(file(picture(), kind)) == "What came back is not a PNG, JPEG or WebP picture."


@pytest.mark.parametrize("content", [b"", b"<html>sorry</html>", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"])
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    reason(content)


def test_an_animation_is_refused() -> None:
    frames = [picture(), picture().transpose(Image.Transpose.ROTATE_90)]
    assert "animation" in reason(file(frames[0], "PNG", save_all=True, append_images=frames[1:]))


def test_a_single_colour_is_refused() -> None:
    assert reason(file(Image.new("RGB", (1024, 1024), "red"))) == "Picture came back all in one colour."


def test_flipped_bits_are_noticed() -> None:
    content = bytearray(file(picture()))
    content[len(content) // 2] ^= 0x40
    reason(bytes(content))
