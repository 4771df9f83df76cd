"""Buildings as solids from CityJSON files: read once, and given to the page as a tile set."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from services.renderer.sources.source import SourceFault, Unusable, reading_json
from services.renderer.sources.tileset import Content, TileSet, described
from services.renderer.sources.version import of_file
from services.tiling.grid import tile_at

LARGEST = 1 << 30
CELL, GROUP = 17, 12
"""Zooms of Web Mercator whose squares hold buildings and groups of squares: 200 m and 6 km wide at 50°."""
DRAWN = ("Building", "BuildingPart", "BuildingInstallation", "Bridge", "BridgePart", "OtherConstruction")
DEPTHS = {"MultiSurface": 0, "CompositeSurface": 0, "Solid": 1, "MultiSolid": 2, "CompositeSolid": 2}
"""How deep the surfaces of a kind of geometry lie in its boundaries."""
WHOLE_EARTH = {"sphere": [0, 0, 0, 7e6]}
RADIUS, SQUARED = 6_378_137.0, 0.006_694_379_990_141_317
"""Of the ellipsoid WGS 84: half its longer axis, and the square of its eccentricity."""

Surface = list[list[int]]
Points = NDArray[np.float64]


@dataclass
class Cell:
    """What stands on one square of ground, by the middle of its buildings."""

    points: list[float] = field(default_factory=list)
    objects: list[dict[str, object]] = field(default_factory=list)


class CityJSON(TileSet):
    """A file of CityJSON 1.0 to 2.0, or of CityJSON features line by line, or a folder of such files."""

    def __init__(self, file: Path, *, attribution: str) -> None:
        super().__init__()
        self._file = file
        cells: dict[tuple[int, int], Cell] = {}
        for part in _parts(file):
            _Reader(part).read(cells)
        if not cells:
            raise Unusable(f"{file} has no building with a surface in it, so nothing can be drawn.")
        self._contents = {"tileset.json": b""}
        self._contents["tileset.json"] = json.dumps(self._tree(cells)).encode()
        newest = max(_parts(file), key=lambda part: part.stat().st_mtime)
        self._about = described(file.stem, attribution, "tileset.json", shadows=True, version=of_file(newest))

    async def content(self, path: str, query: str) -> Content:
        content = self._contents.get(path)
        if content is None:
            raise SourceFault(f"{self._file} {path}", "there is no such part of it")
        kind = "application/json" if path.endswith(".json") else "application/octet-stream"
        return Content(f"{self._file} {path}", content, kind)

    def _tree(self, cells: dict[tuple[int, int], Cell]) -> dict[str, object]:
        """The tile set of the cells, in groups; fills the contents."""
        groups: dict[tuple[int, int], list[dict[str, object]]] = {}
        for (column, row), cell in sorted(cells.items()):
            points = np.array(cell.points).reshape(-1, 3)
            middle = np.round((points.min(axis=0) + points.max(axis=0)) / 2, 3)
            near = np.round(points - middle, 3)
            name = f"{column}-{row}.surfaces"
            said = {"points": near.ravel().tolist(), "objects": cell.objects}
            self._contents[name] = json.dumps(said, separators=(",", ":")).encode()
            transform = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, *middle.tolist(), 1]
            radius = float(np.linalg.norm(near, axis=1).max()) + 1
            leaf = {
                "boundingVolume": {"sphere": [0, 0, 0, radius]},
                "geometricError": 0,
                "transform": transform,
                "content": {"uri": name},
            }
            shift = CELL - GROUP
            groups.setdefault((column >> shift, row >> shift), []).append(leaf)
        inner = [
            {"boundingVolume": WHOLE_EARTH, "geometricError": 1e5, "children": leaves}
            for leaves in groups.values()
        ]
        root = {"boundingVolume": WHOLE_EARTH, "geometricError": 1e6, "refine": "REPLACE", "children": inner}
        return {"asset": {"version": "1.0"}, "geometricError": 1e6, "root": root}


class _Reader:
    """One file, with the way from its coordinates to the earth."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._documents = _documents(file)

    def read(self, cells: dict[tuple[int, int], Cell]) -> None:
        """Add what it has to the cells; raises Unusable with the object that is broken."""
        head = next(self._documents, {})
        if head.get("type") != "CityJSON":
            raise Unusable(f'{self._file} is no CityJSON: it does not begin with {{"type": "CityJSON", …}}.')
        self._to_degrees = self._reference(head)
        scale = head.get("transform", {}).get("scale", (1, 1, 1))
        shift = head.get("transform", {}).get("translate", (0, 0, 0))
        for document in (head, *self._documents):
            objects = document.get("CityObjects")
            if not isinstance(objects, dict) or not objects:
                continue
            try:
                vertices = np.array(document["vertices"], float).reshape(-1, 3) * scale + shift
            except (ValueError, LookupError, TypeError):
                raise Unusable(f"{self._file}: its vertices are no list of places.") from None
            degrees = self._placed(vertices)
            points = _earth(degrees)
            for name, thing in objects.items():
                try:
                    self._add(cells, name, objects, thing, degrees, points)
                except (ValueError, LookupError, TypeError, AttributeError) as error:
                    what = f"{type(error).__name__}: {error}"[:120]
                    raise Unusable(f"{self._file}: the object {name} is broken ({what}).") from None

    def _add(
        self,
        cells: dict[tuple[int, int], Cell],
        name: str,
        objects: dict[str, Any],
        thing: dict[str, Any],
        degrees: Points,
        points: Points,
    ) -> None:
        if thing["type"] not in DRAWN:
            return
        surfaces = _surfaces(thing)
        if not surfaces:
            return
        used = sorted({vertex for surface, _ in surfaces for ring in surface for vertex in ring})
        if used[0] < 0:
            raise IndexError("a vertex has a number below 0")
        middle = degrees[used, :2].mean(axis=0)
        column, row = tile_at(CELL, float(middle[0]), float(middle[1]))
        cell = cells.setdefault((math.floor(column), math.floor(row)), Cell())
        first = len(cell.points) // 3
        number = {vertex: first + i for i, vertex in enumerate(used)}
        cell.points += points[used].ravel().tolist()
        # The parts of a building are one object.
        top, below = name, {name}
        while parents := objects.get(top, {}).get("parents"):
            top = parents[0]
            if top in below:
                raise ValueError("its parents lead back to it")
            below.add(top)
        cell.objects.append(
            {
                "id": crc32(top.encode()),
                "surfaces": [[[number[v] for v in ring] for ring in surface] for surface, _ in surfaces],
                "roofs": [index for index, (_, kind) in enumerate(surfaces) if kind == "RoofSurface"],
            }
        )

    def _reference(self, head: dict[str, Any]) -> Any:
        # Imported here: it takes a third of a second, and other scenes have no use for it.
        from pyproj import CRS, Transformer
        from pyproj.exceptions import ProjError

        said = str(head.get("metadata", {}).get("referenceSystem", ""))
        code = said.rstrip("/").replace("::", ":").replace("/", ":").rpartition(":")[2]
        if not code.isdigit():
            raise Unusable(
                f"{self._file} names no reference system (metadata.referenceSystem), so nobody knows where "
                "on earth it lies."
            )
        try:
            # Heights stay as they are; scene.ground counts from where they do.
            return Transformer.from_crs(CRS.from_epsg(int(code)).to_2d(), "EPSG:4326", always_xy=True)
        except ProjError:
            raise Unusable(f"{self._file}: the reference system EPSG {code} is not known here.") from None

    def _placed(self, vertices: Points) -> Points:
        """Longitude, latitude and height of every vertex."""
        x, y = self._to_degrees.transform(vertices[:, 0], vertices[:, 1])
        degrees = np.stack([x, y, vertices[:, 2]], axis=1)
        if not np.isfinite(degrees).all() or (np.abs(degrees[:, 1]) > 85).any():
            raise Unusable(f"{self._file}: a vertex lies nowhere on earth in its reference system.")
        return degrees


