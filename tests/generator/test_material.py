"""The generator and the scene page agree on what the object plane says."""

import re
from pathlib import Path

import pytest

from services.generator.models import material
from services.generator.models.material import BUILDING, FLAT, GREENERY, KIND, VEHICLE

SCENE = (Path(__file__).resolve().parents[2] / "web/scene/material.ts").read_text()
CLASSES = {name: int(code) for name, code in re.findall(r"^  (\w+): (\d+),", SCENE, re.MULTILINE)}
KINDS = {
    **dict.fromkeys(("wall", "roof", "trim", "glass", "prop", "awning"), BUILDING),
    "tree": GREENERY,
    "car": VEHICLE,
}


@pytest.mark.parametrize(
    "name", ["nothing", "wall", "roof", "trim", "glass", "prop", "awning", "tree", "car"]
)
def test_classes_have_the_scene_s_numbers(name: str) -> None:
    assert getattr(material, name.upper()) == CLASSES[name]


def test_every_class_of_the_scene_is_of_a_known_kind() -> None:
    assert len(CLASSES) >= 15
    for name, code in CLASSES.items():
        assert KIND[code] == KINDS.get(name, FLAT), name
        assert name in KINDS or name == "nothing" or 16 <= code <= 31, f"{name} is in no range that is flat"


def test_walls_begin_where_the_scene_lets_them_begin() -> None:
    assert re.search(rf"nz > 0\.1 \? 1 \+ .* : {material.NORMAL_WALL_FIRST} \+", SCENE)
