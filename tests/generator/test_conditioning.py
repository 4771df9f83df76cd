"""Conditioning images: passes cut to a window, the same pixels whatever the window."""

from dataclasses import replace

import numpy as np
import pytest

from services import passes
from services.generator.conditioning import Conditioning
from services.planes import Planes
from services.scene import PASSES, Camera, Pass
from services.tiling.quadrant import SIZE, WINDOW, Box
from services.tiling.region import touched
from services.tiling.seam import Window
from tests.generator.city import draw, layers

CAMERA = Camera()


def conditioning(window: Window, *names: Pass) -> Conditioning:
    cells = touched(window.box)
    return Conditioning(
        window=window,
        camera=CAMERA,
        names=names,
        objects={cell: layers(cell)["object"] for cell in cells},
        depths={cell: layers(cell)["depth"] for cell in cells},
    )


@pytest.mark.parametrize("name", PASSES)
def test_a_window_cut_from_stored_layers_is_what_would_be_drawn_there(name: Pass) -> None:
    window = Window(-SIZE // 2, -SIZE)
    cut = conditioning(window, name)
    _, objects, depth = draw(window.box)
    drawn = Planes(window.box, objects, depth)
    assert np.array_equal(cut.values(name), passes.values(name, drawn, CAMERA))
    shown = cut.picture(name)
    assert (shown.shape, shown.dtype) == ((WINDOW, WINDOW, 3), np.uint8)
    other = conditioning(Window(0, -SIZE // 2), name).picture(name)
    assert np.array_equal(shown[SIZE // 2 :, SIZE // 2 :], other[: -SIZE // 2, : -SIZE // 2])
    assert len(np.unique(shown[..., 2])) >= 2


def test_the_digest_tells_what_was_shown() -> None:
    one = conditioning(Window(0, 0), "class", "depth16")
    assert one.digest == conditioning(Window(0, 0), "class", "depth16").digest
    others = [
        replace(one, names=("class",)),
        replace(one, camera=Camera(elevation=-30.0)),
        replace(one, objects={**one.objects, (0, 0): layers((5, 5))["object"]}),
        replace(one, depths={**one.depths, (0, 0): layers((5, 5))["depth"]}),
    ]
    assert len({one.digest, *(other.digest for other in others)}) == 5
    assert one.window.box == Box(0, 0, WINDOW, WINDOW)
