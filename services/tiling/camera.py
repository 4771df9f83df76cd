"""The camera: world pixels to latitude and longitude on the ground, and back.

Orthographic, looking down by `elevation` degrees from `azimuth` degrees clockwise from north-up; the
world's origin lies at world pixel (0, 0). East and south metres come from a local projection: an
equirectangular one around the origin with the radii of curvature of WGS 84 (NIMA TR8350.2, 2000).
"""

import math
from dataclasses import dataclass

from services.tiling.quadrant import SIZE

_A = 6_378_137.0
_E2 = 6.694_379_990_14e-3


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
        east_m, north_m = self._scale()
        return self.project((longitude - self.longitude) * east_m, (latitude - self.latitude) * north_m)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Latitude and longitude of the ground seen at a world pixel."""
        turn = math.radians(self.azimuth)
        right = x * self.metres_per_pixel
        up = -y * self.metres_per_pixel / math.sin(math.radians(-self.elevation))
        east = right * math.cos(turn) + up * math.sin(turn)
        north = -right * math.sin(turn) + up * math.cos(turn)
        east_m, north_m = self._scale()
        return self.latitude + north / north_m, self.longitude + east / east_m

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

    def _scale(self) -> tuple[float, float]:
        """Metres per degree of longitude and of latitude at the origin."""
        phi = math.radians(self.latitude)
        curve = 1 - _E2 * math.sin(phi) ** 2
        east_radius = _A / math.sqrt(curve) * math.cos(phi)
        north_radius = _A * (1 - _E2) / curve**1.5
        return math.radians(1) * east_radius, math.radians(1) * north_radius
