"""Sources of features: what they say of themselves, the tiles they give, and what a bad one gets."""

import asyncio
import gzip
import json
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from services.renderer import sources
from services.renderer.scenes import BUILT
from services.renderer.sources import address, version
from services.renderer.sources.address import Address
from services.renderer.sources.choice import opened
from services.renderer.sources.footprints import Footprints
from services.renderer.sources.sample import sample
from services.renderer.sources.source import Source, SourceFault, Unusable
from services.scene import Scene
from tests.renderer import archives

HERE = (5238, 12666)
KEY = "CANARY-9f3c2b"
TILES = archives.sample_tiles()


def named(tmp_path: Path, tiles: str, **fields: object) -> Source:
    """The source that a configuration in `tmp_path` names."""
    scene = Scene.model_validate({"source": "vector-tiles", "tiles": tiles, **fields})
    return opened(scene, tmp_path, archives.CITY.parent, tmp_path / "kept")


@pytest.mark.parametrize("form", ["folder", "packed folder", "mbtiles", "pmtiles"])
async def test_every_form_gives_the_tiles_of_the_sample(tmp_path: Path, form: str) -> None:
    match form:
        case "mbtiles":
            tiles = archives.mbtiles(tmp_path / "city.mbtiles", TILES).name
        case "pmtiles":
            tiles = archives.pmtiles(tmp_path / "city.pmtiles", TILES).name
        case _:
            archives.folder(tmp_path / "city", TILES, packed=form == "packed folder")
            tiles = "city/{z}/{x}/{y}.pbf"
    source = named(tmp_path, tiles)
    about = source.describe()
    sample = opened(Scene(), tmp_path, archives.CITY.parent, None)
    assert (about.zoom, about.tiles) == (15, sample.describe().tiles)
    for (column, row), content in TILES.items():
        given = await source.tile(column, row)
        assert given is not None
        assert given.content == content
        assert f"{tmp_path}/city" in given.address
    date = r"2\d{3}-\d\d-\d\d \d\d:\d\d:\d\d UTC"
    assert re.fullmatch(r"sha256 [0-9a-f]{12}" if "tiles" in form else f"9 tiles to {date}", about.version)
    if form in ("mbtiles", "pmtiles"):
        assert (about.name, about.attribution) == ("Haight", "© somebody")
        assert about.layers == tuple(archives.LAYERS)
    await source.close()


def test_a_source_says_which_state_of_itself_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert re.fullmatch(r"mvt-fixtures \d+\.\d+\.\d+", sample(BUILT / "cities").describe().version)
    file = collection(tmp_path / "houses.geojson", feature((1, 1), (1.001, 1), (1.001, 1.001)))
    first = Footprints(file, attribution="").describe().version
    collection(file, feature((1, 1), (1.001, 1), (1.001, 1.002)))
    assert Footprints(file, attribution="").describe().version not in ("", first)
    # A large one is not read twice for it.
    monkeypatch.setattr(version, "WHOLE", 10)
    os.utime(file, (1_800_000_000, 1_800_000_000))
    size = file.stat().st_size
    assert version.of_file(file) == f"{size} bytes of 2027-01-15 08:00:00 UTC"
    assert version.of_file(tmp_path / "nowhere") == ""
    remote = Address("https://example.org/{z}/{x}/{y}", None, None, zoom=14, attribution="")
    assert re.fullmatch(r"of \d{4}-\d\d-\d\d", remote.describe().version)


async def test_ground_without_a_tile_is_empty(tmp_path: Path) -> None:
    some = {place: content for place, content in TILES.items() if place != HERE}
    archives.folder(tmp_path / "city", some)
    for tiles in (
        "city/{z}/{x}/{y}.pbf",
        archives.mbtiles(tmp_path / "a.mbtiles", some).name,
        archives.pmtiles(tmp_path / "b.pmtiles", some).name,
    ):
        source = named(tmp_path, tiles)
        assert await source.tile(*HERE) is None
        await source.close()


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda content: content[:-100], "cut short"),
        (lambda content: gzip.compress(content)[:-100], "packed with gzip and cut short"),
        (lambda _: b"<html>Not here</html>", "no vector tile"),
        (lambda _: b"", "it is empty"),
    ],
)
async def test_a_broken_tile_is_named_with_its_reason(
    tmp_path: Path, damage: Callable[[bytes], bytes], reason: str
) -> None:
    source = named(tmp_path, archives.folder(tmp_path / "city", {**TILES, HERE: damage(TILES[HERE])}))
    with pytest.raises(SourceFault, match=reason) as fault:
        await source.tile(*HERE)
    assert fault.value.address == f"{tmp_path}/city/15/5238/12666.pbf"
    assert await source.tile(5239, 12666) is not None


