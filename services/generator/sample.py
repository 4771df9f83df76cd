"""A sample of ground to try a model on: houses on lawns, drawn without a renderer."""

import numpy as np
from numpy.typing import NDArray

from services.generator.rendered import LAYERS, Rendered
from services.png import Prediction, png
from services.tiling.quadrant import box

BLOCK = 128
"""World pixels from one house to the next."""
LAWN, ROOF, WALL = 21, 2, 1
"""Materials, as the renderer numbers them."""
WALL_NORMAL = 22
GROUND_STEP = 75
"""By how much, in 1/256 m, level ground comes nearer with every row."""
FARTHEST = 16_384 << 8


def sample(quadrant: tuple[int, int]) -> Rendered:
    """One quadrant as a renderer would hand it in."""
    colour, objects, depth = _drawn(quadrant)
    planes = dict(zip(LAYERS, (colour, objects, depth), strict=True))
    files = {layer: png(plane, Prediction.LEFT) for layer, plane in planes.items()}
    return Rendered(quadrant, files, tuple(f"sample {layer} {quadrant}" for layer in LAYERS))


def finished(quadrant: tuple[int, int]) -> bytes:
    """The same quadrant as if it had been painted: in squares of four pixels and few shades."""
    colour, _, _ = _drawn(quadrant)
    cells = colour[2::4, 2::4] // 16 * 16 + 8
    return png(np.ascontiguousarray(cells.repeat(4, axis=0).repeat(4, axis=1)), Prediction.NONE)


def _drawn(quadrant: tuple[int, int]) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    left, top, right, bottom = box(quadrant)
    x, y = np.meshgrid(np.arange(left, right), np.arange(top, bottom))
    u, v = x % BLOCK, y % BLOCK
    house = (x // BLOCK * 31 + y // BLOCK * 17) % 1_009
    roof = (u > 24) & (u < 104) & (v > 16) & (v < 64)
    wall = (u > 24) & (u < 104) & (v >= 64) & (v < 104)
    shade = 40 * ((house * 7) % 4)
    colour = np.stack([92 + (x * 5 + y * 3) % 9, 142 + (x + y * 7) % 9, 60 + (x * 3 + y) % 9], axis=-1)
    colour[roof] = np.stack([90 + shade, 70 + shade // 2, 66 + shade // 3], axis=-1)[roof]
    colour[wall] = np.stack([150 + shade // 2, 140 + shade // 2, 120 + shade // 2], axis=-1)[wall]
    colour[wall & (u % 16 < 7) & (v % 18 < 9)] = (48, 62, 88)
    identity = np.where(roof | wall, 1_000 + house, LAWN)
    material = np.select([roof, wall], [ROOF, WALL], LAWN)
    normal = np.where(wall, WALL_NORMAL, 0)
    objects = np.stack([identity >> 8, identity & 255, material, normal], axis=-1)
    metres = FARTHEST - y * GROUND_STEP - np.where(roof, 2_100, 0) - np.where(wall, 52 * (104 - v), 0)
    depth = np.stack([metres >> 16, (metres >> 8) & 255, metres & 255], axis=-1)
    return colour.astype(np.uint8), objects.astype(np.uint8), depth.astype(np.uint8)
