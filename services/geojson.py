"""GeoJSON (RFC 7946): the quadrants under its polygons, or a sentence that says where it is wrong."""

from collections.abc import Iterator
from typing import Any

from services.tiling.camera import View
from services.tiling.polygon import POINT_LIMIT, quadrants_of
from services.tiling.quadrant import Quadrant
from services.tiling.region import REGION_LIMIT, BadRegion, Region, check_size

Place = tuple[int | str, ...]

WITHOUT_AREA = ("Point", "MultiPoint", "LineString", "MultiLineString")
TAKEN = "Polygon, MultiPolygon, GeometryCollection, Feature or FeatureCollection"
OVERLAP_LIMIT = 4 * REGION_LIMIT
"""Quadrants of all polygons, those that lie under several of them counted again."""


class BadGeoJson(BadRegion):
    """Raised for what is no GeoJSON or no polygon; `place` says where, e.g. `("features", 2, "geometry")`."""

    def __init__(self, place: Place, sentence: str) -> None:
        super().__init__(f"{field}: {sentence}" if (field := _field(place)) else sentence)
        self.place = place
        self.sentence = sentence


def region(document: Any, view: View) -> Region:
    """Every quadrant that a polygon of the document overlaps, as the camera shows the ground.

    Raises BadGeoJson.
    """
    found: set[Quadrant] = set()
    points = counted = 0
    for place, coordinates in _polygons(document):
        rings = [
            _ring((*place, number), ring, view)
            for number, ring in enumerate(_list(place, coordinates, "rings"))
        ]
        points += sum(map(len, rings))
        if points > POINT_LIMIT:
            raise BadGeoJson(place, f"Up to here there are more than {POINT_LIMIT:,} points. Simplify them.")
        try:
            quadrants = quadrants_of(rings)
            found |= quadrants
            check_size(len(found))
        except BadRegion as error:
            raise BadGeoJson(place, str(error)) from None
        counted += len(quadrants)
        if counted > OVERLAP_LIMIT:
            raise BadGeoJson(place, "Large polygons lie on each other too often. Unite them first.")
    if not found:
        raise BadGeoJson((), "There is no polygon in it.")
    return frozenset(found)


def _polygons(document: Any) -> Iterator[tuple[Place, Any]]:
    """The coordinates of every polygon and where they stand, in the order of the document."""
    # Kept by hand and not by recursion: a collection may hold collections, as deep as it likes.
    waiting: list[tuple[Place, Any]] = [((), document)]
    while waiting:
        place, value = waiting.pop()
        kind = _type(place, value)
        if kind in ("FeatureCollection", "GeometryCollection"):
            name = "features" if kind == "FeatureCollection" else "geometries"
            inside = _list((*place, name), _member(place, value, name), name)
            waiting += [((*place, name, number), part) for number, part in enumerate(inside)][::-1]
        elif kind == "Feature":
            if _member(place, value, "geometry") is None:
                raise BadGeoJson((*place, "geometry"), "This feature has no geometry; take it out.")
            waiting.append(((*place, "geometry"), value["geometry"]))
        elif kind == "MultiPolygon":
            inside = _list((*place, "coordinates"), _member(place, value, "coordinates"), "polygons")
            yield from (((*place, "coordinates", number), part) for number, part in enumerate(inside))
        else:
            yield (*place, "coordinates"), _member(place, value, "coordinates")


def _type(place: Place, value: Any) -> str:
    """The type of an object that may stand here; raises BadGeoJson for every other."""
    if not isinstance(value, dict):
        raise BadGeoJson(place, "A GeoJSON object is expected here: { … }.")
    kind = _member(place, value, "type")
    if "crs" in value and not _is_world_geodetic(value["crs"]):
        raise BadGeoJson((*place, "crs"), "Only longitude and latitude (WGS 84) are taken; convert it first.")
    if kind in WITHOUT_AREA:
        raise BadGeoJson((*place, "type"), f"A {kind} has no area; {TAKEN} is expected.")
    top = not place
    if kind in ("FeatureCollection", "Feature"):
        if top or (kind == "Feature" and place[-2:-1] == ("features",)):
            return str(kind)
        raise BadGeoJson((*place, "type"), f"A {kind} may not stand inside of another object here.")
    if kind in ("Polygon", "MultiPolygon", "GeometryCollection"):
        if top or place[-1] == "geometry" or place[-2:-1] == ("geometries",):
            return str(kind)
        raise BadGeoJson((*place, "type"), f"A Feature is expected here, which holds the {kind}.")
    raise BadGeoJson((*place, "type"), f"This is no type of GeoJSON; {TAKEN} is expected.")


def _is_world_geodetic(crs: Any) -> bool:
    """Whether the older way to name a reference system names the only one that RFC 7946 has."""
    properties = crs.get("properties") if isinstance(crs, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    return crs is None or (isinstance(name, str) and name.endswith((":CRS84", ":4326")))


def _ring(place: Place, ring: Any, view: View) -> list[tuple[float, float]]:
    """The points of a ring in world pixels."""
    points: list[tuple[float, float]] = []
    before: float | None = None
    for number, position in enumerate(_list(place, ring, "positions")):
        here = (*place, number)
        if not isinstance(position, list) or len(position) < 2 or not all(map(_is_number, position)):
            raise BadGeoJson(here, "A position is expected here: [longitude, latitude].")
        longitude, latitude = position[:2]
        # Written so that NaN is refused as well.
        if not -180 <= longitude <= 180:
            raise BadGeoJson((*here, 0), "A longitude lies between -180 and 180 degrees.")
        if not -90 <= latitude <= 90:
            raise BadGeoJson((*here, 1), "A latitude lies between -90 and 90 degrees; longitude comes first.")
        if before is not None and abs(longitude - before) > 180:
            raise BadGeoJson(
                here,
                "The edge to this point crosses the antimeridian or half the world; cut the polygon there.",
            )
        if abs(longitude - view.longitude) > 180:
            raise BadGeoJson(
                here, "This point lies beyond the antimeridian, seen from the camera of this map."
            )
        before = longitude
        points.append(view.pixel(latitude, longitude))
    return points


def _member(place: Place, value: dict[str, Any], name: str) -> Any:
    if name not in value:
        raise BadGeoJson((*place, name), "It is missing.")
    return value[name]


def _list(place: Place, value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise BadGeoJson(place, f"A list of {what} is expected here: [ … ].")
    if not value:
        raise BadGeoJson(place, f"This list of {what} is empty.")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _field(place: Place) -> str:
    """A place as a person would write it: `features[2].geometry.coordinates[0]`."""
    name = ""
    for step in place:
        name += f"[{step}]" if isinstance(step, int) else f".{step}" if name else step
    return name
