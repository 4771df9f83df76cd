"""PNG files of ours, read back by Pillow."""

import io

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
