"""Small files of CityJSON 2.0 with box-shaped houses, in the coordinates of UTM zone 32."""

import json
from pathlib import Path
from typing import Any

from pyproj import Transformer

WIDE, TALL = 20.0, 10.0
UTM = Transformer.from_crs("EPSG:4326", "EPSG:32632", always_xy=True)

House = tuple[str, list[list[float]]]


def house(name: str, latitude: float, longitude: float, ground: float) -> House:
    """A house with its middle at a place: a name and its eight corners."""
    half = WIDE / 2
    east, north = UTM.transform(longitude, latitude)
    flat = [(-half, -half), (half, -half), (half, half), (-half, half)]
    return name, [[east + x, north + y, ground + z] for z in (0.0, TALL) for x, y in flat]


def city(houses: list[House]) -> dict[str, Any]:
    """The houses as one object of CityJSON, each with a part that has the same shape."""
    vertices, objects = [], {}
    for name, corners in houses:
        objects |= _objects(name, len(vertices))
        vertices += [
            [round((x - 4e5) * 1000), round((y - 5.2e6) * 1000), round(z * 1000)] for x, y, z in corners
        ]
    return _head() | {"CityObjects": objects, "vertices": vertices}


def written(file: Path, houses: list[House]) -> Path:
    """A file of CityJSON."""
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(city(houses)))
    return file


def lines(file: Path, houses: list[House]) -> Path:
    """A file of CityJSON features, one in each line."""
    features = [{**city([one]), "type": "CityJSONFeature", "id": one[0]} for one in houses]
    first = _head() | {"CityObjects": {}, "vertices": []}
    file.write_text("\n".join(json.dumps(document) for document in (first, *features)))
    return file


def _head() -> dict[str, Any]:
    return {
        "type": "CityJSON",
        "version": "2.0",
        "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/32632"},
        "transform": {"scale": [0.001, 0.001, 0.001], "translate": [4e5, 5.2e6, 0]},
    }


def _objects(name: str, first: int) -> dict[str, Any]:
    floor, top = [first + i for i in (0, 3, 2, 1)], [first + i for i in (4, 5, 6, 7)]
    walls = [[first + a for a in (i, (i + 1) % 4, (i + 1) % 4 + 4, i + 4)] for i in range(4)]
    surfaces = [{"type": kind} for kind in ("GroundSurface", "WallSurface", "RoofSurface")]
    solid = {
        "type": "Solid",
        "lod": "2.2",
        "boundaries": [[[ring] for ring in (floor, *walls, top)]],
        "semantics": {"surfaces": surfaces, "values": [[0, 1, 1, 1, 1, 2]]},
    }
    mark = {"type": "MultiSurface", "lod": "0", "boundaries": [[floor]]}
    part = f"{name}-1"
    return {
        name: {"type": "Building", "geometry": [mark, solid], "children": [part]},
        part: {"type": "BuildingPart", "geometry": [solid], "parents": [name]},
    }
