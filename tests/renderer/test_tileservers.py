"""Tile sets from servers, Google and Cesium ion: keys stay here, sessions are few, faults are named."""

import json
import os
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.renderer.sources import google
from services.renderer.sources import server as asking
from services.renderer.sources.choice import opened
from services.renderer.sources.quota import Quota, Spent
from services.renderer.sources.source import SourceFault, Unusable
from services.renderer.sources.tileset import TileSet
from services.scene import Scene
from tests.renderer import tilesets
from tests.renderer.tileservers import KEY, Files, Google, Ion, uris

FILES = tilesets.files()
LEAF = "leaves/0-1.glb"

Open = Callable[..., TileSet]


@pytest.fixture
async def open_set(tmp_path: Path) -> AsyncIterator[Open]:
    """Opens the tile set that a configuration names."""
    made: list[TileSet] = []

    def opening(source: str, **fields: object) -> TileSet:
        scene = Scene.model_validate({"source": source, **fields})
        found = opened(scene, tmp_path, tmp_path, tmp_path / "kept")
        assert isinstance(found, TileSet)
        made.append(found)
        return found

    yield opening
    for one in made:
        await one.close()


@pytest.fixture(params=[Files, Google, Ion])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[Files]:
    started: Files = request.param(FILES)
    await started.web.start_server()
    yield started
    await started.web.close()


def of(server: Files, open_set: Open, **fields: object) -> TileSet:
    """The tile set of a server."""
    key = {"api_key": KEY, **fields}
    match server:
        case Google():
            return open_set("google-3d-tiles", endpoint=server.origin, **key)
        case Ion():
            return open_set("cesium-ion", endpoint=server.origin, asset=7, **key)
        case _:
            return open_set("3d-tiles", tileset=f"{server.origin}/tileset.json?token={{key}}", **key)


async def leaf(tiles: TileSet) -> bytes:
    """The leaf, by the addresses that the page goes through."""
    path = tiles.describe().root.removeprefix("/tiles3d/")  # type: ignore[attr-defined]
    while not path.endswith(LEAF):
        content = (await tiles.content(path.partition("?")[0], path.partition("?")[2])).content
        assert KEY.encode() not in content
        assert b"session" not in content
        wanted = next(uri for uri in uris(content) if uri.endswith((LEAF, ".json")))
        path = wanted.removeprefix("/") if wanted.startswith("/") else f"{path.rpartition('/')[0]}/{wanted}"
        path = path.removeprefix("/")
    return (await tiles.content(path, "")).content


async def test_every_server_gives_the_files_and_its_key_stays_here(
    server: Files, open_set: Open, tmp_path: Path
) -> None:
    tiles = of(server, open_set)
    assert await leaf(tiles) == FILES[LEAF]
    assert KEY not in repr(tiles.describe())
    for file in tmp_path.rglob("*.json"):
        assert KEY not in file.read_text()
    asked = server.asked[-1]
    match server:
        case Google():
            assert (asked.query["key"], asked.query["session"]) == (KEY, "S0")
        case Ion():
            assert asked.headers["Authorization"] == "Bearer T1"
            assert tiles.describe().attribution == "Somebody & more"
        case _:
            assert asked.query["token"] == KEY


async def test_a_wrong_key_is_said_and_not_shown(server: Files, open_set: Open) -> None:
    if type(server) is Files:
        server.faults["tileset.json"] = "key"
    with pytest.raises(
        SourceFault, match=r"refused the key \(status 40[13]\); look at scene\.api_key"
    ) as fault:
        await leaf(of(server, open_set, api_key="another-key"))
    assert "another-key" not in str(fault.value)


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("missing", "status 404"),
        ("broken", "status 500"),
        ("cut", "it is cut short"),
        ("page", "it is a web page"),
        ("moved", "points elsewhere"),
        ("stalls", "no answer within"),
    ],
)
async def test_what_goes_wrong_is_named_without_the_key(
    open_set: Open, what: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "TIMEOUT_SECONDS", 0.3 if what == "stalls" else 8.0)
    server = Files(FILES)
    await server.web.start_server()
    server.faults[LEAF] = what
    tiles = of(server, open_set)
    with pytest.raises(SourceFault, match=reason) as fault:
        await leaf(tiles)
    assert fault.value.address == f"{server.origin}/{LEAF}"
    assert KEY not in str(fault.value)
    server.faults.clear()
    assert await leaf(tiles) == FILES[LEAF]
    await server.web.close()
    with pytest.raises(SourceFault, match="cannot be reached"):
        await leaf(tiles)


