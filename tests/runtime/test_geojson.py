"""GeoJSON: what is taken, and where the sentence says that something is wrong."""

import math
from typing import Any

import pytest

from services.geojson import BadGeoJson, region
from services.scene import Camera
from services.tiling.camera import View
from services.tiling.polygon import POINT_LIMIT
from services.tiling.quadrant import SIZE
from services.tiling.region import rectangle

VIEW = View(**Camera().model_dump())


def ring(x0: float, y0: float, x1: float, y1: float) -> list[list[float]]:
    """The ground under a rectangle of quadrants, drawn in by a hundredth, as a closed ring."""
    inside = [(x0 + 0.01, y0 + 0.01), (x1 - 0.01, y0 + 0.01), (x1 - 0.01, y1 - 0.01), (x0 + 0.01, y1 - 0.01)]
    positions = [VIEW.place(x * SIZE, y * SIZE) for x, y in [*inside, inside[0]]]
    return [[longitude, latitude] for latitude, longitude in positions]


def polygon(*corners: float) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [ring(*corners)]}


def feature(geometry: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": {"name": "Golden Gate Park"}, "geometry": geometry}


def collection(*features: Any) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features)}


def why_not(document: Any) -> str:
    with pytest.raises(BadGeoJson) as refused:
        region(document, VIEW)
    assert str(refused.value).endswith((refused.value.sentence, refused.value.sentence[1:]))
    return str(refused.value)


def test_every_form_of_a_polygon_is_taken() -> None:
    expected = rectangle(-2, -1, 1, 3)
    shape = polygon(-2, -1, 2, 4)
    assert region(shape, VIEW) == expected
    assert region(feature(shape), VIEW) == expected
    assert region(collection(feature(shape)), VIEW) == expected
    assert region({"type": "MultiPolygon", "coordinates": [shape["coordinates"]]}, VIEW) == expected
    nested = {
        "type": "GeometryCollection",
        "geometries": [{"type": "GeometryCollection", "geometries": [shape]}],
    }
    assert region(nested, VIEW) == expected
    assert region(collection(feature(nested)), VIEW) == expected


def test_several_polygons_are_one_region() -> None:
    one, other = polygon(0, 0, 2, 2), polygon(1, 1, 3, 3)
    expected = rectangle(0, 0, 1, 1) | rectangle(1, 1, 2, 2)
    assert region(collection(feature(one), feature(other)), VIEW) == expected
    both = {"type": "MultiPolygon", "coordinates": [one["coordinates"], other["coordinates"]]}
    assert region(both, VIEW) == expected


