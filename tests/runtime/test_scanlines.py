"""Pixels read out of PNG files: the same that Pillow reads, or left to Pillow."""

import io
import struct
import zlib

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from services.png import Prediction, png
from services.scanlines import pixels


def noise(height: int, width: int, channels: int) -> NDArray[np.uint8]:
    return np.random.default_rng(7).integers(0, 256, (height, width, channels), np.uint8)


def painted(height: int, width: int, channels: int) -> NDArray[np.uint8]:
    """Slopes and edges, so that an encoder that chooses has every reason to choose differently."""
    rows, columns = np.mgrid[:height, :width]
    planes = [(rows * k + columns // k + (rows // 9 % k) * 40) % 256 for k in range(1, channels + 1)]
    return np.stack(planes, axis=-1).astype(np.uint8)


def saved(plane: NDArray[np.uint8], **how: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(plane).save(file, "PNG", **how)
    return file.getvalue()


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


@pytest.mark.parametrize("prediction", list(Prediction))
@pytest.mark.parametrize(("channels", "mode"), [(3, "RGB"), (4, "RGBA")])
@pytest.mark.parametrize(("height", "width"), [(512, 512), (1, 1), (7, 40), (64, 3)])
def test_our_own_files_are_read(
    prediction: Prediction, channels: int, mode: str, height: int, width: int
) -> None:
    plane = noise(height, width, channels)
    found = pixels(png(plane, prediction), width, height, mode)
    assert found is not None
    assert np.array_equal(found, plane)


@pytest.mark.parametrize("make", [noise, painted])
@pytest.mark.parametrize(("channels", "mode"), [(3, "RGB"), (4, "RGBA")])
def test_files_whose_rows_are_predicted_in_different_ways_are_read(
    make: object, channels: int, mode: str
) -> None:
    assert callable(make)
    plane = make(256, 300, channels)
    found = pixels(saved(plane), 300, 256, mode)
    assert found is not None
    assert np.array_equal(found, plane)


@pytest.mark.parametrize("kind", range(5))
def test_every_prediction_of_the_specification_is_read_as_pillow_reads_it(kind: int) -> None:
    rows = noise(64, 91, 1)[..., 0]
    rows[:, 0] = kind
    header = struct.pack(">IIBBBBB", 30, 64, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows.tobytes())) + chunk(b"IEND", b"")
    file = b"\x89PNG\r\n\x1a\n" + body
    found = pixels(file, 30, 64, "RGB")
    assert found is not None
    assert np.array_equal(found, np.asarray(Image.open(io.BytesIO(file))))


def test_what_is_something_else_or_damaged_is_left_to_pillow() -> None:
    plane = painted(64, 64, 3)
    good = png(plane, Prediction.LEFT)
    assert pixels(good, 64, 64, "RGB") is not None
    header, data, end = good[8:33], good[33:-12], good[-12:]
    packed = data[8:-4]
    rows = zlib.decompress(packed)
    flipped = bytearray(good)
    flipped[len(good) // 2] ^= 1
    wrong = {
        "another size": pixels(good, 64, 32, "RGB"),
        "another mode": pixels(good, 64, 64, "RGBA"),
        "16 bits": pixels(png(plane[..., 0].astype(np.uint16), Prediction.LEFT), 64, 64, "RGB"),
        "a palette": pixels(saved(plane[..., 0]), 64, 64, "RGB"),
        "a bit flipped": pixels(bytes(flipped), 64, 64, "RGB"),
        "cut short": pixels(good[:-1], 64, 64, "RGB"),
        "more after its end": pixels(good + b"\0", 64, 64, "RGB"),
        "no PNG": pixels(b"GIF89a", 64, 64, "RGB"),
        "nothing": pixels(b"", 64, 64, "RGB"),
    }
    for what, content in {
        "a row too many": zlib.compress(rows + rows[:193]),
        "a row too few": zlib.compress(rows[:-193]),
        "an unknown prediction": zlib.compress(b"\x05" + rows[1:]),
        "more after its rows": packed + b"\0",
        "a wrong sum": packed[:-1] + bytes([packed[-1] ^ 1]),
    }.items():
        file = good[:8] + header + chunk(b"IDAT", content) + end
        wrong[what] = pixels(file, 64, 64, "RGB")
    halves = chunk(b"IDAT", packed[:99]) + chunk(b"teXt", b"") + chunk(b"IDAT", packed[99:])
    wrong["pixels in two places"] = pixels(good[:8] + header + halves + end, 64, 64, "RGB")
    assert [what for what, found in wrong.items() if found is not None] == []
    halves = chunk(b"IDAT", packed[:99]) + chunk(b"IDAT", packed[99:])
    assert pixels(good[:8] + header + halves + end, 64, 64, "RGB") is not None
