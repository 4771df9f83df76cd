"""Sources of features: what they say of themselves, the tiles they give, and what a bad one gets."""

import gzip
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from services.renderer.scenes import BUILT
from services.renderer.sources import version
from services.renderer.sources.address import Address
from services.renderer.sources.choice import opened
from services.renderer.sources.footprints import Footprints
from services.renderer.sources.sample import sample
from services.renderer.sources.source import SourceFault, Unusable
from services.scene import Scene
from tests.renderer import archives

HERE = (5238, 12666)
KEY = "CANARY-9f3c2b"
TILES = archives.sample_tiles()


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
    source = archives.named(tmp_path, tiles)
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
    file = archives.collection(
        tmp_path / "houses.geojson", archives.feature((1, 1), (1.001, 1), (1.001, 1.001))
    )
    first = Footprints(file, attribution="").describe().version
    archives.collection(file, archives.feature((1, 1), (1.001, 1), (1.001, 1.002)))
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
        source = archives.named(tmp_path, tiles)
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
    source = archives.named(
        tmp_path, archives.folder(tmp_path / "city", {**TILES, HERE: damage(TILES[HERE])})
    )
    with pytest.raises(SourceFault, match=reason) as fault:
        await source.tile(*HERE)
    assert fault.value.address == f"{tmp_path}/city/15/5238/12666.pbf"
    assert await source.tile(5239, 12666) is not None


async def test_a_file_cut_short_is_no_empty_ground(tmp_path: Path) -> None:
    file = archives.pmtiles(tmp_path / "city.pmtiles", TILES)
    source = archives.named(tmp_path, file.name)
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
        archives.named(tmp_path, str(scene.pop("tiles")), **scene)


def test_a_key_that_is_not_set_is_said(tmp_path: Path) -> None:
    template = "https://example.org/{z}/{x}/{y}.pbf?key={key}"
    with pytest.raises(Unusable, match="TW_NO_SUCH_KEY is not set"):
        archives.named(tmp_path, template, zoom=14, api_key="${TW_NO_SUCH_KEY}")
