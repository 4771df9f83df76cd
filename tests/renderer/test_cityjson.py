"""CityJSON: buildings as solids, read from files that the tests make; drawn in test_tilesets.py."""

import json
from pathlib import Path

import numpy as np
import pytest

from services.renderer.sources.choice import opened
from services.renderer.sources.source import Unusable
from services.renderer.sources.tileset import TileSet
from services.scene import Scene
from tests.renderer import solids, tilesets
from tests.renderer.tileservers import uris


def read(tmp_path: Path, file: str) -> TileSet:
    """The source that a configuration in `tmp_path` names."""
    source = opened(Scene.model_validate({"source": "cityjson", "file": file}), tmp_path, tmp_path, None)
    assert isinstance(source, TileSet)
    return source


async def cells(source: TileSet) -> list[dict[str, list[object]]]:
    root = await source.give("tileset.json", "")
    return [json.loads((await source.give(uri, "")).content) for uri in uris(root.content)]


@pytest.mark.parametrize("form", ["file", "lines", "folder"])
async def test_a_house_stands_where_its_reference_system_says(tmp_path: Path, form: str) -> None:
    houses = [solids.house(f"h{i}", *tilesets.place(i, i), 412.0) for i in range(3)]
    match form:
        case "file":
            name = solids.written(tmp_path / "houses.city.json", houses).name
        case "lines":
            name = solids.lines(tmp_path / "houses.city.jsonl", houses).name
        case _:
            for i, one in enumerate(houses):
                solids.written(tmp_path / "houses" / f"{i}.city.json", [one])
            name = "houses"
    source = read(tmp_path, name)
    root = json.loads((await source.give("tileset.json", "")).content)["root"]
    leaves = [leaf for group in root["children"] for leaf in group["children"]]
    found = []
    for leaf, cell in zip(leaves, await cells(source), strict=True):
        points = np.reshape(cell["points"], (-1, 3)) + leaf["transform"][12:15]
        assert (
            np.linalg.norm(points - leaf["transform"][12:15], axis=1).max()
            <= leaf["boundingVolume"]["sphere"][3]
        )
        # House and part are one object; the ground beneath is left out.
        for house, part in zip(cell["objects"][::2], cell["objects"][1::2], strict=True):
            assert house["id"] == part["id"]
            assert (len(house["surfaces"]), house["roofs"]) == (5, [4])
            corners = {corner for surface in house["surfaces"] for ring in surface for corner in ring}
            found.append(points[sorted(corners)].mean(axis=0))
    assert len(found) == 3
    expected = sorted(tilesets.earth(*tilesets.place(i, i), 412.0 + solids.TALL / 2) for i in range(3))
    assert np.abs(np.array(sorted(map(tuple, found))) - expected).max() < 0.1


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda city: city.update(type="Other"), "is no CityJSON"),
        (lambda city: city.update(metadata={}), r"names no reference system \(metadata\.referenceSystem\)"),
        (
            lambda city: city["metadata"].update(referenceSystem="https://www.opengis.net/def/crs/EPSG/0/1"),
            "the reference system EPSG 1 is not known here",
        ),
        (lambda city: city["vertices"].clear(), r"the object h0 is broken \(IndexError"),
        (
            lambda city: city["CityObjects"]["h0"]["geometry"][1].update(boundaries=7),
            "the object h0 is broken",
        ),
        (lambda city: city["CityObjects"]["h0"].update(parents=["h0"]), "its parents lead back to it"),
        (lambda city: city["transform"].update(translate=[1e12, 0, 0]), "lies nowhere on earth"),
        (lambda city: city["CityObjects"].clear(), "has no building with a surface"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, change: object, sentence: str) -> None:
    city = solids.city([solids.house("h0", *tilesets.place(0, 0), 412.0)])
    change(city)  # type: ignore[operator]
    (tmp_path / "city.json").write_text(json.dumps(city))
    with pytest.raises(Unusable, match=sentence) as fault:
        read(tmp_path, "city.json")
    assert str(tmp_path / "city.json") in str(fault.value)


def test_a_file_that_is_not_there_or_no_json_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match=r"nowhere\.json cannot be read \(No such file"):
        read(tmp_path, "nowhere.json")
    (tmp_path / "text.json").write_text("This is a text.")
    with pytest.raises(Unusable, match=r"text\.json is no JSON"):
        read(tmp_path, "text.json")