async def test_one_session_serves_all_and_a_restart(open_set: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Google(FILES)
    await server.web.start_server()
    for _ in range(2):
        tiles = of(server, open_set)
        for _ in range(3):
            await leaf(tiles)
    assert server.sessions == ["S0"]
    # One that ended is followed by another, but not at once: a refusal may have other reasons.
    server.ended.add("S0")
    with pytest.raises(SourceFault, match="status 400"):
        await leaf(tiles)
    monkeypatch.setattr(google, "OLD_SECONDS", 0.0)
    assert await leaf(tiles) == FILES[LEAF]
    assert server.sessions == ["S0", "S1"]
    await server.web.close()


async def test_a_token_of_ion_that_ended_is_asked_for_again(open_set: Open) -> None:
    server = Ion(FILES)
    await server.web.start_server()
    tiles = of(server, open_set)
    await leaf(tiles)
    server.tokens += 1
    assert await leaf(tiles) == FILES[LEAF]
    server.tokens += 1
    server.said = {"type": "TERRAIN"}
    with pytest.raises(SourceFault, match="the asset is no 3D Tiles but TERRAIN"):
        await leaf(tiles)
    await server.web.close()


async def test_the_daily_limit_holds_over_a_restart(open_set: Open, tmp_path: Path) -> None:
    server = Google(FILES)
    await server.web.start_server()
    await leaf(of(server, open_set, daily_sessions=2))
    for _ in range(3):
        (tmp_path / "kept" / "google-3d-tiles.json").unlink(missing_ok=True)
        tiles = of(server, open_set, daily_sessions=2)
        if len(server.sessions) < 2:
            await leaf(tiles)
            continue
        with pytest.raises(
            SourceFault, match=r"the daily limit of 2 sessions is reached .* anew at \d{4}-"
        ) as fault:
            await leaf(tiles)
        assert len(fault.value.reason) < 150
    assert len(server.sessions) == 2
    await server.web.close()


def test_the_count_begins_anew_with_the_day(tmp_path: Path) -> None:
    now = datetime(2026, 11, 23, 20, 0, tzinfo=UTC).timestamp()
    file = tmp_path / "count.json"
    for _ in range(2):
        Quota(file, 2, lambda: now).take()
    with pytest.raises(Spent, match="begins anew at 2026-11-24 08:00 UTC"):
        Quota(file, 2, lambda: now).take()
    with pytest.raises(Spent):
        Quota(file, 2, lambda: now + 11.9 * 3_600).take()
    Quota(file, 2, lambda: now + 12.1 * 3_600).take()
    file.write_text("{broken")
    Quota(file, 2, lambda: now).take()
    assert json.loads(file.read_text())["sessions"] == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_count_that_cannot_be_kept_stops_it(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OSError):
        Quota(tmp_path / "count.json", 2).take()


@pytest.mark.parametrize(
    ("tileset", "sentence"),
    [
        ("nowhere", r"nowhere cannot be read \(No such file or directory\); scene\.tileset"),
        ("text.json", "text.json is no root of a tile set: it is no JSON"),
        ("implicit.json", "it has implicit tiling, which is not read here"),
    ],
)
def test_a_folder_that_is_no_tile_set_is_named(tmp_path: Path, tileset: str, sentence: str) -> None:
    (tmp_path / "text.json").write_text("This is a text.")
    (tmp_path / "implicit.json").write_text('{"root": {"implicitTiling": {}}}')
    scene = Scene.model_validate({"source": "3d-tiles", "tileset": tileset})
    with pytest.raises(Unusable, match=sentence):
        opened(scene, tmp_path, tmp_path, None)


async def test_nothing_beside_the_folder_is_given(tmp_path: Path) -> None:
    tilesets.written(tmp_path / "boxes", FILES)
    (tmp_path / "secret.json").write_text("{}")
    tiles = opened(Scene.model_validate({"source": "3d-tiles", "tileset": "boxes"}), tmp_path, tmp_path, None)
    assert isinstance(tiles, TileSet)
    with pytest.raises(SourceFault, match="it does not lie in"):
        await tiles.content("../secret.json", "")
    with pytest.raises(SourceFault, match="No such file"):
        await tiles.content("leaves/9-9.glb", "")