def test_holes_height_and_strange_members_are_no_matter() -> None:
    shape = polygon(0, 0, 5, 5)
    shape["coordinates"].append(ring(1, 1, 4, 4)[:-1])
    shape["coordinates"][0][2].append(17.5)
    shape["bbox"], shape["colour"] = "nonsense", {}
    shape["crs"] = {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
    # The hole begins a hundredth inside of the quadrants along its border.
    assert region(shape, VIEW) == rectangle(0, 0, 4, 4) - rectangle(2, 2, 2, 2)
    shape["coordinates"][1] = ring(0.95, 0.95, 4.05, 4.05)
    assert region(shape, VIEW) == rectangle(0, 0, 4, 4) - rectangle(1, 1, 3, 3)


def broken(*path: Any, value: Any) -> dict[str, Any]:
    """A collection of two good features with one part of the second replaced."""
    document = collection(feature(polygon(0, 0, 2, 2)), feature(polygon(3, 3, 5, 5)))
    part: Any = document["features"][1]
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = value
    return document


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (None, "A GeoJSON object is expected here: { … }."),
        ([], "A GeoJSON object is expected here: { … }."),
        ({}, "type: It is missing."),
        ({"type": "Topology"}, "type: This is no type of GeoJSON; Polygon, "),
        ({"type": ["Polygon"]}, "type: This is no type of GeoJSON; "),
        ({"type": "Point", "coordinates": [0, 0]}, "type: A Point has no area; Polygon, "),
        ({"type": "Polygon"}, "coordinates: It is missing."),
        ({"type": "Polygon", "coordinates": {}}, "coordinates: A list of rings is expected here"),
        ({"type": "Polygon", "coordinates": []}, "coordinates: This list of rings is empty."),
        ({"type": "Polygon", "coordinates": [[]]}, "coordinates[0]: This list of positions is empty."),
        ({"type": "Polygon", "coordinates": [[1, 2]]}, "coordinates[0][0]: A position is expected here"),
        ({"type": "MultiPolygon", "coordinates": []}, "coordinates: This list of polygons is empty."),
        (
            {"type": "MultiPolygon", "coordinates": [polygon(0, 0, 1, 1)["coordinates"], [7]]},
            "coordinates[1][0]: A list of positions is expected here",
        ),
        ({"type": "FeatureCollection"}, "features: It is missing."),
        (collection(), "features: This list of features is empty."),
        (collection(polygon(0, 0, 1, 1)), "features[0].type: A Feature is expected here, which holds the P"),
        (collection(collection()), "features[0].type: A FeatureCollection may not stand inside"),
        (feature(feature(None)), "geometry.type: A Feature may not stand inside"),
        (feature({"type": "GeometryCollection", "geometries": [3]}), "geometry.geometries[0]: A GeoJ"),
        ({"type": "Feature"}, "geometry: It is missing."),
        (broken("geometry", value=None), "features[1].geometry: This feature has no geometry"),
        (broken("geometry", "type", value="LineString"), "features[1].geometry.type: A LineString"),
        (
            broken("geometry", "crs", value={"type": "name", "properties": {"name": "EPSG:25832"}}),
            "features[1].geometry.crs: Only longitude and latitude (WGS 84) are taken",
        ),
        (
            broken("geometry", "coordinates", 0, 3, value=["-122", 37]),
            "features[1].geometry.coordinates[0][3]: A position is expected here: [longitude, latitude].",
        ),
        (broken("geometry", "coordinates", 0, 3, value=[True, 7]), "features[1].geometry.coordinates[0][3]"),
        (broken("geometry", "coordinates", 0, 3, value=[-122]), "features[1].geometry.coordinates[0][3]: A"),
        (
            broken("geometry", "coordinates", 0, 3, 0, value=180.01),
            "features[1].geometry.coordinates[0][3][0]: A longitude lies between -180 and 180 degrees.",
        ),
        (
            broken("geometry", "coordinates", 0, 3, 0, value=math.nan),
            "features[1].geometry.coordinates[0][3][0]: A longitude",
        ),
        (
            broken("geometry", "coordinates", 0, 3, value=[37.7, -122.4]),
            "features[1].geometry.coordinates[0][3][1]: A latitude lies between -90 and 90 degrees; "
            "longitude comes first.",
        ),
        (
            broken("geometry", "coordinates", 0, 3, 0, value=10**400),
            "features[1].geometry.coordinates[0][3][0]: A longitude",
        ),
        (
            broken("geometry", "coordinates", 0, 1, value=[179.0, 37.7]),
            "features[1].geometry.coordinates[0][1]: The edge to this point crosses the antimeridian",
        ),
        (
            broken("geometry", "coordinates", value=[[[170, 0], [171, 0], [171, 1]]]),
            "features[1].geometry.coordinates[0][0]: This point lies beyond the antimeridian",
        ),
        (
            broken("geometry", "coordinates", value=[[[-130, 0], [-100, 0], [-100, 40]]]),
            "features[1].geometry.coordinates: The polygon covers more than 1,000,000 quadrants.",
        ),
    ],
)  # fmt: skip
def test_a_sentence_says_what_is_wrong_and_where(document: Any, said: str) -> None:
    assert why_not(document).startswith(said)


def test_what_is_wrong_with_a_polygon_is_said_at_its_place() -> None:
    bow = ring(0, 0, 2, 2)[:-1]
    bow[2], bow[3] = bow[3], bow[2]
    document = {"type": "MultiPolygon", "coordinates": [[ring(4, 4, 5, 5)], [bow]]}
    assert why_not(document).startswith(
        "coordinates[1]: The edge from point 1 to 2 of the outer ring crosses "
    )


@pytest.mark.chaos
def test_sizes_are_bounded_also_over_many_polygons() -> None:
    side = 800
    halves = [[ring(0, 0, side, side)], [ring(side, 0, 2 * side, side)]]
    sentence = why_not({"type": "MultiPolygon", "coordinates": halves})
    assert sentence == (
        "coordinates[1]: The region holds 1,280,000 quadrants; 1,000,000 is the most. Fill it in parts."
    )
    many = [[ring(0, 0, 1, 1)]] * (POINT_LIMIT // 5 + 1)
    assert "more than 100,000 points" in why_not({"type": "MultiPolygon", "coordinates": many})


def test_there_is_no_end_to_nesting_but_memory() -> None:
    document: dict[str, Any] = polygon(0, 0, 1, 1)
    for _ in range(3_000):
        document = {"type": "GeometryCollection", "geometries": [document]}
    assert region(document, VIEW) == rectangle(0, 0, 0, 0)
