"""Sources on servers: what is asked for, what is kept, and what a server that does wrong gets."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from services.renderer import sources
from services.renderer.sources import address
from services.renderer.sources.address import Address
from services.renderer.sources.source import Source, SourceFault, Unusable
from tests.renderer import archives

HERE = (5238, 12666)
KEY = "CANARY-9f3c2b"
TILES = archives.sample_tiles()


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
        made.append(archives.named(tmp_path, server.template(), zoom=15, api_key=KEY))
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
        made.append(archives.named(tmp_path, tiles, api_key=KEY))
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
    about, local = source.describe(), archives.named(tmp_path, "served.pmtiles").describe()
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
