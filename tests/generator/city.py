"""A small drawn world for tests: any box of world pixels, the same pixels whatever the box."""

import functools
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from services.tiling.quadrant import SIZE, Box, box

BLOCK = 96
"""World pixels from one house to the next."""


def _hash(x: NDArray[np.int64], y: NDArray[np.int64], salt: int) -> NDArray[np.int64]:
    mixed = (x * 73_856_093) ^ (y * 19_349_663) ^ (salt * 83_492_791)
    mixed = (mixed ^ (mixed >> 13)) * 1_274_126_177
    return (mixed ^ (mixed >> 16)) & 0xFFFF


def draw(pixels: Box) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """Colour, object and depth layers: houses with roofs and walls, trees and cars on lawn and road."""
    x, y = np.meshgrid(np.arange(pixels.left, pixels.right), np.arange(pixels.top, pixels.bottom))
    x, y = x.astype(np.int64), y.astype(np.int64)
    height, width = x.shape
    colour = np.empty((height, width, 3), np.int64)
    ground = y * -75
    """Level ground comes 0.293 m nearer with every row down."""
    road = (y // BLOCK) % 4 == 0
    colour[:] = np.where(road[..., None], (120, 119, 128), (104, 150, 66))
    colour += (_hash(x, y, 1) % 17 - 8)[..., None]
    identity = np.where(road, 17, 21)
    material = identity.copy()
    normal = np.zeros_like(x)
    depth = ground.copy()

    i, j = x // BLOCK, y // BLOCK
    u, v = x % BLOCK, y % BLOCK
    kind = _hash(i, j, 2) % 4
    paint = np.stack([90 + _hash(i, j, salt) % 160 for salt in (3, 4, 5)], axis=-1)
    shape = _hash(i, j, 6) % 20
    roof = (kind < 2) & ~road & (u > 8 + shape) & (u < 90) & (v > 6) & (v <= 45)
    wall = (kind < 2) & ~road & (u > 8 + shape) & (u < 90) & (v > 45) & (v < 86)
    tree = (kind == 2) & ~road & ((u - 48) ** 2 + (v - 48) ** 2 < 700)
    car = road & (kind == 3) & (abs(u - 40) < 9) & (abs(v - 30) < 5)
    glass = wall & (u % 12 < 5) & (v % 14 < 7)
    for mask, mat, code, lift in (
        (roof, 2, 0, 2_100),
        (wall, 1, 22, 0),
        (glass, 4, 22, 0),
        (tree, 32, 3, 900),
        (car, 33, 0, 250),
    ):
        material[mask] = mat
        normal[mask] = code
        depth[mask] = ground[mask] - lift
    depth[wall] = ground[wall] - 50 * (86 - v[wall])
    identity = np.where(material < 8, 20_000 + _hash(i, j, 7) % 40_000, identity)
    identity = np.where(tree, 5_000 + _hash(i, j, 8) % 9_000, identity)
    identity = np.where(car, 1_100 + _hash(i, j, 9) % 2_000, identity)
    colour[roof | wall | car] = paint[roof | wall | car]
    colour[wall] = colour[wall] * 4 // 5
    colour[glass] = (51, 69, 94)
    colour[tree] = (61, 112, 56)
    colour += (_hash(x, y, 10) % 5)[..., None]
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
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=1)
    return file.getvalue()


def depth_of(split: NDArray[np.uint8]) -> NDArray[np.int32]:
    """The depth layer as numbers."""
    wide = split.astype(np.int32)
    return (wide[..., 0] << 16) | (wide[..., 1] << 8) | wide[..., 2]


__all__ = ["SIZE", "Box", "depth_of", "draw", "layers", "png"]
