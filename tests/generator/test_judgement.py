"""What an answer shows around its infill: the same, much the same, moved, or something else."""

import functools
import io
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from services.generator.compose import Template, cut
from services.generator.judgement import Judged, judge
from services.model import Model
from services.task import TryFailed
from services.tile import decode
from services.tiling.quadrant import SIZE, Box, box
from services.tiling.region import grown
from services.tiling.seam import Window
from services.tiling.template import context
from tests.generator.city import draw, png

Pixels = NDArray[np.uint8]
Change = Callable[[Pixels], Pixels]

CORNER = Window(-SIZE, 0), (0, 0)
"""Finished neighbours on the left and below; above and on the right the window ends with the infill."""
MIDDLE = Window(-SIZE // 2, -SIZE // 2), (0, 0)


@functools.cache
def town(pixels: Box) -> Pixels:
    """The town as it is finished: its own colours, in squares of four pixels. Not to be changed."""
    colour, _, _ = draw(pixels)
    height, width, _ = colour.shape
    cells = colour.reshape(height // 4, 4, width // 4, 4, 3).mean(axis=(1, 3)).astype(np.uint8)
    return cells.repeat(4, axis=0).repeat(4, axis=1)


@functools.cache
def template(window: Window, infill: tuple[int, int]) -> Template:
    finished = context(window, [infill])
    return Template(
        window=window,
        infill=frozenset([infill]),
        renders={infill: png(draw(box(infill))[0])},
        context={cell: png(town(box(cell))) for cell in finished},
    )


def model(**more: object) -> Model:
    return Model.model_validate(
        {"name": "Far", "model_id": "far", "provider": "oxen", "api_key": "on-loopback", **more}
    )


def judged(where: tuple[Window, tuple[int, int]], picture: Pixels, asked: Model | None = None) -> Judged:
    return judge(png(np.ascontiguousarray(picture)), template(*where), asked or model(), [where[1]])


def committed(found: Judged) -> Pixels:
    return decode(found.files[0], "RGB", (0, 0))


def noisy(strength: float) -> Change:
    return lambda it: toned(it + np.random.default_rng(0).normal(0, strength, it.shape))


def toned(values: NDArray[np.float64]) -> Pixels:
    return np.clip(values, 0, 255).astype(np.uint8)


def jpeg(quality: int) -> Change:
    def changed(it: Pixels) -> Pixels:
        file = io.BytesIO()
        Image.fromarray(it).save(file, "JPEG", quality=quality)
        return np.array(Image.open(file))

    return changed


def repainted(share: float) -> Change:
    """So much of it replaced by what stands elsewhere, here and there."""

    def changed(it: Pixels) -> Pixels:
        chance, it = np.random.default_rng(1), it.copy()
        for top in range(0, 1024, 32):
            for left in range(0, 1024, 32):
                if chance.random() < share:
                    there = it[(top + 480) % 1024 :][:32, (left + 288) % 1024 :][:, :32].copy()
                    it[top : top + 32, left : left + 32] = there
        return it

    return changed


HARMLESS: dict[str, Change] = {
    "packed as JPEG": jpeg(90),
    "packed badly": jpeg(50),
    "brighter": lambda it: toned(it * 1.2),
    "darker": lambda it: toned(it * 1.0 - 12),
    "warmer": lambda it: toned(it * np.array([1.1, 1.0, 0.9])),
    "grainy": noisy(12),
    "soft": lambda it: np.array(Image.fromarray(it).filter(ImageFilter.GaussianBlur(1.5))),
    "scaled there and back": lambda it: np.array(
        Image.fromarray(it).resize((1000, 1000)).resize((1024, 1024))
    ),
    "fewer colours": lambda it: np.array(Image.fromarray(it).quantize(24).convert("RGB")),
    "a quarter painted anew": repainted(0.25),
}

OTHERS: dict[str, Change] = {
    "upside down": lambda it: it[::-1],
    "inverted": lambda it: 255 - it,
    "moved far": lambda it: np.roll(it, (70, 40), (0, 1)),
    "another place": lambda it: town(Box(8_000, 5_000, 9_024, 6_024)),
}


def seen(where: tuple[Window, tuple[int, int]]) -> Pixels:
    """The window as a perfect model fills it."""
    return town(where[0].box)


@pytest.mark.parametrize("where", [CORNER, MIDDLE])
def test_what_came_back_as_it_was_is_cut_and_no_more(where: tuple[Window, tuple[int, int]]) -> None:
    found = judged(where, seen(where))
    assert (found.shift, found.changed, found.told()) == ((0, 0), 0.0, "")
    assert np.array_equal(committed(found), cut(seen(where), *where))


@pytest.mark.parametrize("how", HARMLESS)
def test_nobody_pays_again_for_what_changed_a_little(how: str) -> None:
    picture = HARMLESS[how](seen(CORNER))
    found = judged(CORNER, picture)
    assert found.shift == (0, 0)
    assert np.array_equal(committed(found), cut(picture, *CORNER))


@pytest.mark.parametrize("how", OTHERS)
def test_another_picture_is_refused(how: str) -> None:
    picture = OTHERS[how](seen(CORNER))
    with pytest.raises(TryFailed, match=r"did not keep what it was to match: \d+% of what") as caught:
        judged(CORNER, picture)
    assert (caught.value.error_class, caught.value.retry) == ("bad_image", True)
    # A model that is known to paint everything anew may be let to.
    assert np.array_equal(committed(judged(CORNER, picture, model(drift_limit=1.0))), cut(picture, *CORNER))


@pytest.mark.parametrize("change", ["well", "packed badly", "warmer", "grainy", "a quarter painted anew"])
@pytest.mark.parametrize("by", [(1, 0), (0, -1), (-3, 5), (2, 7), (-13, -16)])
def test_a_picture_that_has_moved_is_put_back(by: tuple[int, int], change: str) -> None:
    right, down = by
    whole = grown(MIDDLE[0].box, 16)
    picture = town(whole)[16 - down :, 16 - right :][:1024, :1024]
    found = judged(MIDDLE, HARMLESS[change](picture) if change in HARMLESS else picture)
    assert found.shift == by
    assert found.told().startswith(f", put back by {-right},{-down} px")
    if change == "well":
        assert np.array_equal(committed(found), cut(seen(MIDDLE), *MIDDLE))


def test_what_was_pushed_out_of_the_picture_is_mirrored_if_it_is_little() -> None:
    picture = np.roll(seen(CORNER), (4, 5), (0, 1))
    found = judged(CORNER, picture)
    assert found.shift == (5, 4)
    wanted = cut(seen(CORNER), *CORNER)
    assert np.array_equal(committed(found)[:, :-5], wanted[:, :-5])
    assert np.array_equal(committed(found)[:, -5:], wanted[:, -7:-12:-1])
    with pytest.raises(TryFailed, match="moved its picture so far that 12 px of the infill are not in it"):
        judged(CORNER, np.roll(seen(CORNER), (0, 12), (0, 1)))


def test_a_flat_picture_has_not_moved() -> None:
    chance = np.random.default_rng(2)
    sea = (120 + chance.integers(0, 5, (1024, 1024, 3))).astype(np.uint8)
    drawn = template(*CORNER)
    flat = Template(
        drawn.window, drawn.infill, drawn.renders, dict.fromkeys(drawn.context, png(sea[:512, :512]))
    )
    found = judge(png(sea), flat, model(), [(0, 0)])
    assert (found.shift, found.changed) == ((0, 0), 0.0)


def test_a_seam_has_a_high_score_and_none_a_low_one() -> None:
    assert 0 < judged(CORNER, seen(CORNER)).worst < 1.1
    for change in ("packed as JPEG", "grainy", "soft"):
        assert judged(CORNER, HARMLESS[change](seen(CORNER))).worst < 1.5, change
    for there in (Box(8_000, 5_000, 8_512, 5_512), Box(-4_100, 777, -3_588, 1_289)):
        patched = seen(CORNER).copy()
        patched[:512, 512:] = town(there)
        assert judged(CORNER, patched).worst > 1.5
    darker = seen(CORNER).copy()
    darker[:512, 512:] = toned(darker[:512, 512:] - 40.0)
    assert judged(CORNER, darker).worst > 1.5


def test_only_borders_with_finished_neighbours_are_looked_at() -> None:
    window = Window(0, 0)
    drawn = Template(
        window=window,
        infill=frozenset([(0, 0), (0, 1)]),
        renders={},
        context={cell: png(town(box(cell))) for cell in ((1, 0), (1, 1))},
    )
    picture = town(window.box).copy()
    picture[511:513, :512] = 0
    found = judge(png(picture), drawn, model(), [(0, 0), (0, 1)])
    assert all(score is not None and score < 1.1 for score in found.seams)
    alone = Template(window, frozenset([(0, 0), (1, 0), (0, 1), (1, 1)]), {}, {})
    assert judge(png(picture), alone, model(), [(0, 0)]).seams == [None]


def test_pixels_made_here_are_not_looked_at() -> None:
    found = judge(255 - seen(CORNER), template(*CORNER), model(), [(0, 0)])
    assert (found.seams, found.told()) == ([None], "")


def test_another_size_is_taken_only_where_the_model_says_so() -> None:
    file = io.BytesIO()
    Image.fromarray(seen(CORNER)).resize((2048, 2048), Image.Resampling.NEAREST).save(file, "PNG")
    with pytest.raises(TryFailed, match="came back 2048 × 2048"):
        judge(file.getvalue(), template(*CORNER), model(), [(0, 0)])
    found = judge(file.getvalue(), template(*CORNER), model(resize=True), [(0, 0)])
    assert np.abs(committed(found).astype(int) - cut(seen(CORNER), *CORNER)).mean() < 3
    assert found.shift == (0, 0)
