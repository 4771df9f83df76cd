"""Sources as a person may have his own: the tiles of the sample in every form, and files of footprints."""

import gzip
import io
import json
import sqlite3
from pathlib import Path

from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer

from services.renderer.scenes import BUILT
from services.renderer.sources.choice import opened
from services.renderer.sources.source import Source
from services.scene import Scene

ZOOM = 15
CITY = BUILT / "cities" / "sanfrancisco"
BOUNDS = (-122.4645997, 37.7533440, -122.4316406, 37.7793986)
LAYERS = ["building", "landcover", "landuse", "road", "water"]


def sample_tiles() -> dict[tuple[int, int], bytes]:
    """The nine tiles of the sample, by column and row."""
    return {(int(file.parent.name), int(file.stem)): file.read_bytes() for file in CITY.glob("15/*/*.mvt")}


def folder(root: Path, tiles: dict[tuple[int, int], bytes], *, packed: bool = False) -> str:
    """A folder of files; its template."""
    for (column, row), content in tiles.items():
        file = root / str(ZOOM) / f"{column}" / f"{row}.pbf"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(gzip.compress(content) if packed else content)
    return f"{root}/{{z}}/{{x}}/{{y}}.pbf"


def mbtiles(file: Path, tiles: dict[tuple[int, int], bytes]) -> Path:
    """A file as tippecanoe writes it: packed, rows counted from the south."""
    with sqlite3.connect(file) as database:
        database.execute("create table metadata (name text, value text)")
        database.execute("create table tiles (zoom_level, tile_column, tile_row, tile_data blob)")
        said = {
            "name": "Haight",
            "format": "pbf",
            "attribution": "© somebody",
            "bounds": ",".join(map(str, BOUNDS)),
            "json": json.dumps({"vector_layers": [{"id": name} for name in LAYERS]}),
        }
        database.executemany("insert into metadata values (?, ?)", said.items())
        rows = [
            (ZOOM, column, (1 << ZOOM) - 1 - row, gzip.compress(content))
            for (column, row), content in tiles.items()
        ]
        database.executemany("insert into tiles values (?, ?, ?, ?)", rows)
    database.close()
    return file


def pmtiles(file: Path, tiles: dict[tuple[int, int], bytes]) -> Path:
    """A file as Protomaps' own program writes it."""
    buffer = io.BytesIO()
    writer = Writer(buffer)
    placed = {zxy_to_tileid(ZOOM, column, row): content for (column, row), content in tiles.items()}
    for number in sorted(placed):
        writer.write_tile(number, gzip.compress(placed[number]))
    west, south, east, north = (round(value * 1e7) for value in BOUNDS)
    header = {
        "tile_type": TileType.MVT,
        "tile_compression": Compression.GZIP,
        "min_zoom": ZOOM,
        "max_zoom": ZOOM,
        "min_lon_e7": west,
        "min_lat_e7": south,
        "max_lon_e7": east,
        "max_lat_e7": north,
        "center_zoom": ZOOM,
        "center_lon_e7": west,
        "center_lat_e7": south,
    }
    metadata = {
        "name": "Haight",
        "attribution": "© somebody",
        "vector_layers": [{"id": name} for name in LAYERS],
    }
    writer.finalize(header, metadata)
    file.write_bytes(buffer.getvalue())
    return file


def named(tmp_path: Path, tiles: str, **fields: object) -> Source:
    """The source that a configuration in `tmp_path` names."""
    scene = Scene.model_validate({"source": "vector-tiles", "tiles": tiles, **fields})
    return opened(scene, tmp_path, CITY.parent, tmp_path / "kept")


def feature(*ring: tuple[float, float], **properties: object) -> dict[str, object]:
    return {
        "type": "Feature",
        "properties": properties,
        "geometry": {"type": "Polygon", "coordinates": [[*ring, ring[0]]]},
    }


def collection(file: Path, *features: object) -> Path:
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return file
