"""The camera: world pixels to latitude and longitude on the ground, and back.

Orthographic, looking down by `elevation` degrees from `azimuth` degrees clockwise from north-up; the
world's origin lies at world pixel (0, 0).

The map's ground is Web Mercator (EPSG:3857; IOGP Guidance Note 7-2, method 1024), counted in metres from
the origin and scaled by the cosine of the origin's latitude. This is not an approximation of the world but
its definition: web/scene/place.ts and web/studio/camera.ts have the same formulas. Vector tiles are cut in
this projection, so a tile is a square whose edges stay straight, neighbours meet without a gap, and north
has one direction everywhere; both ways are closed formulas, valid to the poles and past the date line.

The price: a metre is true at the origin only, to 0.7 % (Web Mercator takes the ellipsoid for a sphere), and
grows as one goes polewards, by tan(latitude) / 64 for every 100 km: 1.2 % at 38 degrees, 2.7 % at 60. A
transverse Mercator would keep distances, but bend every tile's edges and turn north with the place.
"""

import math
from dataclasses import dataclass

from services.tiling.quadrant import SIZE

EARTH = 6_378_137.0
"""The radius of Web Mercator's sphere: the semi-major axis of WGS 84, in metres."""


@dataclass(frozen=True)
class View:
    """Where the world lies and how it is looked at. Degrees and metres."""

    latitude: float
    longitude: float
    azimuth: float
    elevation: float
    metres_per_pixel: float

    def pixel(self, latitude: float, longitude: float) -> tuple[float, float]:
        """The world pixel (x right, y down) of a point on the ground."""
        return self.project(*self.ground(latitude, longitude))

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Latitude and longitude of the ground seen at a world pixel."""
        turn = math.radians(self.azimuth)
        right = x * self.metres_per_pixel
        up = -y * self.metres_per_pixel / math.sin(math.radians(-self.elevation))
        east = right * math.cos(turn) + up * math.sin(turn)
        north = -right * math.sin(turn) + up * math.cos(turn)
        return self.unground(east, north)

    def ground(self, latitude: float, longitude: float) -> tuple[float, float]:
        """Metres east and north of the origin, the short way round the earth."""
        east = math.radians(_half_turn(longitude - self.longitude))
        north = _stretched(latitude) - _stretched(self.latitude)
        return self._radius * east, self._radius * north

    def unground(self, east: float, north: float) -> tuple[float, float]:
        """Latitude and longitude of a ground point given in metres from the origin."""
        stretched = _stretched(self.latitude) + north / self._radius
        # The inverse of `_stretched`; in this form it has no overflow.
        latitude = math.degrees(2 * math.atan(math.tanh(stretched / 2)))
        return latitude, _half_turn(self.longitude + math.degrees(east / self._radius))

    def project(self, east: float, north: float) -> tuple[float, float]:
        """The world pixel of a ground point given in metres from the origin."""
        turn = math.radians(self.azimuth)
        right = east * math.cos(turn) - north * math.sin(turn)
        up = east * math.sin(turn) + north * math.cos(turn)
        foreshortened = up * math.sin(math.radians(-self.elevation))
        return right / self.metres_per_pixel, -foreshortened / self.metres_per_pixel

    def quadrant(self, latitude: float, longitude: float) -> tuple[int, int]:
        """The quadrant that shows a point on the ground."""
        x, y = self.pixel(latitude, longitude)
        return math.floor(x / SIZE), math.floor(y / SIZE)

    @property
    def _radius(self) -> float:
        return EARTH * math.cos(math.radians(self.latitude))


def _stretched(latitude: float) -> float:
    """Web Mercator's northing on a sphere of radius 1."""
    return math.asinh(math.tan(math.radians(latitude)))


def _half_turn(degrees: float) -> float:
    """The same direction between -180 and 180."""
    return degrees - 360 * math.floor(degrees / 360 + 0.5)
