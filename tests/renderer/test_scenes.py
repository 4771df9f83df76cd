"""Which page and which city a scene of the configuration means."""

from pathlib import Path

import pytest

from services.renderer import scenes
from services.scene import Scene


def test_a_scene_that_is_not_built_is_named_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scenes, "BUILT", tmp_path)
    with pytest.raises(scenes.NotBuilt, match=r"scene/index\.html is missing.*`make run` builds it"):
        scenes.files(Scene())
    (tmp_path / "scene").mkdir()
    (tmp_path / "scene" / "index.html").touch()
    with pytest.raises(scenes.NotBuilt, match=r"cities/sanfrancisco is missing"):
        scenes.files(Scene())
    tile = tmp_path / "cities" / "sanfrancisco" / "15" / "5238" / "12666.mvt"
    tile.parent.mkdir(parents=True)
    tile.touch()
    assert scenes.files(Scene()).city.describe().tiles == (5238, 12666, 5238, 12666)
