"""The key of the scene's tiles: renderers have it, and nobody else."""

import json
import os
from pathlib import Path

import pytest

from services.supervision.configuration import Configuration
from services.supervision.environment import for_child

KEY = "CANARY-9f3c2b"
GIVEN = {"PATH": "/bin", "TILEWRIGHT_TILES_KEY": KEY, "OXEN_API_KEY": "another", "HEIGHTS_KEY": "third"}
TILES = "https://example.org/{z}/{x}/{y}.pbf?key={key}"


@pytest.mark.parametrize(
    ("kind", "has"), [("renderer", True), ("generator", False), ("keeper", False), ("gateway", False)]
)
def test_the_key_of_the_tiles_goes_to_renderers_alone(tmp_path: Path, kind: str, has: bool) -> None:
    model = {"name": "One", "model_id": "one", "provider": "oxen", "api_key": "${OXEN_API_KEY}"}
    scene = {
        "source": "vector-tiles",
        "tiles": TILES,
        "zoom": 14,
        "api_key": "${TILEWRIGHT_TILES_KEY}",
        "terrain": {
            "tiles": TILES,
            "zoom": 12,
            "api_key": "${HEIGHTS_KEY}",
            "encoding": "mapbox",
            "lowest": 0,
            "highest": 100,
        },
    }
    file = tmp_path / "app_config.json"
    file.write_text(json.dumps({"models": [model], "scene": scene}))
    variables = for_child(kind, "mark", Configuration(file, tmp_path, GIVEN), GIVEN)
    assert (variables.get("TILEWRIGHT_TILES_KEY") == KEY) is has
    assert (variables.get("HEIGHTS_KEY") == "third") is has
    assert ("OXEN_API_KEY" in variables) is (kind == "generator")
    # Who calls servers needs to know whom to trust.
    assert (variables.get("SSL_CERT_FILE") == os.devnull) is (kind in ("keeper", "gateway"))
