"""Small tile sets (3D Tiles), written byte by byte: boxes of known colours at known places on earth."""

import base64
import io
import json
import math
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

Point = tuple[float, float, float]
Colour = tuple[int, int, int]

LATITUDE, LONGITUDE = 47.3769, 8.5417
RADIUS, FLATTENING = 6_378_137.0, 1 / 298.257223563
DRACO = base64.b64decode(
    "RFJBQ08CAgEBAAAABAIBAgAAAR//ARH/AREC/wAAAAAAAQAJAwAAAgEDCQIAAQIBAQEAAwMBIAEgAwDwgwwFAAAAAAD/PwAAAACgwQAAAAAA"
    "AKDBAAAgQg4BAQEAAwMBIAEgAwDwg6YAAAAAAP8PAAAAAAAAAAAAAAAAgD8M"
)
"""The corners of `poster` as Google's draco3d 1.5.9 packs them."""
CELL = 60.0
"""Metres along each side of a leaf."""
SIDES = 4
"""Leaves along each side of the tile set."""


def earth(latitude: float, longitude: float, height: float) -> Point:
    """A place in the earth's own axes (EPSG Guidance Note 7-2, method 9602)."""
    phi, turn = math.radians(latitude), math.radians(longitude)
    squared = FLATTENING * (2 - FLATTENING)
    out = RADIUS / math.sqrt(1 - squared * math.sin(phi) ** 2)
    return (
        (out + height) * math.cos(phi) * math.cos(turn),
        (out + height) * math.cos(phi) * math.sin(turn),
        (out * (1 - squared) + height) * math.sin(phi),
    )


def upright(latitude: float, longitude: float, height: float = 0.0) -> list[float]:
    """East, north and up at a place as a matrix of 3D Tiles, column after column."""
    phi, turn = math.radians(latitude), math.radians(longitude)
    east = (-math.sin(turn), math.cos(turn), 0.0)
    north = (-math.sin(phi) * math.cos(turn), -math.sin(phi) * math.sin(turn), math.cos(phi))
    up = (math.cos(phi) * math.cos(turn), math.cos(phi) * math.sin(turn), math.sin(phi))
    return [*east, 0, *north, 0, *up, 0, *earth(latitude, longitude, height), 1]


def glb(boxes: Sequence[tuple[Point, Point, Colour]], *, unlit: bool = True, **more: object) -> bytes:
    """A model of boxes, each from a lower corner to an upper one, in metres east, north and up."""
    points, indices, numbers = b"", b"", b""
    primitives, views, accessors, materials = [], [], [], []
    for number, ((x0, y0, z0), (x1, y1, z1), colour) in enumerate(boxes):
        corners = [(x, z, -y) for z in (z0, z1) for y in (y0, y1) for x in (x0, x1)]
        faces = [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)]
        points += b"".join(struct.pack("<3f", *corner) for corner in corners)
        indices += b"".join(struct.pack("<6H", a, b, c, a, c, d) for a, b, c, d in faces)
        numbers += struct.pack("<8f", *[number] * 8)
        axes = list(zip(*corners, strict=True))
        place = {"min": [min(axis) for axis in axes], "max": [max(axis) for axis in axes]}
        first = len(accessors)
        accessors += [
            _accessor(0, number * 96, 5126, 8, "VEC3") | place,
            _accessor(1, number * 72, 5123, 36, "SCALAR"),
            _accessor(2, number * 32, 5126, 8, "SCALAR"),
        ]
        material: dict[str, object] = {
            "pbrMetallicRoughness": {"baseColorFactor": [*map(_linear, colour), 1]}
        }
        materials.append(material | ({"extensions": {"KHR_materials_unlit": {}}} if unlit else {}))
        attributes = {"POSITION": first, "_FEATURE_ID_0": first + 2}
        primitives.append({"attributes": attributes, "indices": first + 1, "material": number})
    body = points + indices + numbers
    at = 0
    for part in (points, indices, numbers):
        views.append({"buffer": 0, "byteOffset": at, "byteLength": len(part)})
        at += len(part)
    document = {
        "asset": {"version": "2.0", "copyright": "Somebody;Another"},
        "extensionsUsed": ["KHR_materials_unlit"],
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": primitives}],
        "buffers": [{"byteLength": len(body)}],
        "bufferViews": views,
        "accessors": accessors,
        "materials": materials,
        **more,
    }
    return _packed(document, body)


def poster(colours: Sequence[Colour], *, draco: bool) -> bytes:
    """A level picture of 40 x 40 m with a colour in each quarter, the northern ones first."""
    picture = io.BytesIO()
    Image.fromarray(np.array(colours, np.uint8).reshape(2, 2, 3)).save(picture, "png")
    corners = [(-20, 0, 20, 0, 1), (20, 0, 20, 1, 1), (20, 0, -20, 1, 0), (-20, 0, -20, 0, 0)]
    places = b"".join(struct.pack("<3f", *corner[:3]) for corner in corners)
    turns = b"".join(struct.pack("<2f", *corner[3:]) for corner in corners)
    parts = [places, turns, struct.pack("<6H", 0, 1, 2, 0, 2, 3), picture.getvalue(), DRACO]
    body, views = b"", []
    for part in parts:
        views.append({"buffer": 0, "byteOffset": len(body), "byteLength": len(part)})
        body += part + b"\0" * (-len(part) % 4)
    bounds = {"min": [-20, 0, -20], "max": [20, 0, 20]}
    accessors = [
        _accessor(0, 0, 5126, 4, "VEC3") | bounds,
        _accessor(1, 0, 5126, 4, "VEC2"),
        _accessor(2, 0, 5123, 6, "SCALAR"),
    ]
    primitive: dict[str, object] = {
        "attributes": {"POSITION": 0, "TEXCOORD_0": 1}, "indices": 2, "material": 0,
    }  # fmt: skip
    required = []
    if draco:
        required = ["KHR_draco_mesh_compression"]
        packed = {"bufferView": 4, "attributes": {"POSITION": 0, "TEXCOORD_0": 1}}
        primitive["extensions"] = {"KHR_draco_mesh_compression": packed}
        for accessor in accessors:
            del accessor["bufferView"], accessor["byteOffset"]
    unlit = {
        "pbrMetallicRoughness": {"baseColorTexture": {"index": 0}},
        "extensions": {"KHR_materials_unlit": {}},
    }
    document = {
        "asset": {"version": "2.0"},
        "extensionsUsed": ["KHR_materials_unlit", *required],
        "extensionsRequired": required,
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [primitive]}],
        "buffers": [{"byteLength": len(body)}],
        "bufferViews": views,
        "accessors": accessors,
        "materials": [unlit],
        "textures": [{"source": 0, "sampler": 0}],
        "images": [{"bufferView": 3, "mimeType": "image/png"}],
        "samplers": [{"magFilter": 9728, "minFilter": 9728}],
    }
    return _packed(document, body)