def _parts(file: Path) -> list[Path]:
    if not file.is_dir():
        return [file]
    found = sorted(path for path in file.iterdir() if path.suffix in (".json", ".jsonl"))
    if not found:
        raise Unusable(f"There is no file .json or .jsonl in {file}; scene.file in app_config.json names it.")
    return found


def _documents(file: Path) -> Iterator[dict[str, Any]]:
    """The file's one object, or those of its lines."""
    with reading_json(file):
        if file.stat().st_size > LARGEST:
            raise Unusable(f"{file} is larger than {LARGEST >> 30} GiB; split it into files of a folder.")
        text = file.read_text("utf-8")
        for part in text.splitlines() if file.suffix == ".jsonl" else [text]:
            if part.strip():
                document = json.loads(part)
                yield document if isinstance(document, dict) else {}


def _surfaces(thing: dict[str, Any]) -> list[tuple[Surface, str]]:
    """The surfaces of an object in its finest form and what they are; not those that only mark its ground."""
    solids = [one for one in thing.get("geometry", ()) if one["type"] in DEPTHS]
    finest = max(solids, key=lambda one: float(one.get("lod", 0)), default=None)
    if finest is None or float(finest.get("lod", 0)) < 1:
        return []
    surfaces, values = finest["boundaries"], (finest.get("semantics") or {}).get("values")
    for _ in range(DEPTHS[finest["type"]]):
        surfaces = [surface for shell in surfaces for surface in shell]
        values = None if values is None else [value for shell in values for value in (shell or ())]
    kinds: Sequence[dict[str, Any]] = (finest.get("semantics") or {}).get("surfaces", ())
    if values is None or len(values) != len(surfaces):
        values = [None] * len(surfaces)
    said = ["" if value is None else str(kinds[value].get("type", "")) for value in values]
    return [(surface, kind) for surface, kind in zip(surfaces, said, strict=True) if kind != "GroundSurface"]


def _earth(degrees: Points) -> Points:
    """Places in the earth's own axes (EPSG Guidance Note 7-2, method 9602)."""
    turn, phi = np.radians(degrees[:, 0]), np.radians(degrees[:, 1])
    out = RADIUS / np.sqrt(1 - SQUARED * np.sin(phi) ** 2)
    across = (out + degrees[:, 2]) * np.cos(phi)
    up = (out * (1 - SQUARED) + degrees[:, 2]) * np.sin(phi)
    return np.stack([across * np.cos(turn), across * np.sin(turn), up], axis=1)
