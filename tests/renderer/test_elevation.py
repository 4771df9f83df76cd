"""Heights of the ground: in both encodings and every form, and what bad ones get."""

import io
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from PIL import Image
from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer
from pydantic import ValidationError

from services.renderer.scenes import BUILT
from services.renderer.settings import script
from services.renderer.sources.choice import opened
from services.renderer.sources.relief import Relief
from services.renderer.sources.source import SourceFault, Unusable
from services.scene import Camera, Scene
from services.tiling.grid import tile_at
from tests.renderer import hills

TILES = hills.tiles()
HERE = min(TILES)
KEY = "CANARY-4e1d77"


def relief(tmp_path: Path, place: str, **fields: object) -> Relief:
    scene = Scene.model_validate({"terrain": hills.terrain(place, **fields)})
    found = opened(scene, tmp_path, BUILT / "cities", tmp_path / "kept")
    assert isinstance(found, Relief)
    return found


async def metres(source: Relief, place: tuple[int, int] = HERE) -> np.ndarray:
    tile = await source.elevation.tile(*place)
    side = int((len(tile.content) // 4) ** 0.5)
    return np.frombuffer(tile.content, "<f4").reshape(side, side)


def mbtiles(file: Path) -> str:
    with sqlite3.connect(file) as database:
        database.execute("create table metadata (name text, value text)")
        database.execute("create table tiles (zoom_level, tile_column, tile_row, tile_data blob)")
        database.execute("insert into metadata values ('format', 'png')")
        rows = [(hills.ZOOM, x, (1 << hills.ZOOM) - 1 - y, content) for (x, y), content in TILES.items()]
        database.executemany("insert into tiles values (?, ?, ?, ?)", rows)
    database.close()
    return file.name


def pmtiles(file: Path) -> str:
    buffer = io.BytesIO()
    writer = Writer(buffer)
    for number, content in sorted((zxy_to_tileid(hills.ZOOM, *place), TILES[place]) for place in TILES):
        writer.write_tile(number, content)
    west, south, east, north = (round(value * 1e7) for value in hills.BOUNDS)
    header = {
        "tile_type": TileType.PNG,
        "tile_compression": Compression.NONE,
        "min_zoom": hills.ZOOM,
        "max_zoom": hills.ZOOM,
        "min_lon_e7": west,
        "min_lat_e7": south,
        "max_lon_e7": east,
        "max_lat_e7": north,
        "center_zoom": hills.ZOOM,
        "center_lon_e7": west,
        "center_lat_e7": south,
    }
    writer.finalize(header, {})
    file.write_bytes(buffer.getvalue())
    return file.name


@pytest.mark.parametrize("form", ["mapbox", "terrarium", "mbtiles", "pmtiles"])
async def test_every_form_and_encoding_gives_metres_over_the_base(tmp_path: Path, form: str) -> None:
    encoding = "terrarium" if form == "terrarium" else "mapbox"
    match form:
        case "mbtiles":
            place = mbtiles(tmp_path / "ground.mbtiles")
        case "pmtiles":
            place = pmtiles(tmp_path / "ground.pmtiles")
        case _:
            place = hills.folder(tmp_path / "ground", hills.tiles(encoding=encoding))
    source = relief(tmp_path, place, encoding=encoding)
    await source.open()
    about = source.describe()
    assert (about.terrain_zoom, about.zoom) == (hills.ZOOM, 15)
    assert ", terrain " in about.version
    assert len(about.version) <= 60
    for tile in TILES:
        column, row = tile_metres(tile)
        middle = (await metres(source, tile))[100, 200]
        assert middle == pytest.approx(float(hills.hill(column, row)) - 100, abs=0.06)
    await source.close()


def tile_metres(tile: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Where on the ground the height of column 200 and row 100 of a tile lies."""
    column, row = tile_at(hills.ZOOM, hills.ORIGIN[1], hills.ORIGIN[0])
    across = 2 * hills.HALF_TURN / (1 << hills.ZOOM)
    east, north = (tile[0] + 200.5 / 256 - column) * across, (row - tile[1] - 100.5 / 256) * across
    return np.array(east), np.array(north)


def changed(content: bytes, mode: str, form: str = "PNG", **how: object) -> bytes:
    buffer = io.BytesIO()
    Image.open(io.BytesIO(content)).convert(mode).save(buffer, form, **how)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda content: content[: len(content) // 2], "broken or cut short"),
        (lambda _: b"<html>Not here</html>", "neither PNG nor WebP"),
        (lambda _: b"", "it is empty"),
        (lambda content: changed(content, "L"), "colours are L"),
        (lambda content: changed(content, "RGB", "JPEG"), "neither PNG nor WebP"),
        (lambda content: changed(content, "RGB", "WEBP", quality=80), "with loss"),
    ],
)
async def test_a_broken_tile_is_named_with_its_reason(
    tmp_path: Path, damage: Callable[[bytes], bytes], reason: str
) -> None:
    source = relief(tmp_path, hills.folder(tmp_path / "dem", {**TILES, HERE: damage(TILES[HERE])}))
    with pytest.raises(SourceFault, match=reason) as fault:
        await source.elevation.tile(*HERE)
    assert fault.value.address == f"{tmp_path}/dem/{hills.ZOOM}/{HERE[0]}/{HERE[1]}.png"


async def test_lossless_webp_holds_heights(tmp_path: Path) -> None:
    made = {**TILES, HERE: changed(TILES[HERE], "RGB", "WEBP", lossless=True)}
    packed = await metres(relief(tmp_path, hills.folder(tmp_path / "packed", made)))
    assert (packed == await metres(relief(tmp_path, hills.folder(tmp_path / "plain", TILES)))).all()


async def test_a_missing_tile_and_heights_beyond_the_bounds_are_faults(tmp_path: Path) -> None:
    place = hills.folder(tmp_path / "dem", {tile: made for tile, made in TILES.items() if tile != HERE})
    with pytest.raises(SourceFault, match="height of the ground is not known") as fault:
        await relief(tmp_path, place).elevation.tile(*HERE)
    assert fault.value.address.endswith(f"{HERE[0]}/{HERE[1]}.png")
    with pytest.raises(SourceFault, match=r"its heights are .* say -200 to 110 m"):
        await relief(tmp_path, place, highest=110).elevation.tile(*max(TILES))


@pytest.mark.parametrize(
    ("terrain", "sentence"),
    [
        ({"highest": -300}, "higher than lowest"),
        ({"highest": 8_000}, "4000 m above lowest"),
        ({"base": 600}, "between lowest and highest"),
        ({"tiles": "dem/{z}/{x}.png"}, "{y} is missing"),
        ({"tiles": "https://example.org/{z}/{x}/{y}.png"}, "how far its tiles go"),
        ({"tiles": "https://example.org/{z}/{x}/{y}.png?k={key}", "zoom": 12}, "place a key"),
        ({"encoding": "geotiff"}, "'mapbox' or 'terrarium'"),
    ],
)
def test_a_terrain_that_cannot_be_is_refused(terrain: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        Scene.model_validate({"terrain": hills.terrain("dem/{z}/{x}/{y}.png", **terrain)})


def test_only_footprints_have_a_terrain(tmp_path: Path) -> None:
    terrain = hills.terrain("dem/{z}/{x}/{y}.png")
    with pytest.raises(ValidationError, match="no meaning"):
        Scene.model_validate({"source": "cityjson", "file": "a.json", "terrain": terrain})
    with pytest.raises(Unusable, match=r"no tile at .*scene\.terrain\.tiles"):
        relief(tmp_path, "dem/{z}/{x}/{y}.png")
    said = script(Camera(), Scene.model_validate({"terrain": terrain}))
    assert '"terrain": {"lowest": -300.0, "highest": 400.0}' in said


async def test_of_a_file_of_heights_on_a_server_only_parts_are_asked_for(tmp_path: Path) -> None:
    file = tmp_path / pmtiles(tmp_path / "dem.pmtiles")
    asked: list[web.Request] = []

    async def give(request: web.Request) -> web.StreamResponse:
        asked.append(request)
        return web.FileResponse(file)

    app = web.Application()
    app.router.add_get("/dem.pmtiles", give)
    async with TestServer(app) as server:
        place = str(server.make_url("/dem.pmtiles"))
        for _ in range(2):
            source = relief(tmp_path, place)
            await source.open()
            assert (await metres(source) == await metres(relief(tmp_path, file.name))).all()
            with pytest.raises(SourceFault, match="height of the ground is not known"):
                await source.elevation.tile(1, 1)
            await source.close()
    # The header, the metadata, the directory and the tile; of the second time the tile was kept.
    assert all("Range" in request.headers for request in asked)
    assert len(asked) < 2 * 4


@pytest_asyncio.fixture
async def server() -> AsyncIterator[tuple[str, list[str]]]:
    """A server of the tiles that wants a key, and what it was asked for."""
    asked: list[str] = []

    async def give(request: web.Request) -> web.Response:
        asked.append(request.path)
        if request.query.get("key") != KEY:
            return web.Response(status=403)
        content = TILES.get((int(request.match_info["x"]), int(request.match_info["y"])))
        return web.Response(status=404) if content is None else web.Response(body=content)

    app = web.Application()
    app.router.add_get("/{z}/{x}/{y}.png", give)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    yield f"http://{host}:{port}/{{z}}/{{x}}/{{y}}.png?key={{key}}", asked
    await runner.cleanup()


async def test_a_server_gives_heights_and_is_asked_once(
    tmp_path: Path, server: tuple[str, list[str]]
) -> None:
    place, asked = server
    for _ in range(2):
        source = relief(tmp_path, place, zoom=hills.ZOOM, api_key=KEY)
        assert (await metres(source)).shape == (256, 256)
        await source.close()
    assert len(asked) == 1
    source = relief(tmp_path, place, zoom=hills.ZOOM, api_key=KEY)
    with pytest.raises(SourceFault, match="height of the ground is not known") as fault:
        await source.elevation.tile(1, 1)
    assert KEY not in str(fault.value)
    await source.close()
    refused = relief(tmp_path, place, zoom=hills.ZOOM, api_key="another")
    with pytest.raises(SourceFault, match=r"look at scene\.terrain\.api_key") as fault:
        await refused.elevation.tile(*max(TILES))
    assert "another" not in str(fault.value)
    await refused.close()
