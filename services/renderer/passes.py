"""Passes: what a drawn frame says beside its colours, each as one picture that an image model can be shown.

docs/passes.md explains their values. All of them follow from the frame's object and depth planes, pixel by
pixel, and from where the pixel lies in the world; so all cuts of the same pixels agree.
"""

import math
from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from services.png import Prediction, png
from services.renderer.frame import Frame
from services.scene import Camera

Pass = Literal["depth16", "normals", "object_id", "class"]
PASSES: tuple[Pass, ...] = get_args(Pass)

STEPS = 64
"""Steps of the depth pass per metre."""
ROUND = 1 << 24
"""After so many steps of 1/256 m the depth plane begins anew (web/scene/main.ts)."""
SHIFT = 16_384.0
"""Metres that are added in the depth plane."""
PITCH = 0.68
"""How steeply pitched roofs rise, those up to 10 m wide: their normal code knows the azimuth alone."""


class Kind(IntEnum):
    """The classes of the class pass."""

    NOTHING = 0
    BUILDING = 1
    ROAD = 2
    WATER = 3
    GREEN = 4
    GROUND = 5


CLASSES = {
    Kind.BUILDING: (1, 2, 3, 4, 5, 6),
    Kind.ROAD: (17, 18, 19, 20, 33),
    Kind.WATER: (22,),
    Kind.GREEN: (21, 32),
    Kind.GROUND: (16, 23, 24),
}
"""The materials of web/scene/material.ts by class; cars are counted to the road that they stand on."""


def depth16(frame: Frame, camera: Camera) -> NDArray[np.uint16]:
    """By how much each pixel stands before the level ground behind it, in 1/64 m along the look."""
    high, middle, low = np.moveaxis(frame.depth[..., :3].astype(np.int64), -1, 0)
    drawn = (high << 16) | (middle << 8) | low
    down = math.radians(-camera.elevation)
    rows = np.arange(frame.pixels.top, frame.pixels.bottom)[:, None] + 0.5
    ground = (-rows * camera.metres_per_pixel / math.tan(down) + SHIFT) * 256
    before = np.mod(ground - drawn + ROUND / 2, ROUND) - ROUND / 2
    steps: NDArray[np.uint16] = np.clip(np.rint(before * STEPS / 256), 0, 65_535).astype(np.uint16)
    return steps


def normals(frame: Frame, camera: Camera) -> NDArray[np.uint8]:
    """Where each surface faces as seen by the camera: red to the right, green up, blue towards the eye."""
    picture: NDArray[np.uint8] = _normal_colours(camera)[frame.object[..., 3]]
    return picture


def object_id(frame: Frame) -> NDArray[np.uint16]:
    """The number of each pixel's object: one building, tree or car; ground has the number of its material."""
    ids = frame.object[..., :2].astype(np.uint16)
    return (ids[..., 0] << np.uint16(8)) | ids[..., 1]


def classes(frame: Frame) -> NDArray[np.uint8]:
    """What each pixel shows, as a Kind."""
    table = np.zeros(256, np.uint8)
    for kind, materials in CLASSES.items():
        table[list(materials)] = kind
    picture: NDArray[np.uint8] = table[frame.object[..., 2]]
    return picture


def files(frame: Frame, camera: Camera) -> dict[Pass, bytes]:
    """Every pass of the frame as a PNG file."""
    make: Mapping[Pass, Callable[[], bytes]] = {
        "depth16": lambda: png(depth16(frame, camera), Prediction.ABOVE),
        "normals": lambda: png(normals(frame, camera), Prediction.LEFT),
        "object_id": lambda: png(object_id(frame), Prediction.LEFT),
        "class": lambda: png(classes(frame), Prediction.LEFT),
    }
    return {name: make[name]() for name in PASSES}


def _normal_colours(camera: Camera) -> NDArray[np.uint8]:
    """The colour of every normal code of web/scene/material.ts; codes that it never gives face up."""
    ground = np.tile(np.array((0.0, 0.0, 1.0)), (256, 1))
    lean = math.hypot(1, PITCH)
    for step in range(8):
        turn = math.radians(step * 45)
        ground[1 + step] = math.cos(turn) * PITCH / lean, math.sin(turn) * PITCH / lean, 1 / lean
    for step in range(16):
        turn = math.radians(step * 22.5)
        ground[10 + step] = math.cos(turn), math.sin(turn), 0
    down = math.radians(-camera.elevation)
    right, away, up = ground.T
    seen = np.stack(
        (
            right,
            away * math.sin(down) + up * math.cos(down),
            up * math.sin(down) - away * math.cos(down),
        ),
        axis=1,
    )
    colours: NDArray[np.uint8] = np.rint((seen + 1) * 127.5).astype(np.uint8)
    return colours
