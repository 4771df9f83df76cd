"""Footprints from GeoJSON: where they lie, and what a bad file gets."""

import json
from pathlib import Path

import pytest

from services.renderer.sources.footprints import Footprints
from services.renderer.sources.source import Unusable
from tests.renderer import archives


async def test_footprints_lie_whole_in_the_tile_of_their_middle(tmp_path: Path) -> None:
    square = ((-122.4490, 37.7660), (-122.4470, 37.7660), (-122.4470, 37.7670), (-122.4490, 37.7670))
    # Its longer part lies west of the border between two columns.
    across = ((-122.4570, 37.7660), (-122.4525, 37.7660), (-122.4525, 37.7662), (-122.4570, 37.7662))
    point = {"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": [0, 0]}}
    file = archives.collection(
        tmp_path / "houses.geojson",
        archives.feature(*square, height=12, owner="x"),
        point,
        archives.feature(*across, levels="3"),
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
            json.dumps(
                {"type": "FeatureCollection", "features": [archives.feature((4_200_000, 0), (1, 1), (1, 2))]}
            ),
            r"features\[0\]: .*is no longitude and latitude",
        ),
        (
            json.dumps({"type": "FeatureCollection", "features": [archives.feature((1, 1), (2, 2), (1, 2))]}),
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
