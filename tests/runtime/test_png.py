"""PNG files of ours, read back by Pillow."""

import io
import threading

import numpy as np
import pytest
from PIL import Image

from services.png import Prediction, png


@pytest.mark.parametrize("prediction", list(Prediction))
@pytest.mark.parametrize(("channels", "mode"), [(3, "RGB"), (4, "RGBA")])
@pytest.mark.parametrize(("width", "height"), [(512, 512), (1, 1), (1, 7), (5, 1)])
def test_pixels_come_back_as_they_were(
    prediction: Prediction, channels: int, mode: str, width: int, height: int
) -> None:
    larger = np.random.default_rng(3).integers(0, 256, (height + 2, width + 3, 4), np.uint8)
    plane = larger[1 : 1 + height, 2 : 2 + width, :channels]
    image = Image.open(io.BytesIO(png(plane, prediction)))
    image.load()
    assert (image.mode, image.size) == (mode, (width, height))
    assert np.array_equal(np.asarray(image), plane)


@pytest.mark.parametrize("prediction", list(Prediction))
@pytest.mark.parametrize(("kind", "mode"), [(np.uint8, "L"), (np.uint16, "I;16")])
def test_grey_pixels_come_back_as_they_were(prediction: Prediction, kind: type, mode: str) -> None:
    larger = np.random.default_rng(5).integers(0, np.iinfo(kind).max + 1, (9, 40), kind)
    plane = larger[1:8, 2:35].T
    image = Image.open(io.BytesIO(png(plane, prediction)))
    assert (image.mode, image.size) == (mode, (7, 33))
    assert np.array_equal(np.asarray(image), plane)


def test_bytes_depend_on_the_pixels_alone() -> None:
    """The deflater must not look at what its thread's stack holds: each stack lies at another address."""
    generator = np.random.default_rng(4)
    planes = generator.integers(0, 256, (3000, 1, 40, 3), np.uint8)
    # The four bytes that come third in a file's stream come once more: a match, for whoever remembers them.
    bytewise = planes.reshape(len(planes), -1)
    bytewise[:, 51:55] = bytewise[:, 1:5]
    made: list[list[bytes]] = []
    default = threading.stack_size()
    try:
        for megabytes in range(1, 5):
            threading.stack_size(megabytes << 20)
            thread = threading.Thread(
                target=lambda: made.append([png(plane, Prediction.NONE) for plane in planes])
            )
            thread.start()
            thread.join()
    finally:
        threading.stack_size(default)
    assert len(made) == 4
    assert all(files == made[0] for files in made)
