"""Building footprints from a GeoJSON file, split into tiles once."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from services.renderer.sources import version
from services.renderer.sources.source import Description, Source, Tile, Unusable, reading_json
from services.tiling.grid import tile_at

ZOOM = 15
LARGEST = 1 << 30
WIDEST = 2_000.0
"""Metres; what is wider is no building, and every frame near it would load all that lies beside."""
KEPT = (
    "height",
    "min_height",
    "building:height",
    "building:levels",
    "building:min_level",
    "levels",
    "building",
)
_EQUATOR = 40_075_016.686

Ring = list[tuple[float, float]]


class Footprints(Source):
    """Polygons with `height`, `building:levels` or `levels`; what is no polygon is left out."""

    def __init__(self, file: Path, *, attribution: str) -> None:
        self._file = file
        self._tiles: dict[tuple[int, int], bytes] = {}
        found: dict[tuple[int, int], list[dict[str, object]]] = {}
        reach = 0.0
        for properties, rings in _polygons(file):
            x, y, out = _home(rings[0])
            reach = max(reach, out)
            found.setdefault((x, y), []).append({"properties": properties, "rings": rings})
        if not found:
            raise Unusable(f"{file} has no polygon in it, so nothing can be drawn.")
        for tile, inside in found.items():
            self._tiles[tile] = json.dumps({"footprints": inside}, separators=(",", ":")).encode()
        columns, rows = [x for x, _ in found], [y for _, y in found]
        tiles = (min(columns), min(rows), max(columns), max(rows))
        self._about = Description(
            file.stem, attribution, ZOOM, tiles, reach=math.ceil(reach), version=version.of_file(file)
        )

    def describe(self) -> Description:
        return self._about

    async def tile(self, column: int, row: int) -> Tile | None:
        content = self._tiles.get((column, row))
        if content is None:
            return None
        return Tile(f"{self._file} {ZOOM}/{column}/{row}", content, "application/json")


def _polygons(file: Path) -> Iterator[tuple[dict[str, object], list[Ring]]]:
    """The properties that matter and the rings of every polygon; raises Unusable with its place."""
    document = _document(file)
    features = document.get("features") if document.get("type") == "FeatureCollection" else None
    if not isinstance(features, list):
        raise Unusable(
            f'{file} is no GeoJSON of the kind {{"type": "FeatureCollection", "features": [ … ]}}.'
        )
    for number, feature in enumerate(features):
        where = f"{file}: features[{number}]"
        geometry = feature.get("geometry") if isinstance(feature, dict) else None
        if not isinstance(geometry, dict):
            continue
        said = feature.get("properties")
        properties = {name: said[name] for name in KEPT if name in said} if isinstance(said, dict) else {}
        coordinates = geometry.get("coordinates")
        parts = {"Polygon": [coordinates], "MultiPolygon": coordinates}.get(str(geometry.get("type")), [])
        if not isinstance(parts, list):
            raise Unusable(f"{where}: its coordinates are no list.")
        for part in parts:
            rings = [_ring(where, ring) for ring in part] if isinstance(part, list) else []
            if not rings or len(rings[0]) < 3:
                raise Unusable(f"{where}: a polygon is a list of rings of three points and more.")
            yield properties, [ring for ring in rings if len(ring) >= 3]


def _document(file: Path) -> dict[str, Any]:
    with reading_json(file):
        if file.stat().st_size > LARGEST:
            raise Unusable(
                f"{file} is larger than {LARGEST >> 30} GiB; make vector tiles of it and name those."
            )
        document = json.loads(file.read_bytes())
    return document if isinstance(document, dict) else {}


def _ring(where: str, ring: Any) -> Ring:
    """The points of a ring, the last one not repeated."""
    points: Ring = []
    for position in ring if isinstance(ring, list) else ():
        try:
            longitude, latitude = float(position[0]), float(position[1])
        except (TypeError, ValueError, LookupError):
            raise Unusable(f"{where}: a position is [longitude, latitude].") from None
        # Written so that NaN is refused as well.
        if not (-180 <= longitude <= 180 and -85 <= latitude <= 85):
            raise Unusable(
                f"{where}: ({longitude:g}, {latitude:g}) is no longitude and latitude in degrees (WGS 84) "
                "between 85° south and 85° north."
            )
        points.append((longitude, latitude))
    return points[:-1] if points and points[0] == points[-1] else points


def _home(ring: Ring) -> tuple[int, int, float]:
    """The tile that a footprint's middle lies in, and how many metres it reaches out of it."""
    placed = [tile_at(ZOOM, longitude, latitude) for longitude, latitude in ring]
    x0, x1 = min(x for x, _ in placed), max(x for x, _ in placed)
    y0, y1 = min(y for _, y in placed), max(y for _, y in placed)
    metres = _EQUATOR * math.cos(math.radians(ring[0][1])) / (1 << ZOOM)
    if max(x1 - x0, y1 - y0) * metres > WIDEST:
        raise Unusable(
            f"The footprint at ({ring[0][0]:g}, {ring[0][1]:g}) is wider than {WIDEST:g} m, so it is no "
            "building; take it out of scene.file."
        )
    x, y = math.floor((x0 + x1) / 2), math.floor((y0 + y1) / 2)
    return x, y, max(x - x0, x1 - x - 1, y - y0, y1 - y - 1, 0.0) * metres
