"""What can be drawn: the built page, and the source of features that app_config.json names."""

from dataclasses import dataclass
from pathlib import Path

from services.config import DEFAULT_CONFIG
from services.renderer.sources.choice import opened
from services.renderer.sources.source import Source
from services.scene import Scene

BUILT = Path(__file__).resolve().parent.parent.parent / "web" / "dist"


class NotBuilt(Exception):
    """Raised when the page or the sample city is not there."""


@dataclass(frozen=True)
class Files:
    """Where the page lies, and what it draws."""

    page: Path
    city: Source


def files(scene: Scene, beside: Path = DEFAULT_CONFIG.parent, kept: Path | None = None) -> Files:
    """The page, and the source that the configuration names; raises NotBuilt, or Unusable of that source.

    Relative paths start at `beside`, the folder of the configuration; tiles of servers are kept in `kept`.
    """
    page, sample = BUILT / "scene", BUILT / "cities" / "sanfrancisco"
    needed = [page / "index.html", *([sample] if scene.source == "san-francisco" else [])]
    for path in needed:
        if not path.exists():
            raise NotBuilt(f"{path} is missing, so nothing can be drawn. `make run` builds it.")
    return Files(page=page, city=opened(scene, beside, sample.parent, kept))
