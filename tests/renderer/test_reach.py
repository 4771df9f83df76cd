"""What a chunk draws, and what casts its shadows, lies in the box by which it is chosen for a frame.

Otherwise a frame beside it would be drawn without what reaches over to it, and the two would not meet.
"""

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from services.renderer.scenes import BUILT, files
from services.renderer.settings import script
from services.scene import Camera, Scene

NODE = Path(sys.executable).parent / "node"
SCRIPT = Path(__file__).parent / "reach.mjs"
CITY = [(x, y) for y in range(-3, 4) for x in range(-5, 5)]
MIDDLE = [(x, y) for y in (-1, 0) for x in (-1, 0)]


@pytest.mark.parametrize(
    ("camera", "blocks", "chunks"),
    [
        (Camera(), CITY, 1_500),
        (Camera(metres_per_pixel=2.0), MIDDLE, 2_000),
        (Camera(metres_per_pixel=1.0, elevation=-30.0), MIDDLE, 1_000),
        (Camera(elevation=-80.0), MIDDLE, 90),
        (Camera(elevation=-20.0), MIDDLE, 200),
    ],
    ids=lambda value: (
        f"{value.metres_per_pixel:g} m, {value.elevation:g}" if isinstance(value, Camera) else ""
    ),
)
def test_nothing_reaches_out_of_what_its_chunk_is_chosen_by(
    camera: Camera, blocks: list[tuple[int, int]], chunks: int
) -> None:
    text = script(camera, Scene())
    told = json.loads(text[text.index("{") : text.rindex(";")])
    question = {**told, "folder": str(BUILT / "cities" / "sanfrancisco"), "blocks": blocks}
    about = asdict(files(Scene()).city.describe())
    # The page's modules have more of TypeScript than types.
    command = [NODE, "--experimental-transform-types", "--no-warnings", SCRIPT]
    said = subprocess.run(
        [*command, json.dumps(question), json.dumps(about)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    found = json.loads(said.stdout)
    assert (found["drawn"], found["cast"]) == (0, 0), found["worst"]
    assert found["chunks"] > chunks
    assert found["points"] > 100 * chunks
