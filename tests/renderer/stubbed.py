"""`python -m tests.renderer.stubbed`: the renderer's process with the page of these tests for the city."""

from pathlib import Path

from services.process import run
from services.renderer import __main__ as renderer
from services.renderer.scenes import Files
from services.renderer.sources.choice import opened
from services.scene import Scene
from tests.renderer.bare import Bare

STUB = Path(__file__).parent / "page"


def files(scene: Scene, beside: Path, kept: Path) -> Files:
    """The page that is quick to build; of a scene from a file it draws the same as of the sample."""
    city = Bare() if scene.file is None else opened(scene, beside, beside, kept)
    return Files(page=STUB, city=city)


if __name__ == "__main__":
    renderer.files = files
    run("renderer", renderer.serve)