async def test_a_file_cut_short_is_no_empty_ground(tmp_path: Path) -> None:
    file = archives.pmtiles(tmp_path / "city.pmtiles", TILES)
    source = named(tmp_path, file.name)
    file.write_bytes(file.read_bytes()[:-200_000])
    faults = 0
    for column, row in TILES:
        try:
            assert await source.tile(column, row) is not None
        except SourceFault as fault:
            faults += 1
            assert "cut short" in fault.reason
    assert 0 < faults < len(TILES)
    await source.close()


@pytest.mark.parametrize(
    ("scene", "sentence"),
    [
        ({"tiles": "nowhere/{z}/{x}/{y}.mvt"}, "There is no tile at .*nowhere.*scene.tiles"),
        ({"tiles": "nowhere.mbtiles"}, "nowhere.mbtiles is not there; scene.tiles"),
        ({"tiles": "nowhere.pmtiles"}, "nowhere.pmtiles cannot be read"),
        ({"tiles": "text.mbtiles"}, "no MBTiles file that can be read"),
        ({"tiles": "text.pmtiles"}, "no PMTiles file of version 3"),
        ({"tiles": "city.pmtiles", "zoom": 14}, "has zooms 15 to 15, not 14; scene.zoom"),
        ({"tiles": "city.mbtiles", "zoom": 14}, "has no tiles of zoom 14; scene.zoom"),
    ],
)
def test_a_source_that_cannot_be_opened_is_named_with_the_way_out(
    tmp_path: Path, scene: dict[str, object], sentence: str
) -> None:
    for name in ("text.mbtiles", "text.pmtiles"):
        (tmp_path / name).write_text("This is a text. " * 100)
    archives.mbtiles(tmp_path / "city.mbtiles", {HERE: TILES[HERE]})
    archives.pmtiles(tmp_path / "city.pmtiles", {HERE: TILES[HERE]})
    with pytest.raises(Unusable, match=sentence):
        named(tmp_path, str(scene.pop("tiles")), **scene)


def test_a_key_that_is_not_set_is_said(tmp_path: Path) -> None:
    template = "https://example.org/{z}/{x}/{y}.pbf?key={key}"
    with pytest.raises(Unusable, match="TW_NO_SUCH_KEY is not set"):
        named(tmp_path, template, zoom=14, api_key="${TW_NO_SUCH_KEY}")


