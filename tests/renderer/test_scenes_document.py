"""docs/scenes.md keeps to what the configuration takes."""

import json
import re
from pathlib import Path

import pytest

from services.scene import Camera, Scene

DOCUMENT = (Path(__file__).resolve().parent.parent.parent / "docs" / "scenes.md").read_text()
EXAMPLES = re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_can_be_used(example: str) -> None:
    config = json.loads(example)
    Scene.model_validate(config["scene"])
    Camera.model_validate(config.get("camera", {}))


def test_every_field_is_explained() -> None:
    assert re.findall(r"^\| `(\w+)` \|", DOCUMENT, re.MULTILINE) == [
        "source", "tiles", "zoom", "tile_schema", "api_key", "file", "tileset", "asset", "ground", "detail",
        "daily_sessions", "endpoint", "terrain", "tallest", "attribution",
    ]  # fmt: skip
    assert set(Scene.model_fields) == set(re.findall(r"^\| `(\w+)` \|", DOCUMENT, re.MULTILINE))
    assert len(EXAMPLES) == 13
