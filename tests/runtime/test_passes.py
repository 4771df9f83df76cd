"""A drawn frame as pictures for image models: depth, normals, object ids, classes."""

import io
import math
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from services.passes import CLASSES, COLOURS, Kind, classes, depth16, normals, object_id, picture, values
from services.planes import Planes
from services.png import Prediction, png
from services.scene import PASSES, Camera, Pass
from services.tiling.quadrant import Box

TREE = Path(__file__).resolve().parent.parent.parent
CAMERA = Camera()
LAWN, WALL, ROOF, NOBODY = (0, 21, 21, 0), (70, 3, 1, 22), (70, 3, 2, 3), (0, 0, 0, 0)
WALL_TO_THE_EYE = 22


def drawn(pixels: Box, tags: list[tuple[int, int, int, int]], heights: list[float], camera: Camera) -> Planes:
    """A frame with one column for each tag, its surfaces at these heights in metres."""
    rows = (np.arange(pixels.top, pixels.bottom) + 0.5)[:, None]
    down = math.radians(-camera.elevation)
    # A point of height z at screen height v: v / tan - z / sin metres along the look (web/scene/camera.ts).
    metres = -rows * camera.metres_per_pixel / math.tan(down) - np.array(heights) / math.sin(down)
    code = np.rint((metres + 16_384) * 256).astype(np.int64) % (1 << 24)
    depth = np.stack([code >> 16, (code >> 8) & 255, code & 255, np.full_like(code, 255)], -1)
    objects = np.broadcast_to(np.array(tags, np.uint8), (*code.shape, 4))
    return Planes(pixels, objects, depth.astype(np.uint8))


@pytest.mark.parametrize("elevation", [-15.0, -45.0, -90.0])
@pytest.mark.parametrize("top", [-300, 0, 400_000])
def test_depth_is_height_over_the_ground_along_the_look_wherever_it_is(elevation: float, top: int) -> None:
    camera = Camera(elevation=elevation)
    frame = drawn(Box(5, top, 8, top + 40), [LAWN, ROOF, ROOF], [0, 8, 40], camera)
    found = depth16(frame, camera)
    along = 64 / math.sin(math.radians(-elevation))
    assert found.dtype == np.uint16
    for column, height in enumerate((0, 8, 40)):
        assert np.abs(found[:, column].astype(float) - height * along).max() <= 1


def test_a_normal_is_what_the_camera_sees_of_it() -> None:
    frame = drawn(Box(0, 0, 3, 1), [LAWN, WALL, ROOF], [0, 3, 6], CAMERA)
    lawn, wall, roof = (normals(frame, CAMERA)[0].astype(float) / 127.5 - 1).tolist()
    half = math.sqrt(0.5)
    assert lawn == pytest.approx([0, half, half], abs=0.01)
    assert wall == pytest.approx([0, -half, half], abs=0.01)
    # Code 3: a roof that falls away from the eye.
    assert roof[0] == pytest.approx(0, abs=0.01)
    assert roof[1] > half
    assert math.hypot(*roof) == pytest.approx(1, abs=0.01)
    from_above = Camera(elevation=-90.0)
    assert normals(frame, from_above)[0, 0].tolist() == [128, 128, 255]


def test_ids_and_classes() -> None:
    frame = drawn(Box(0, 0, 4, 2), [LAWN, WALL, ROOF, NOBODY], [0, 1, 2, 0], CAMERA)
    assert object_id(frame)[0].tolist() == [21, 70 * 256 + 3, 70 * 256 + 3, 0]
    assert classes(frame)[1].tolist() == [Kind.GREEN, Kind.BUILDING, Kind.BUILDING, Kind.NOTHING]


def test_every_material_of_the_scene_has_a_class() -> None:
    text = (TREE / "web" / "scene" / "material.ts").read_text()
    table = text[text.index("export const Material") : text.index("} as const")]
    materials = {int(number) for number in re.findall(r"^  \w+: (\d+),", table, re.MULTILINE)}
    classed = [material for group in CLASSES.values() for material in group]
    assert sorted(classed) == sorted(materials - {0})


@pytest.mark.parametrize("name", PASSES)
def test_each_pass_is_a_picture_without_loss_and_cuts_agree(name: Pass) -> None:
    whole = drawn(Box(0, 0, 3, 64), [LAWN, WALL, ROOF], [0, 3, 6], CAMERA)
    part = drawn(Box(0, 40, 3, 64), [LAWN, WALL, ROOF], [0, 3, 6], CAMERA)
    found = values(name, whole, CAMERA)
    assert np.array_equal(values(name, part, CAMERA), found[40:])
    assert np.array_equal(picture(name, part, CAMERA), picture(name, whole, CAMERA)[40:])
    image = Image.open(io.BytesIO(png(found, Prediction.LEFT)))
    assert image.mode == {"depth16": "I;16", "object_id": "I;16", "class": "L"}.get(name, "RGB")
    assert np.array_equal(np.asarray(image), found)


def test_a_picture_shows_to_the_eye_what_the_values_say() -> None:
    frame = drawn(Box(0, 0, 5, 1), [LAWN, WALL, ROOF, ROOF, NOBODY], [0, 0.4, 8, 60, 0], CAMERA)
    grey = picture("depth16", frame, CAMERA)[0]
    assert (grey[:, :1] == grey).all()
    # Ground is black, a house clearly not, and a tower still brighter.
    low, house, tower = (int(grey[column, 0]) for column in (1, 2, 3))
    assert int(grey[0, 0]) <= 1
    assert low < 20 < 120 < house < 150 < 220 < tower
    ids = picture("object_id", frame, CAMERA)[0]
    assert ids[1].tolist() == ids[2].tolist()
    assert ids[1].min() >= 96 > ids[0].max() > ids[4].max() == 0
    assert [tuple(colour) for colour in picture("class", frame, CAMERA)[0].tolist()] == [
        COLOURS[kind] for kind in (Kind.GREEN, Kind.BUILDING, Kind.BUILDING, Kind.BUILDING, Kind.NOTHING)
    ]


def test_the_document_names_every_pass_and_class() -> None:
    document = (TREE / "docs" / "passes.md").read_text()
    for name in PASSES:
        assert f"| `{name}` |" in document
    for kind in Kind:
        colour = bytes(COLOURS[kind]).hex()
        assert f"| {kind.value} | {kind.name.lower()} | `#{colour}` |" in document
