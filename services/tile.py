"""One tile of the map: a PNG file of one quadrant in one layer."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from services.scanlines import pixels
from services.tiling.quadrant import SIZE


def decode(png: bytes, mode: str, quadrant: tuple[int, int]) -> NDArray[np.uint8]:
    """The pixels of one of the map's own PNG files, which were checked when they were committed.

    They are not to be written to.
    """
    if (found := pixels(png, SIZE, SIZE, mode)) is not None:
        return found
    with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
        if image.size != (SIZE, SIZE) or image.mode != mode:
            raise ValueError(f"quadrant {quadrant}: {image.mode} {image.size} is not {mode} {SIZE} × {SIZE}")
        return np.asarray(image)
