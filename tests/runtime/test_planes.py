"""The services and the scene page agree on what the object and depth planes say."""

import re
from pathlib import Path

import numpy as np
import pytest

from services import planes
from services.generator.art.material import BUILDING, FLAT, GREENERY, KIND, VEHICLE

SCENE = (Path(__file__).resolve().parents[2] / "web/scene/material.ts").read_text()
CLASSES = {name: int(code) for name, code in re.findall(r"^  (\w+): (\d+),", SCENE, re.MULTILINE)}
KINDS = {
    **dict.fromkeys(("wall", "roof", "trim", "glass", "prop", "awning"), BUILDING),
    "tree": GREENERY,
    "car": VEHICLE,
}


@pytest.mark.parametrize("name", CLASSES)
def test_classes_have_the_scene_s_numbers(name: str) -> None:
    assert getattr(planes, name.upper()) == CLASSES[name]


def test_every_class_of_the_scene_is_of_a_known_kind() -> None:
    assert len(CLASSES) >= 15
    for name, code in CLASSES.items():
        assert KIND[code] == KINDS.get(name, FLAT), name
        assert name in KINDS or name == "nothing" or 16 <= code <= 31, f"{name} is in no range that is flat"


def test_walls_begin_where_the_scene_lets_them_begin() -> None:
    assert re.search(rf"nz > 0\.1 \? 1 \+ .* : {planes.NORMAL_WALL_FIRST} \+", SCENE)


def test_depths_are_compared_round_the_corner() -> None:
    near, far = np.array([planes.ROUND - 10, 0, 500], np.int32), np.array([20, 0, 700], np.int32)
    assert planes.nearer(far, near).tolist() == [30, 0, 200]
    assert planes.nearer(near, far).tolist() == [-30, 0, -200]


def test_things_have_ids_from_the_scene_s_lowest_on() -> None:
    assert re.search(rf"^const CARS = {planes.FIRST_THING};", SCENE, re.MULTILINE)
