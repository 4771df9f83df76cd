"""What the fake model paints: the infill inverted, and everything around it left as it was sent."""

import base64
import binascii
import functools
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from services.png import Prediction, png
from services.tiling.template import BORDER

RED = (255, 0, 0)
SIDES = (256, 0, 512, 768)


def painted(template: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A template as the fake model fills it."""
    left, top, right, bottom = infill(template)
    picture = template.copy()
    picture[top:bottom, left:right] = 255 - picture[top:bottom, left:right]
    return picture


def infill(template: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """The rectangle inside the red line; all of the picture if there is no line in it."""
    height, width = template.shape[:2]
    red = (template == RED).all(axis=-1)
    for reach in (512, 1024):
        for wide in (512, 1024):
            for left in SIDES:
                for top in SIDES:
                    right, bottom = left + wide, top + reach
                    if right <= width and bottom <= height and _is_framed(red, left, top, right, bottom):
                        return left, top, right, bottom
    return 0, 0, width, height


def _is_framed(red: NDArray[np.bool_], left: int, top: int, right: int, bottom: int) -> bool:
    """Whether a red line runs just outside of a rectangle, as far as there is room, and not inside it."""
    height, width = red.shape
    a, b = max(left - BORDER, 0), max(top - BORDER, 0)
    c, d = min(right + BORDER, width), min(bottom + BORDER, height)
    around = red[b:d, a:c].copy()
    inside = around[top - b : bottom - b, left - a : right - a]
    has_line = around.size > inside.size
    inside[:] = True
    return has_line and bool(around.all())


def pixels(content: bytes) -> NDArray[np.uint8]:
    """The RGB pixels of a picture file."""
    with Image.open(io.BytesIO(content)) as image:
        return np.array(image.convert("RGB"))


def is_picture(content: bytes) -> bool:
    """Whether a file starts like a picture."""
    try:
        Image.open(io.BytesIO(content)).close()
    except OSError:
        return False
    return True


def picture_file(held: object) -> bytes:
    """A picture that was sent in JSON, as a data URI or bare base64; raises ValueError if it is none."""
    if not isinstance(held, str):
        raise ValueError("a picture must be text")
    encoded = held.split(",", 1)[1] if held.startswith("data:image/") else held
    # Both alphabets, padded or not: providers are generous there.
    encoded = encoded.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except binascii.Error:
        raise ValueError("a picture must be base64 or a data URI") from None


@functools.lru_cache(maxsize=64)
def answer(content: bytes, how: str = "well") -> bytes:
    """The picture file that comes of a template's; `how` says what is wrong with it."""
    picture = painted(pixels(content))
    if how == "wrong size":
        picture = picture[:1000, :1000]
    elif how == "shifted":
        picture = np.roll(picture, (3, 5), axis=(0, 1))
    elif how == "shifted far":
        picture = np.roll(picture, (70, 40), axis=(0, 1))
    elif how == "drifted":
        picture = 255 - pixels(content)[::-1]
    elif how == "one colour":
        picture = np.full_like(picture, 9)
    elif how == "wrong mode":
        return _saved(Image.fromarray(picture).convert("CMYK"), "JPEG")
    elif how == "jpeg":
        return _saved(Image.fromarray(picture), "JPEG")
    elif how == "animated":
        frames = [Image.fromarray(picture), Image.fromarray(255 - picture)]
        return _saved(frames[0], "PNG", save_all=True, append_images=frames[1:])
    made = png(np.ascontiguousarray(picture), Prediction.LEFT)
    return made[: len(made) * 2 // 3] if how == "cut short" else made


def _saved(image: Image.Image, kind: str, **how: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **how)
    return file.getvalue()
