"""What golden.py holds pictures to: the same one in another browser passes, another one does not."""

import numpy as np
from PIL import Image

from tests.renderer import golden


def test_a_golden_picture_is_told_from_another() -> None:
    before = np.asarray(Image.open(golden.FOLDER / "houses.png").convert("RGB"))
    noise = np.random.default_rng(1).integers(-2, 3, before.shape)
    assert golden.unlike(before, (before.astype(int) + noise).clip(0, 255).astype(np.uint8)) == ""
    assert "are others" in golden.unlike(before, np.roll(before, 1, axis=1))
    assert "apart" in golden.unlike(before, (before * 0.96).astype(np.uint8))