def alone(content: bytes) -> dict[str, bytes]:
    """A tile set of one tile in the middle, by the names of its files."""
    root = tile((LATITUDE, LONGITUDE), 60, 20, 0, "one.glb") | {"refine": "REPLACE"}
    document = {"asset": {"version": "1.1"}, "geometricError": 1, "root": root}
    return {"tileset.json": json.dumps(document).encode(), "one.glb": content}


def _packed(document: dict[str, object], body: bytes) -> bytes:
    """A binary glTF."""
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    body += b"\0" * (-len(body) % 4)
    length = 12 + 8 + len(text) + 8 + len(body)
    return (
        struct.pack("<4sII", b"glTF", 2, length)
        + struct.pack("<I4s", len(text), b"JSON") + text
        + struct.pack("<I4s", len(body), b"BIN\0") + body
    )  # fmt: skip


def _accessor(view: int, offset: int, kind: int, count: int, shape: str) -> dict[str, object]:
    return {"bufferView": view, "byteOffset": offset, "componentType": kind, "count": count, "type": shape}


def _linear(byte: int) -> float:
    value = byte / 255
    return value / 12.92 if byte < 11 else ((value + 0.055) / 1.055) ** 2.4


def colour_of(column: int, row: int) -> Colour:
    """The colour of a leaf's box."""
    return (40 + 50 * column, 40 + 50 * row, 200)


def height_of(column: int, row: int) -> float:
    """The height of a leaf's box in metres."""
    return 6.0 + column + row


def middle(column: int, row: int) -> tuple[float, float]:
    """Metres east and north of the tile set's middle where a leaf's box stands."""
    return (column - SIDES / 2 + 0.5) * CELL, (row - SIDES / 2 + 0.5) * CELL


def place(column: int, row: int) -> tuple[float, float]:
    """Latitude and longitude of a leaf's middle: each has upright axes of its own there."""
    east, north = middle(column, row)
    return LATITUDE + math.degrees(north / 6_370_000), LONGITUDE + math.degrees(
        east / (6_387_000 * math.cos(math.radians(LATITUDE)))
    )


def files(*, unlit: bool = True) -> dict[str, bytes]:
    """A quadtree of 16 leaves, 4 coarser tiles and a root, by the names of its files.

    Every leaf has a box of 20 x 20 m in its middle. What is coarser is black, and 50 m wide.
    """
    made: dict[str, bytes] = {}
    quarters = []
    for j in range(2):
        for i in range(2):
            here = place(2 * i, 2 * j), place(2 * i + 1, 2 * j + 1)
            at = ((here[0][0] + here[1][0]) / 2, (here[0][1] + here[1][1]) / 2)
            leaves = []
            for column, row in ((2 * i + a, 2 * j + b) for b in range(2) for a in range(2)):
                name = f"leaves/{column}-{row}.glb"
                top = height_of(column, row)
                made[name] = glb([((-10, -10, 0), (10, 10, top), colour_of(column, row))], unlit=unlit)
                leaves.append(tile(place(column, row), CELL / 2, top, 0, name, at))
            name = f"coarse/{i}-{j}.glb"
            made[name] = glb([((-25, -25, 0), (25, 25, 30), (0, 0, 0))])
            quarters.append(tile(at, CELL, 30, 8, name, (LATITUDE, LONGITUDE)) | {"children": leaves})
    root = tile((LATITUDE, LONGITUDE), 2 * CELL, 30, 64, None) | {"children": quarters, "refine": "REPLACE"}
    document = {"asset": {"version": "1.1"}, "geometricError": 256, "root": root}
    made["tileset.json"] = json.dumps(document).encode()
    return made


def tile(
    at: tuple[float, float],
    half: float,
    top: float,
    error: float,
    name: str | None,
    parent: tuple[float, float] | None = None,
) -> dict[str, object]:
    """A tile that stands upright at its place; `parent` is that of the tile above it."""
    axes = np.reshape(upright(*at), (4, 4)).T
    if parent is not None:
        axes = np.linalg.solve(np.reshape(upright(*parent), (4, 4)).T, axes)
    found: dict[str, object] = {
        "boundingVolume": {"box": [0, 0, top / 2, half, 0, 0, 0, half, 0, 0, 0, top / 2]},
        "geometricError": error,
        "transform": axes.T.ravel().tolist(),
    }
    return found | ({"content": {"uri": name}} if name is not None else {})


def written(folder: Path, made: dict[str, bytes]) -> Path:
    """The files in a folder; its tileset.json."""
    for name, content in made.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder / "tileset.json"
