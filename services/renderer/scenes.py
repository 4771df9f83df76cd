"""What can be drawn: for each source in app_config.json, the built page and the file of its city."""

from dataclasses import dataclass
from pathlib import Path

from services.config import Scene

BUILT = Path(__file__).resolve().parent.parent.parent / "web" / "dist"


class NotBuilt(Exception):
    """Raised when the page or the city is not there yet."""


@dataclass(frozen=True)
class Files:
    """Where the page and the city of a scene lie."""

    page: Path
    city: Path


def files(scene: Scene) -> Files:
    """The files of the scene that the configuration names; raises NotBuilt if one is missing."""
    cities = {"san-francisco": "sanfrancisco.json"}
    found = Files(page=BUILT / "scene", city=BUILT / "cities" / cities[scene.source])
    for path in (found.page / "index.html", found.city):
        if not path.is_file():
            raise NotBuilt(f"{path} is missing, so nothing can be drawn. `make run` builds it.")
    return found
