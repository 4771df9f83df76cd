"""`supervisor.py models`, with no world: what stands in the configuration, and one call of what does."""

import asyncio
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import supervisor
from services.config import DEFAULT_CONFIG, AppConfig
from services.schema import schema
from tests.generator.fake_oxen import FakeOxen

TREE = Path(__file__).resolve().parents[2]
KEY = "CANARY-77ab10"


def written(folder: Path, endpoint: str = "http://127.0.0.1:9", **more: Any) -> Path:
    """A configuration of an offline model, one with its key and one without."""
    far = {"provider": "oxen", "endpoint": endpoint, "cost_per_image": 0.25}
    models = [
        {"name": "Pixel art", "model_id": "pixel-art", "provider": "pixel-art", "cell": 4},
        {"name": "Far", "model_id": "far", **far, "api_key": KEY, **more},
        {"name": "Locked", "model_id": "locked", **far, "api_key": "${TILEWRIGHT_NO_SUCH_KEY}"},
    ]
    file = folder / "app_config.json"
    file.write_text(json.dumps({"models": models}))
    return file


def typed(*words: str | Path) -> int:
    try:
        return supervisor.main(["models", *map(str, words)])
    except SystemExit as wrong_usage:
        return int(wrong_usage.code or 0)


def test_every_model_is_listed_with_its_state(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    config = written(tmp_path)
    assert typed("--config", config) == 0
    head, local, far, locked = (line.split() for line in capfd.readouterr().out.splitlines())
    assert head == ["MODEL_ID", "NAME", "PROVIDER", "PRICE", "STATE"]
    assert local == ["pixel-art", "(default)", "Pixel", "art", "pixel-art", "ready"]
    assert far == ["far", "Far", "oxen", "0.25", "ready"]
    assert " ".join(locked[4:]) == "TILEWRIGHT_NO_SUCH_KEY is not set."
    assert typed("--config", config, "--json") == 0
    said = capfd.readouterr().out
    assert KEY not in said and "127.0.0.1" not in said
    told = json.loads(said)
    assert told["default_model_id"] == "pixel-art"
    states = {model["model_id"]: (model["available"], model["reason"]) for model in told["models"]}
    assert states == {
        "pixel-art": (True, ""),
        "far": (True, ""),
        "locked": (False, "TILEWRIGHT_NO_SUCH_KEY is not set."),
    }


def test_what_is_typed_wrong_is_said(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    config = written(tmp_path)
    for words, code, said in (
        (("test",), 2, "Name the model: supervisor.py models test MODEL_ID."),
        (("test", "fra"), 2, f"{config} has no model fra; known are pixel-art, far, locked."),
        (("far",), 2, "invalid choice: 'far'"),
    ):
        assert typed(*words, "--config", config) == code
        assert said in capfd.readouterr().err
    config.write_text("{")
    assert typed("--config", config) == 78
    assert ":1:2: It is cut short" in capfd.readouterr().err


async def test_one_call_says_what_came_of_it(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    async with FakeOxen() as oxen:
        config, picture = written(tmp_path, oxen.url), tmp_path / "answer.png"
        words = ("test", "far", "--config", config, "--picture", picture)
        assert await asyncio.to_thread(typed, *words, "--json") == 0
        told = json.loads(capfd.readouterr().out)
        assert len(oxen.asked) == 1
        assert oxen.headers[0]["Authorization"] == f"Bearer {KEY}"
        oxen.mode = "401"
        assert await asyncio.to_thread(typed, "test", "far", "--config", config) == 1
    said = capfd.readouterr()
    sentence = "Far refused the key (HTTP 401). Check its api_key in app_config.json."
    assert said.out.strip() == f"Far gave no usable picture (auth): {sentence}"
    assert KEY not in said.err
    assert (told["ok"], told["cost"], told["drift"], told["moved"]) == (True, 0.25, 0.0, [0, 0])
    # An inverted infill among what was not inverted does not match it.
    assert told["flagged"] and told["seam"] > 1.5
    with Image.open(picture) as image:
        assert np.array(image).shape == (1024, 1024, 3)


def test_an_offline_model_is_tried_as_well_and_one_without_a_key_is_not(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    config = written(tmp_path)
    assert typed("test", "pixel-art", "--config", config) == 0
    assert capfd.readouterr().out.startswith("Pixel art answered in ")
    assert typed("test", "locked", "--config", config) == 1
    assert capfd.readouterr().err == "Locked cannot be called: TILEWRIGHT_NO_SUCH_KEY is not set.\n"


def test_the_schema_for_editors_is_current(capfd: pytest.CaptureFixture[str]) -> None:
    file = TREE / "app_config.schema.json"
    assert json.loads(file.read_text()) == schema(), (
        "make it anew: supervisor.py models schema > app_config.schema.json"
    )
    assert json.loads(DEFAULT_CONFIG.read_text())["$schema"] == file.name
    assert typed("schema") == 0
    assert capfd.readouterr().out == file.read_text()


def test_the_schema_knows_every_field_and_what_it_means() -> None:
    made = schema()
    assert set(made["properties"]) == {field.alias or name for name, field in AppConfig.model_fields.items()}
    model = made["$defs"]["Model"]["properties"]
    assert {"pixel-art", "oxen"} <= set(model["provider"]["enum"])
    assert model["seam_retries"]["maximum"] == 5
    assert model["resize"]["description"].startswith("Whether a picture of another size")
