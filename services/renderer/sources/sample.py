"""The sample city: nine vector tiles of San Francisco that come with @mapbox/mvt-fixtures."""

from pathlib import Path

from services.renderer.fingerprint import fingerprint
from services.renderer.sources.folder import Folder

NAME = "npm @mapbox/mvt-fixtures real-world/sanfrancisco"


def sample(cities: Path) -> Folder:
    """The sample city as web/scene/prepare.mjs laid it out."""
    return Folder(
        f"{cities}/sanfrancisco/{{z}}/{{x}}/{{y}}.mvt",
        zoom=15,
        attribution="© OpenStreetMap contributors",
        schema="mapbox-streets",
        name=NAME,
        version=_version(cities / "sanfrancisco"),
    )


def _version(city: Path) -> str:
    """That of the package that the tiles come with."""
    try:
        return (city / "version.txt").read_text().strip()[:60]
    except OSError:
        return f"sha256 {fingerprint(city)}"
