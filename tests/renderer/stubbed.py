"""`python -m tests.renderer.stubbed`: the renderer's process with the page of these tests for the city."""

from pathlib import Path

from services.config import Scene
from services.process import run
from services.renderer import __main__ as renderer
from services.renderer.scenes import Files

STUB = Path(__file__).parent / "page"


def files(scene: Scene) -> Files:
    """The page that is quick to build, whatever the scene."""
    return Files(page=STUB, city=STUB / "index.html")


if __name__ == "__main__":
    renderer.files = files
    run("renderer", renderer.serve)
