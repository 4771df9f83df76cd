"""Inspection of what a model sent: nothing of a picture is decoded before its kind and size are right."""

import io
import threading
import warnings

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from services import scanlines
from services.task import TryFailed
from services.tiling.quadrant import WINDOW

LARGEST, SMALLEST = 2 * WINDOW, WINDOW // 4
"""Pixels along a side of what may be brought to the size of the window, where the model may answer so."""

FORMATS = ("PNG", "JPEG", "WEBP")
MODES = ("RGB", "RGBA")

_one_at_a_time = threading.Lock()
"""The list of filters belongs to the whole process; it is changed, not held, so that pictures decode side by
side."""


def inspect(content: bytes, *, resize: bool = False) -> NDArray[np.uint8]:
    """The RGB pixels of a model's answer; raises TryFailed with the class bad_image if it is not usable.

    With `resize` another size is brought to that of the window.
    """
    with _one_at_a_time:
        # What Pillow only warns of is wrong here, and stays so: nothing else in this process opens pictures
        # of strangers.
        warnings.filterwarnings("error", module=r"PIL(\.|$)")
    pixels = _decode(content, resize)
    # One row tells it of nearly every picture, in no time.
    if (pixels[0] == pixels[0, 0]).all() and (pixels == pixels[0, 0]).all():
        raise _bad("Picture came back all in one colour.")
    return pixels


def _decode(content: bytes, resize: bool) -> NDArray[np.uint8]:
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            width, height = image.size
            fits = resize and all(SMALLEST <= side <= LARGEST for side in image.size)
            if not fits and (width, height) != (WINDOW, WINDOW):
                raise _bad(f"Picture came back {width} × {height}.")
            if getattr(image, "n_frames", 1) != 1:
                raise _bad("Picture came back as an animation.")
            if image.mode not in MODES:
                raise _bad(f"Picture came back in the colour mode {image.mode}; RGB is needed.")
            if not _is_whole(content, image.format or ""):
                raise _bad("Picture came back cut short.")
            if image.format == "PNG" and (width, height) == (WINDOW, WINDOW):
                found = scanlines.pixels(content, width, height, image.mode)
                if found is not None:
                    return found[..., :3]
            # Decoding alone overlooks flipped bits; this checks the sums, and the image is spent.
            image.verify()
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            # Only the pixels go on: no metadata gets into the map.
            plain = image.convert("RGB")
            if plain.size != (WINDOW, WINDOW):
                plain = plain.resize((WINDOW, WINDOW), Image.Resampling.LANCZOS)
            return np.asarray(plain)
    except UnidentifiedImageError:
        raise _bad("What came back is not a PNG, JPEG or WebP picture.") from None
    except (Warning, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise _bad(f"Picture came back damaged: {error}") from error


def _is_whole(content: bytes, kind: str) -> bool:
    """Whether the file's own end is there: Pillow forgives up to the last few bytes."""
    if kind == "PNG":
        return b"IEND\xaeB`\x82" in content[-64:]
    if kind == "JPEG":
        return b"\xff\xd9" in content[-64:]
    return int.from_bytes(content[4:8], "little") + 8 <= len(content)


def _bad(reason: str) -> TryFailed:
    return TryFailed("bad_image", reason[:500])
