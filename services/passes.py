"""Passes: what a drawn frame says beside its colours, each as one picture that an image model can be shown.

docs/passes.md explains them. All of them follow from the object and depth planes, pixel by pixel, and from
where the pixel lies in the world; so all cuts of the same pixels agree, and nothing more needs to be stored.
"""

import math
from enum import IntEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from services.planes import (
    AWNING,
    CAR,
    FENCE,
    FIRST_THING,
    GLASS,
    GREEN,
    GROUND,
    KERB,
    MARKING,
    PAVEMENT,
    PROP,
    RAIL,
    ROAD,
    ROOF,
    ROUND,
    SHIFT,
    STEPS,
    TREE,
    TRIM,
    WALL,
    WATER,
    Planes,
    distance,
)
from services.scene import Camera, Pass

DEPTH_STEPS = 64
"""Steps of the depth pass per metre."""
HALF_BRIGHT = 10 * DEPTH_STEPS
"""The depth that a picture shows half bright: houses are told apart below it, towers above."""
PITCH = 0.68
"""How steeply pitched roofs rise, those up to 10 m wide: their normal code knows the azimuth alone."""

Values = NDArray[np.uint8] | NDArray[np.uint16]


class Kind(IntEnum):
    """The classes of the class pass."""

    NOTHING = 0
    BUILDING = 1
    ROAD = 2
    WATER = 3
    GREEN = 4
    GROUND = 5


CLASSES = {
    Kind.BUILDING: (WALL, ROOF, TRIM, GLASS, PROP, AWNING),
    Kind.ROAD: (ROAD, PAVEMENT, KERB, MARKING, CAR),
    Kind.WATER: (WATER,),
    Kind.GREEN: (GREEN, TREE),
    Kind.GROUND: (GROUND, RAIL, FENCE),
}
"""The materials of each class; cars are counted to the road that they stand on."""

COLOURS = {
    Kind.NOTHING: (0, 0, 0),
    Kind.BUILDING: (214, 96, 77),
    Kind.ROAD: (128, 128, 136),
    Kind.WATER: (67, 133, 214),
    Kind.GREEN: (96, 168, 84),
    Kind.GROUND: (222, 196, 148),
}
"""How a picture of the class pass shows them."""


def values(name: Pass, planes: Planes, camera: Camera) -> Values:
    """A pass as the numbers that it is made of."""
    match name:
        case "depth16":
            return depth16(planes, camera)
        case "normals":
            return normals(planes, camera)
        case "object_id":
            return object_id(planes)
        case "class":
            return classes(planes)


def picture(name: Pass, planes: Planes, camera: Camera) -> NDArray[np.uint8]:
    """A pass as RGB for eyes and image models, which make nothing of 16 bits or of classes from 0 to 5."""
    found = values(name, planes, camera)
    match name:
        case "depth16":
            steps = found.astype(np.uint32)
            grey = ((255 * steps + (steps + HALF_BRIGHT) // 2) // (steps + HALF_BRIGHT)).astype(np.uint8)
            return np.repeat(grey[..., None], 3, axis=2)
        case "normals":
            return found.astype(np.uint8, copy=False)
        case "object_id":
            return _scattered(found.astype(np.uint32))
        case "class":
            shown: NDArray[np.uint8] = np.array([COLOURS[kind] for kind in Kind], np.uint8)[found]
            return shown


def depth16(planes: Planes, camera: Camera) -> NDArray[np.uint16]:
    """By how much each pixel stands before the level ground behind it, in 1/64 m along the look."""
    down = math.radians(-camera.elevation)
    rows = np.arange(planes.pixels.top, planes.pixels.bottom)[:, None] + 0.5
    ground = (-rows * camera.metres_per_pixel / math.tan(down) + SHIFT) * STEPS
    before = np.mod(ground - distance(planes.depth) + ROUND / 2, ROUND) - ROUND / 2
    steps: NDArray[np.uint16] = np.clip(np.rint(before * DEPTH_STEPS / STEPS), 0, 65_535).astype(np.uint16)
    return steps


def normals(planes: Planes, camera: Camera) -> NDArray[np.uint8]:
    """Where each surface faces as seen by the camera: red to the right, green up, blue towards the eye."""
    shown: NDArray[np.uint8] = _normal_colours(camera.elevation)[planes.object[..., 3]]
    return shown


def object_id(planes: Planes) -> NDArray[np.uint16]:
    """The number of each pixel's object: one building, tree or car; ground has the number of its material."""
    ids = planes.object[..., :2].astype(np.uint16)
    return (ids[..., 0] << np.uint16(8)) | ids[..., 1]


def classes(planes: Planes) -> NDArray[np.uint8]:
    """What each pixel shows, as a Kind."""
    shown: NDArray[np.uint8] = KINDS[planes.object[..., 2]]
    return shown


def _kinds() -> NDArray[np.uint8]:
    table = np.zeros(256, np.uint8)
    for kind, materials in CLASSES.items():
        table[list(materials)] = kind
    return table


KINDS = _kinds()
"""The Kind of every material."""


def _scattered(ids: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """Each thing in a colour of its own, far from its neighbours'; ground in dark greys, nothing black."""
    bits = ids * np.uint32(0x9E3779B1)
    bits ^= bits >> np.uint32(15)
    bits *= np.uint32(0x85EBCA77)
    bits ^= bits >> np.uint32(13)
    planes = [(bits >> np.uint32(shift)).astype(np.uint8) for shift in (0, 8, 16)]
    colours = np.stack(planes, axis=-1)
    ground = np.where(ids == 0, 0, 16 + 2 * (ids & 31)).astype(np.uint8)
    shown: NDArray[np.uint8] = np.where((ids >= FIRST_THING)[..., None], colours // 2 + 96, ground[..., None])
    return shown


@lru_cache(maxsize=4)
def _normal_colours(elevation: float) -> NDArray[np.uint8]:
    """The colour of every normal code of web/scene/material.ts; codes that it never gives face up."""
    ground = np.tile(np.array((0.0, 0.0, 1.0)), (256, 1))
    lean = math.hypot(1, PITCH)
    for step in range(8):
        turn = math.radians(step * 45)
        ground[1 + step] = math.cos(turn) * PITCH / lean, math.sin(turn) * PITCH / lean, 1 / lean
    for step in range(16):
        turn = math.radians(step * 22.5)
        ground[10 + step] = math.cos(turn), math.sin(turn), 0
    down = math.radians(-elevation)
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
