"""The palette of a map: always the same for the same counts, with room for what is rare and bright."""

import io

import numpy as np
import pytest
from numpy.typing import NDArray

from services.generator.art import oklab
from services.generator.art.dither import BAYER, dither
from services.generator.art.palette import LEVELS, BadPalette, Palette, count, make
from services.generator.art.ramp import ACCENTS, BASIC, COMMON, GREEN, RAMPS, REST, WATER
from services.generator.models.pixel_art import colour_counts
from services.generator.rendered import Rendered
from services.scene import Camera
from tests.generator.city import layers


def shades(seed: int = 1, side: int = 200) -> NDArray[np.uint8]:
    """Three planes of muted colours."""
    return np.random.default_rng(seed).integers(70, 150, (3, side, side), np.uint8)


def counted(colours: NDArray[np.uint8], ramp: int = REST) -> NDArray[np.int64]:
    return count(colours, np.full(colours.shape[1:], ramp, np.uint8))


def of_ramp(palette: Palette, ramp: int) -> list[list[int]]:
    """The colours that a ramp may be drawn in."""
    found: list[list[int]] = palette.colours[np.unique(palette.table[ramp])].tolist()
    return found


def test_the_same_counts_give_the_same_bytes() -> None:
    assert make(counted(shades())).dump() == make(counted(shades())).dump()


def test_the_order_of_renders_does_not_matter() -> None:
    one, two = (Rendered((x, 0), layers((x, 0)), ("", "", "")) for x in (0, 1))  # type: ignore[arg-type]
    camera = Camera()
    forth = colour_counts(one, camera) + colour_counts(two, camera)
    back = colour_counts(two, camera) + colour_counts(one, camera)
    assert np.array_equal(forth, back)
    # There is no water: its basic colours stand in.
    basic = len(BASIC[WATER].split())
    assert len(make(forth).colours) == sum(COMMON) + sum(ACCENTS) - COMMON[WATER] + basic


def test_a_few_bright_cells_keep_their_hue() -> None:
    muted = shades()
    muted[:, 3:7, 3:8] = np.array([225, 40, 30])[:, None, None]
    palette = make(counted(muted))
    assert np.abs(palette.colours.astype(int) - [225, 40, 30]).sum(axis=1).min() < 12


def test_the_table_leads_to_the_nearest_colour() -> None:
    palette = make(counted(shades()))
    rest = palette.colours[: COMMON[REST] + ACCENTS[REST]]
    colours = oklab.from_srgb(rest.astype(float))
    for red, green, blue in ((0, 0, 0), (63, 63, 63), (30, 20, 25), (63, 0, 10)):
        at = oklab.from_srgb(np.array([[red, green, blue]]) * 255 / 63)
        nearest = int(((colours - at) ** 2).sum(axis=1).argmin())
        assert palette.table[REST, (red * LEVELS + green) * LEVELS + blue] == nearest


def test_a_map_of_few_colours_has_a_small_palette() -> None:
    plain = np.full((3, 40, 40), 100, np.uint8)
    palette = make(counted(plain))
    assert np.abs(np.array(of_ramp(palette, REST)) - 100).max() <= 2


def test_a_ramp_keeps_to_colours_that_nothing_else_is_drawn_in() -> None:
    blue, green = shades(2), shades(3)
    blue[2] += 90
    green[1] += 60
    palette = make(counted(shades()) + counted(blue, WATER) + counted(green, GREEN))
    drawn = [of_ramp(palette, ramp) for ramp in (REST, WATER, GREEN)]
    assert [len(colours) for colours in drawn] == [sum(both) for both in zip(COMMON, ACCENTS, strict=True)]
    assert min(colour[2] for colour in drawn[WATER]) > 150
    assert sum(len({tuple(colour) for colour in colours}) for colours in drawn) == len(palette.colours)
    # Grey that lies on water becomes a colour of water, by whichever way it came there.
    plain = np.full((3, 8, 8), 120, np.float32)
    lake = np.zeros((8, 8), np.uint8)
    lake[:, 3:] = WATER
    picture = dither(plain, lake, 0, 0, palette)
    assert all(one in drawn[WATER] for one in picture[:, 3:].reshape(-1, 3).tolist())
    assert all(one in drawn[REST] for one in picture[:, :3].reshape(-1, 3).tolist())


def test_a_map_begun_before_there_were_ramps_goes_on_with_its_one_table() -> None:
    table = np.arange(LEVELS**3, dtype=np.int64) % 96
    old = Palette.load(_file(colours=COLOURS, table=table.astype(np.uint8)))
    assert old.table.shape == (RAMPS, LEVELS**3)
    assert (old.table == table).all()


def test_it_comes_back_from_its_file() -> None:
    palette = make(counted(shades()))
    again = Palette.load(palette.dump())
    assert np.array_equal(again.colours, palette.colours)
    assert np.array_equal(again.table, palette.table)


def _file(**arrays: NDArray[np.generic]) -> bytes:
    out = io.BytesIO()
    np.savez(out, **arrays)  # type: ignore[arg-type]
    return out.getvalue()


TABLE = np.zeros(LEVELS**3, np.uint8)
COLOURS = np.zeros((96, 3), np.uint8)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a palette",
        b"PK\x03\x04 cut short",
        _file(colours=COLOURS),
        _file(colours=COLOURS, table=TABLE[:-1]),
        _file(colours=COLOURS[:, :2], table=TABLE),
        _file(colours=COLOURS[:3], table=TABLE + np.uint8(3)),
        _file(colours=COLOURS.astype(float), table=TABLE),
        _file(colours=np.array([{}], object), table=TABLE),
    ],
)
def test_a_file_that_is_no_palette_is_refused(content: bytes) -> None:
    with pytest.raises(BadPalette):
        Palette.load(content)


def test_grey_survives_the_way_to_oklab_and_back() -> None:
    every = np.stack([np.arange(256)] * 3, axis=1).astype(float)
    assert np.array_equal(oklab.to_srgb(oklab.from_srgb(every)), every.astype(np.uint8))


def test_dither_follows_the_world_also_left_of_its_origin() -> None:
    palette = make(counted(shades()))
    plain = np.full((3, 12, 12), 101.7, np.float32)
    ramp = np.arange(144, dtype=np.uint8).reshape(12, 12) % RAMPS
    whole = dither(plain, ramp, -6, -5, palette)
    part = dither(plain[:, 5:, 3:], ramp[5:, 3:], -1, -2, palette)
    assert np.array_equal(whole[5:, 3:], part)
    assert sorted(BAYER.ravel().tolist()) == list(range(16))