class Server:
    """A real server of the sample's tiles, which misbehaves when told to."""

    def __init__(self) -> None:
        self.fault = ""
        self.asked: list[web.Request] = []
        app = web.Application()
        app.router.add_get("/{z}/{x}/{y}.pbf", self.on_tile)
        app.router.add_get("/maps/city.pmtiles", self.on_file)
        self.file = Path()
        self.web = TestServer(app)

    async def on_file(self, request: web.Request) -> web.StreamResponse:
        """A file, of which aiohttp gives any part, with an ETag that changes with it."""
        self.asked.append(request)
        if self.fault == "whole":
            return web.Response(body=self.file.read_bytes())
        if not self.file.is_file():
            return web.Response(status=404)
        return await self._spoiled(request) or web.FileResponse(self.file)

    async def on_tile(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        if spoiled := await self._spoiled(request):
            return spoiled
        content = TILES.get((int(request.match_info["x"]), int(request.match_info["y"])))
        if content is None:
            return web.Response(status=404)
        if request.headers.get("If-None-Match") == '"1"':
            return web.Response(status=304)
        return web.Response(body=gzip.compress(content), headers={"ETag": '"1"'})

    async def _spoiled(self, request: web.Request) -> web.StreamResponse | None:
        match self.fault:
            case "key" if request.query.get("key") != KEY:
                return web.Response(status=401)
            case "busy":
                return web.Response(status=503)
            case "moved":
                raise web.HTTPFound("http://127.0.0.1:9/elsewhere")
            case "page":
                return web.Response(text="<html>Hello</html>", content_type="text/html")
            case "stalls":
                await asyncio.sleep(60)
            case "cut":
                answer = web.StreamResponse(headers={"Content-Length": "50000"})
                if "Range" in request.headers:
                    answer.set_status(206)
                    answer.headers["Content-Range"] = f"bytes {request.http_range.start}-/*"
                await answer.prepare(request)
                await answer.write(b"\x1a\x05")
                assert request.transport is not None
                request.transport.abort()
                return answer
        return None

    def template(self) -> str:
        return f"{self.web.make_url('/')}{{z}}/{{x}}/{{y}}.pbf?key={{key}}"


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    started = Server()
    await started.web.start_server()
    yield started
    await started.web.close()


@pytest.fixture
async def remote(server: Server, tmp_path: Path) -> AsyncIterator[Callable[[], Awaitable[Source]]]:
    made: list[Source] = []

    async def make() -> Source:
        made.append(named(tmp_path, server.template(), zoom=15, api_key=KEY))
        return made[-1]

    yield make
    for source in made:
        await source.close()


async def test_a_server_is_asked_once_for_a_tile(
    server: Server, remote: Callable[[], Awaitable[Source]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.fault = "key"
    for _ in range(2):
        given = await (await remote()).tile(*HERE)
        assert given is not None
        assert given.content == TILES[HERE]
        assert await (await remote()).tile(1, 1) is None
    assert [request.path for request in server.asked] == ["/15/5238/12666.pbf", "/15/1/1.pbf"]
    assert not any(KEY.encode() in file.read_bytes() for file in tmp_path.rglob("*.tile"))
    # One that is old is asked for again, and the server says that it is still the same.
    monkeypatch.setattr(address, "FRESH_SECONDS", -1.0)
    again = await (await remote()).tile(*HERE)
    assert again is not None
    assert again.content == TILES[HERE]
    assert server.asked[-1].headers["If-None-Match"] == '"1"'


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("busy", "status 503"),
        ("moved", "points elsewhere"),
        ("page", "no vector tile"),
        ("stalls", "no answer within"),
        ("cut", "cut short"),
        ("gone", "cannot be reached"),
    ],
)
async def test_what_a_server_does_wrong_is_named_without_the_key(
    server: Server,
    remote: Callable[[], Awaitable[Source]],
    fault: str,
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sources.server, "TIMEOUT_SECONDS", 0.3 if fault == "stalls" else 8.0)
    source = await remote()
    server.fault = fault
    if fault == "gone":
        await server.web.close()
    with pytest.raises(SourceFault, match=reason) as refused:
        await source.tile(*HERE)
    assert KEY not in str(refused.value)
    assert refused.value.address.endswith("/15/5238/12666.pbf")
    # Nothing of it was kept.
    server.fault = ""
    if fault != "gone":
        assert await source.tile(*HERE) is not None


async def test_a_server_that_finds_nothing_at_all_is_no_empty_ground(
    remote: Callable[[], Awaitable[Source]],
) -> None:
    source = await remote()
    with pytest.raises(SourceFault, match=r"nor any other tile yet; look at scene\.tiles"):
        await source.tile(1, 1)
    # One that has others tells the truth, also while they are still on their way.
    assert [tile is None for tile in await asyncio.gather(source.tile(1, 1), source.tile(*HERE))] == [
        True,
        False,
    ]


async def test_a_wrong_key_is_said(server: Server, tmp_path: Path) -> None:
    server.fault = "key"
    source = Address(server.template(), "another-key", tmp_path, zoom=15, attribution="")
    with pytest.raises(SourceFault, match=r"refused the key.*scene\.api_key") as refused:
        await source.tile(*HERE)
    assert "another-key" not in str(refused.value)
    await source.close()


@pytest.fixture
async def hosted(server: Server, tmp_path: Path) -> AsyncIterator[Callable[[], Awaitable[Source]]]:
    """Opens a PMTiles file on the server, as often as it is asked."""
    server.file = archives.pmtiles(tmp_path / "served.pmtiles", TILES)
    tiles = f"{server.web.make_url('/')}maps/city.pmtiles?key={{key}}"
    made: list[Source] = []

    async def make() -> Source:
        made.append(named(tmp_path, tiles, api_key=KEY))
        await made[-1].open()
        return made[-1]

    yield make
    for source in made:
        await source.close()


async def test_of_a_file_on_a_server_only_parts_are_asked_for(
    server: Server, hosted: Callable[[], Awaitable[Source]], tmp_path: Path
) -> None:
    server.fault = "key"
    source = await hosted()
    about, local = source.describe(), named(tmp_path, "served.pmtiles").describe()
    assert (about.zoom, about.tiles, about.name, about.attribution, about.layers) == (
        local.zoom, local.tiles, local.name, local.attribution, local.layers,
    )  # fmt: skip
    found = server.file.stat()
    etag = f"{found.st_mtime_ns:x}-{found.st_size:x}"  # aiohttp's way
    given = await asyncio.gather(*(source.tile(*place) for place in TILES))
    assert [tile and tile.content for tile in given] == list(TILES.values())
    first, _ = next(iter(TILES))
    assert given[0] is not None
    assert f"/maps/city.pmtiles 15/{first}/" in given[0].address
    # The header, the metadata, the one directory, the nine tiles; and none of them a second time.
    assert len(server.asked) == 12
    assert all("Range" in request.headers for request in server.asked)
    again = await hosted()
    assert await again.tile(*HERE) is not None
    assert len(server.asked) == 14
    assert await again.tile(1, 1) is None
    assert not any(KEY.encode() in file.read_bytes() for file in (tmp_path / "kept").rglob("*.tile"))
    # What the server calls this state of the file is what renders say that they were drawn from.
    assert about.version.strip('"') == etag


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("busy", "status 503"),
        ("moved", "points elsewhere"),
        ("whole", "does not give parts"),
        ("stalls", "no answer within"),
        ("cut", "cut short"),
        ("gone", "cannot be reached"),
        ("another", "is another now; restart the renderer"),
    ],
)
async def test_what_a_server_does_wrong_with_a_file_is_named_without_the_key(
    server: Server,
    hosted: Callable[[], Awaitable[Source]],
    tmp_path: Path,
    fault: str,
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sources.server, "TIMEOUT_SECONDS", 0.3 if fault == "stalls" else 8.0)
    source = await hosted()
    server.fault = fault
    if fault == "gone":
        await server.web.close()
    if fault == "another":
        archives.pmtiles(server.file, {HERE: TILES[HERE]})
    with pytest.raises(SourceFault, match=reason) as refused:
        await source.tile(*HERE)
    assert KEY not in str(refused.value)
    assert refused.value.address.endswith("/maps/city.pmtiles 15/5238/12666")
    # It cannot be opened then, either, except another one, which is opened as what it is.
    if fault == "another":
        assert await (await hosted()).tile(*HERE) is not None
        return
    with pytest.raises(Unusable, match=rf"({reason}).*Look at scene\.tiles"):
        await hosted()
    server.fault = ""
    if fault != "gone":
        assert await source.tile(*HERE) is not None


