"""Pictures that a place of the sample city must look like: to the last bit in a browser that drew it before.

In another browser, and on another GPU, a few edges fall elsewhere; then the reduced pictures must be alike.
After a change of looks, look at the new pictures and keep them; for a browser or a GPU that is new here, the
same adds what it draws:

    TILEWRIGHT_GOLDEN=keep python -m pytest -n 0 tests/renderer -k golden
"""

import hashlib
import json
import os
import platform
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from services.renderer.renderer import Renderer
from services.tiling.quadrant import Box

FOLDER = Path(__file__).parent / "golden"
SIZE = 256
MEAN = 3.0
"""How far the pictures may lie apart, of 255, taken over all pixels."""
FAR, SHARE = 40.0, 0.02
"""How many pixels may lie so far apart that one sees it."""
KEEP = os.environ.get("TILEWRIGHT_GOLDEN") == "keep"

Picture = NDArray[np.uint8]


async def check(renderer: Renderer, name: str, x: int, y: int, made: Path) -> None:
    """Hold the picture at a world pixel to the one that is kept; what was drawn instead lies in `made`."""
    frame = await renderer.draw(1, Box(x, y, x + SIZE, y + SIZE))
    planes = (frame.colour, frame.object, frame.depth)
    digest = hashlib.sha256(b"".join(np.ascontiguousarray(plane).tobytes() for plane in planes)).hexdigest()
    by = f"Chromium {renderer.browser.version}, {renderer.page.graphics}, {platform.machine()}"
    picture, hashes = FOLDER / f"{name}.png", FOLDER / f"{name}.json"
    now = reduced(frame.colour)
    known: dict[str, str] = json.loads(hashes.read_text()) if hashes.exists() else {}
    if KEEP:
        if not known or by in known:
            Image.fromarray(now).save(picture, optimize=True)
            # What others made of the looks before is no measure any more.
            known = {}
        hashes.write_text(json.dumps({**known, by: digest}, indent=2) + "\n")
        return
    before = np.asarray(Image.open(picture).convert("RGB"))
    drawn = made / f"{name}.png"
    Image.fromarray(frame.colour[..., :3]).save(drawn)
    way = f"Look at {drawn} beside {picture}; tests/renderer/golden.py says how it is kept."
    assert (why := unlike(before, now)) == "", f"{name}: {why}. {way}"
    assert known.get(by, digest) == digest, f"{name} is alike, but no longer the same in {by}. {way}"


def reduced(colour: Picture) -> Picture:
    """The picture in half its size, so that an edge that falls one pixel beside weighs little."""
    height, width = colour.shape[0] // 2, colour.shape[1] // 2
    return colour[..., :3].reshape(height, 2, width, 2, 3).mean(axis=(1, 3)).round().astype(np.uint8)


def unlike(before: Picture, now: Picture) -> str:
    """In which way two pictures are not alike; nothing if they are."""
    if before.shape != now.shape:
        return f"it has {now.shape[1]} × {now.shape[0]} pixels"
    apart = np.abs(before.astype(float) - now.astype(float)).mean(axis=2)
    if (share := float((apart > FAR).mean())) > SHARE:
        return f"{share:.1%} of its pixels are others"
    return f"its pixels lie {apart.mean():.1f} apart" if apart.mean() > MEAN else ""
