"""The template: what the model sees, drawn from quadrants of one colour each."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from services.generator.compose import RED, Template, cut
from services.generator.conditioning import Conditioning
from services.generator.inspection import inspect
from services.model import Preprocess
from services.scene import Camera
from services.tiling.quadrant import SIZE, Box
from services.tiling.seam import Window
from services.tiling.template import BORDER, context
from tests.generator.city import png

HALF = SIZE // 2


def tile(shade: int) -> bytes:
    return png(np.full((SIZE, SIZE, 3), shade, np.uint8))


def template(x: int, y: int, *infill: tuple[int, int]) -> Template:
    """Renders of shade 100, finished neighbours of shade 200."""
    window = Window(x, y)
    return Template(
        window=window,
        infill=frozenset(infill),
        renders=dict.fromkeys(infill, tile(100)),
        context=dict.fromkeys(context(window, infill), tile(200)),
    )


def red(picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.asarray((picture == RED).all(axis=2))


def test_an_infill_that_fills_the_window_has_no_border() -> None:
    picture = template(0, 0, (0, 0), (1, 0), (0, 1), (1, 1)).pixels()
    assert (picture == 100).all()


@pytest.mark.parametrize(
    ("x", "y", "infill", "box"),
    [
        (0, 0, [(1, 0)], Box(512, 0, 1024, 512)),
        (-SIZE, 0, [(-1, 0), (-1, 1)], Box(0, 0, 512, 1024)),
        (HALF, HALF, [(1, 1)], Box(256, 256, 768, 768)),
        (-SIZE - HALF, -2 * SIZE, [(-1, -1)], Box(256, 512, 768, 1024)),
        (-HALF, 0, [(0, 0), (0, 1)], Box(256, 0, 768, 1024)),
    ],
)
def test_renders_inside_neighbours_outside_and_red_between(
    x: int, y: int, infill: list[tuple[int, int]], box: Box
) -> None:
    drawn = template(x, y, *infill)
    assert drawn.box == box
    picture = drawn.pixels()
    inside = np.zeros((1024, 1024), bool)
    inside[box.top : box.bottom, box.left : box.right] = True
    ring = np.zeros((1024, 1024), bool)
    ring[
        max(box.top - BORDER, 0) : box.bottom + BORDER,
        max(box.left - BORDER, 0) : box.right + BORDER,
    ] = True
    assert (picture[inside] == 100).all()
    assert np.array_equal(red(picture), ring & ~inside)
    assert (picture[~ring] == 200).all()


def test_half_of_a_neighbour_is_the_half_that_touches() -> None:
    left = np.zeros((SIZE, SIZE, 3), np.uint8)
    left[:] = (np.arange(SIZE) // 2)[None, :, None]
    drawn = template(-HALF, 0, (0, 0), (0, 1))
    drawn = Template(drawn.window, drawn.infill, drawn.renders, {**drawn.context, (-1, 0): png(left)})
    assert np.array_equal(drawn.pixels()[:SIZE, : HALF - BORDER], left[:, HALF:-BORDER])


def test_the_png_holds_the_picture_and_quadrants_are_cut_where_they_lie() -> None:
    drawn = template(HALF, HALF, (1, 1))
    picture = inspect(drawn.png())
    assert np.array_equal(picture, drawn.pixels())
    assert (cut(picture, drawn.window, (1, 1)) == 100).all()
    assert cut(picture, drawn.window, (1, 1)).shape == (SIZE, SIZE, 3)


def test_the_digest_tells_what_was_seen() -> None:
    one = template(0, 0, (1, 0))
    assert one.digest == template(0, 0, (1, 0)).digest
    other = Template(one.window, one.infill, one.renders, {**one.context, (0, 0): tile(201)})
    assert other.digest != one.digest
    assert template(SIZE, 0, (1, 0)).digest != one.digest
    shown = Conditioning(one.window, Camera(), ("class",), {}, {})
    assert replace(one, conditioning=shown).digest != one.digest


def test_preprocessing_changes_the_renders_and_nothing_else() -> None:
    plain = template(-SIZE, 0, (-1, 0), (-1, 1))
    changed = replace(plain, preprocess=Preprocess(desaturation=0.5, gamma=1.4, noise=0.1))
    assert changed.digest != plain.digest
    before, after = plain.pixels(), changed.pixels()
    left, top, right, bottom = plain.box
    inside = np.zeros((1024, 1024), bool)
    inside[top:bottom, left:right] = True
    assert np.array_equal(before[~inside], after[~inside])
    # 255 · (100 / 255)^1.4 is 68.7; grey stays grey, whatever its noise.
    assert abs(after[inside].mean() - 68.7) < 0.2
    assert abs(after[inside].std() - 25.5) < 0.2
    assert (after[inside] == after[inside][:, :1]).all()


def test_the_same_world_pixel_has_the_same_noise_in_every_window() -> None:
    noisy = Preprocess(noise=0.1)
    one = replace(template(-SIZE, -SIZE, (-1, -1), (-1, 0)), preprocess=noisy)
    other = replace(template(-SIZE, -SIZE, (-1, -1), (0, -1), (-1, 0), (0, 0)), preprocess=noisy)
    assert np.array_equal(one.pixels()[:, : SIZE - BORDER], other.pixels()[:, : SIZE - BORDER])


def test_colour_is_taken_away_by_degrees() -> None:
    red = png(np.full((SIZE, SIZE, 3), (200, 100, 50), np.uint8))
    drawn = replace(template(0, 0, (0, 0), (1, 0), (0, 1), (1, 1)), renders={(0, 0): red})
    half = replace(drawn, preprocess=Preprocess(desaturation=0.5)).pixels()[0, 0]
    grey = replace(drawn, preprocess=Preprocess(desaturation=1.0)).pixels()[0, 0]
    assert (half.tolist(), grey.tolist()) == ([162, 112, 87], [124, 124, 124])