async def test_a_file_on_a_server_that_is_not_one_is_said(
    server: Server, hosted: Callable[[], Awaitable[Source]]
) -> None:
    server.file.write_text("This is a text. " * 100)
    with pytest.raises(Unusable, match=r"city\.pmtiles is no PMTiles file of version 3"):
        await hosted()
    server.file.unlink()
    with pytest.raises(Unusable, match=r"status 404.*scene\.tiles"):
        await hosted()


def feature(*ring: tuple[float, float], **properties: object) -> dict[str, object]:
    return {
        "type": "Feature",
        "properties": properties,
        "geometry": {"type": "Polygon", "coordinates": [[*ring, ring[0]]]},
    }


def collection(file: Path, *features: object) -> Path:
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return file


async def test_footprints_lie_whole_in_the_tile_of_their_middle(tmp_path: Path) -> None:
    square = ((-122.4490, 37.7660), (-122.4470, 37.7660), (-122.4470, 37.7670), (-122.4490, 37.7670))
    # Its longer part lies west of the border between two columns.
    across = ((-122.4570, 37.7660), (-122.4525, 37.7660), (-122.4525, 37.7662), (-122.4570, 37.7662))
    point = {"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": [0, 0]}}
    file = collection(
        tmp_path / "houses.geojson",
        feature(*square, height=12, owner="x"),
        point,
        feature(*across, levels="3"),
    )
    source = Footprints(file, attribution="© me")
    about = source.describe()
    assert (about.zoom, about.attribution) == (15, "© me")
    assert about.tiles == (5237, 12666, 5238, 12666)
    assert 80 < about.reach < 100
    given = await source.tile(5238, 12666)
    assert given is not None
    assert given.kind == "application/json"
    [footprint] = json.loads(given.content)["footprints"]
    assert footprint["properties"] == {"height": 12}
    assert footprint["rings"] == [[list(position) for position in square]]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "is no JSON"),
        ('{"type": "Point"}', "is no GeoJSON of the kind"),
        ('{"type": "FeatureCollection", "features": []}', "has no polygon in it"),
        (
            json.dumps({"type": "FeatureCollection", "features": [feature((4_200_000, 0), (1, 1), (1, 2))]}),
            r"features\[0\]: .*is no longitude and latitude",
        ),
        (
            json.dumps({"type": "FeatureCollection", "features": [feature((1, 1), (2, 2), (1, 2))]}),
            "wider than 2000 m, so it is no building",
        ),
    ],
)
def test_a_file_of_footprints_that_cannot_be_used_is_named(
    tmp_path: Path, content: str, sentence: str
) -> None:
    file = tmp_path / "houses.geojson"
    file.write_text(content)
    with pytest.raises(Unusable, match=sentence):
        Footprints(file, attribution="")
