"""A small drawn world for tests: any box of world pixels, the same pixels whatever the box."""

import functools

import numpy as np
from numpy.typing import NDArray

from services.png import Prediction
from services.png import png as encoded
from services.tiling.quadrant import Box, box

BLOCK = 96
"""World pixels from one house to the next."""


def _hash(x: NDArray[np.int64], y: NDArray[np.int64], salt: int) -> NDArray[np.int64]:
    mixed = (x * 73_856_093) ^ (y * 19_349_663) ^ (salt * 83_492_791)
    mixed = (mixed ^ (mixed >> 13)) * 1_274_126_177
    return (mixed ^ (mixed >> 16)) & 0xFFFF


def _blocks(columns: NDArray[np.int64], rows: NDArray[np.int64], salt: int) -> NDArray[np.int32]:
    """A number for each pixel that is the same all over its block."""
    i = np.arange(columns[0] // BLOCK, columns[-1] // BLOCK + 1)
    j = np.arange(rows[0] // BLOCK, rows[-1] // BLOCK + 1)
    table = _hash(i[None, :], j[:, None], salt).astype(np.int32)
    return table[rows // BLOCK - j[0]][:, columns // BLOCK - i[0]]


def draw(pixels: Box) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """Colour, object and depth layers: houses with roofs and walls, trees and cars on lawn and road."""
    columns = np.arange(pixels.left, pixels.right, dtype=np.int64)
    rows = np.arange(pixels.top, pixels.bottom, dtype=np.int64)
    shape = len(rows), len(columns)
    u = np.broadcast_to((columns % BLOCK).astype(np.int32)[None, :], shape)
    v = np.broadcast_to((rows % BLOCK).astype(np.int32)[:, None], shape)
    # Level ground comes 0.293 m nearer with every row down.
    ground = np.broadcast_to((rows * -75).astype(np.int32)[:, None], shape)
    road = np.broadcast_to(((rows // BLOCK) % 4 == 0)[:, None], shape)

    kind = _blocks(columns, rows, 2) % 4
    margin = 8 + _blocks(columns, rows, 6) % 20
    house = (kind < 2) & ~road & (u > margin) & (u < 90)
    roof = house & (v > 6) & (v <= 45)
    wall = house & (v > 45) & (v < 86)
    glass = wall & (u % 12 < 5) & (v % 14 < 7)
    tree = (kind == 2) & ~road & ((u - 48) ** 2 + (v - 48) ** 2 < 700)
    car = road & (kind == 3) & (abs(u - 40) < 9) & (abs(v - 30) < 5)

    material = np.where(road, 17, 21)
    identity = material.copy()
    normal = np.zeros(shape, np.int32)
    depth = ground.copy()
    for mask, code, facing, lift in (
        (roof, 2, 0, 2_100),
        (wall, 1, 22, 0),
        (glass, 4, 22, 0),
        (tree, 32, 3, 900),
        (car, 33, 0, 250),
    ):
        material[mask] = code
        normal[mask] = facing
        depth[mask] -= lift
    depth[wall] -= 50 * (86 - v[wall])
    for mask, first, span, salt in (
        (roof | wall, 20_000, 40_000, 7),
        (tree, 5_000, 9_000, 8),
        (car, 1_100, 2_000, 9),
    ):
        identity[mask] = first + (_blocks(columns, rows, salt) % span)[mask]

    # Two bytes hold every shade, at half the work of four.
    noise = _hash(columns[None, :], rows[:, None], 1).astype(np.uint16)
    coarse, fine = (noise % 17).astype(np.int16) - 8, (noise % 5).astype(np.int16)
    colour = np.empty((*shape, 3), np.int16)
    for plane, (on_road, on_lawn, of_tree, of_glass) in enumerate(
        ((120, 104, 61, 51), (119, 150, 112, 69), (128, 66, 56, 94))
    ):
        shade = np.where(road, np.int16(on_road), np.int16(on_lawn)) + coarse
        paint = (90 + _blocks(columns, rows, 3 + plane) % 160).astype(np.int16)
        shade = np.where(roof | car, paint, shade)
        shade = np.where(wall, paint * 4 // 5, shade)
        shade = np.where(tree, np.int16(of_tree), np.where(glass, np.int16(of_glass), shade))
        colour[..., plane] = shade + fine
    objects = np.stack([identity >> 8, identity & 255, material, normal], axis=-1).astype(np.uint8)
    metres = depth + (16_384 << 8)
    split = np.stack([metres >> 16, (metres >> 8) & 255, metres & 255], axis=-1).astype(np.uint8)
    return np.clip(colour, 0, 255).astype(np.uint8), objects, split


@functools.cache
def layers(quadrant: tuple[int, int]) -> dict[str, bytes]:
    """The three layers of a quadrant as PNG files; drawn once, so not to be changed."""
    return {
        name: png(pixels)
        for name, pixels in zip(("render", "object", "depth"), draw(box(quadrant)), strict=True)
    }


def png(pixels: NDArray[np.uint8]) -> bytes:
    """An RGB or RGBA picture as a PNG file."""
    return encoded(pixels, Prediction.LEFT)


def depth_of(split: NDArray[np.uint8]) -> NDArray[np.int32]:
    """The depth layer as numbers."""
    wide = split.astype(np.int32)
    return (wide[..., 0] << 16) | (wide[..., 1] << 8) | wide[..., 2]
