"""A world is drawn from one camera and one scene, for its renders must meet."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from services.keeper.database import DatabaseRefused
from services.keeper.viewpoint import FILE
from tests.keeper.house import CONFIG, House

TURNED: dict[str, Any] = {"camera": {"azimuth": 30.0}}
CITY: dict[str, Any] = {
    "scene": {"source": "vector-tiles", "tiles": "maps/lisbon.pmtiles", "attribution": "© me"}
}


def started(folder: Path, **config: Any) -> House:
    house = House(folder, **config)
    house.open()
    return house


def refused(folder: Path, **config: Any) -> str:
    with pytest.raises(DatabaseRefused) as found:
        House(folder, **config).open()
    assert found.value.exit_code == 78
    return str(found.value)


def test_a_world_without_renders_takes_any_camera(short: Path) -> None:
    for config in ({}, TURNED, CITY, {}):
        started(short, **config).end()


def test_another_camera_or_source_is_refused_once_there_are_renders(short: Path) -> None:
    house = started(short)
    house.rendered(0, 0, 1, 1)
    house.end()
    said = refused(short, **TURNED)
    assert f"The renders in {short / 'd'} (4 quadrants) were drawn otherwise" in said
    assert "camera.azimuth was -15.0 and is 30.0. Set it back" in said
    assert "another --data folder" in said
    said = refused(short, **CITY)
    assert "scene.source was san-francisco and is vector-tiles" in said
    assert "scene.tiles was not given and is lisbon.pmtiles" in said
    # Set back, it goes on.
    started(short).end()


def test_what_does_not_show_in_a_picture_may_change(short: Path) -> None:
    address = "https://example.org/{z}/{x}/{y}.pbf?key={key}"
    scene = {"source": "vector-tiles", "tiles": address, "zoom": 14, "api_key": "secret-key"}
    house = started(short, scene=scene)
    house.rendered(0, 0, 0, 0)
    house.end()
    assert "secret-key" not in (house.data / FILE).read_text()
    started(short, scene={**scene, "api_key": "${ANOTHER}", "attribution": "© somebody"}).end()
    assert "scene.zoom was 14 and is 15" in refused(short, scene={**scene, "zoom": 15})


def test_heights_belong_to_what_a_world_is_drawn_from_and_their_key_does_not(short: Path) -> None:
    ground = {
        "tiles": "https://example.org/{z}/{x}/{y}.png?key={key}",
        "zoom": 12,
        "encoding": "mapbox",
        "lowest": 0,
        "highest": 100,
        "api_key": "CANARY-77",
    }
    house = started(short, scene={"terrain": ground})
    house.rendered(0, 0, 1, 1)
    house.end()
    assert "CANARY" not in (short / "d" / FILE).read_text()
    started(short, scene={"terrain": {**ground, "api_key": "another", "attribution": "© me"}}).end()
    assert "scene.terrain was" in refused(short, scene={"terrain": {**ground, "highest": 200}})


def test_a_file_may_lie_elsewhere_under_its_name(short: Path) -> None:
    house = started(short, **CITY)
    house.rendered(0, 0, 0, 0)
    house.end()
    started(short, scene={**CITY["scene"], "tiles": "/data/lisbon.pmtiles"}).end()
    assert "lisbon.pmtiles and is porto.pmtiles" in refused(
        short, scene={**CITY["scene"], "tiles": "porto.pmtiles"}
    )


@pytest.mark.parametrize("content", [None, "{", "[]", '{"camera": 3, "scene": {}}'])
def test_an_older_world_is_held_to_what_it_is_started_with_next(short: Path, content: str | None) -> None:
    house = started(short)
    house.rendered(0, 0, 0, 0)
    house.end()
    file = house.data / FILE
    if content is None:
        file.unlink()
    else:
        file.write_text(content)
    started(short, **TURNED).end()
    assert json.loads(file.read_text())["camera"]["azimuth"] == 30.0
    assert "camera.azimuth was 30.0 and is -15.0" in refused(short)


def test_the_process_ends_with_the_sentence(short: Path, tmp_path: Path) -> None:
    house = started(short)
    house.rendered(0, 0, 0, 0)
    house.end()
    config = tmp_path / "app_config.json"
    config.write_text(json.dumps({"models": CONFIG["models"][1:2], **TURNED}))
    ended = subprocess.run(
        [sys.executable, "-m", "services.keeper", "--data", house.data, "--config", config],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == 78
    assert ended.stderr.splitlines()[-1].startswith("The renders in ")
    assert "camera.azimuth was -15.0 and is 30.0" in ended.stderr.splitlines()[-1]
