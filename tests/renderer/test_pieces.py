"""What the borders of source tiles cut is one thing again, and every tile finds the same."""

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

NODE = Path(sys.executable).parent / "node"
SCRIPT = Path(__file__).parent / "pieces.mjs"
EDGE = 4096
"""Units of a tile: borders lie at its multiples."""

Ring = list[tuple[float, float]]
Wholes = dict[str, dict[str, Any]]


def box(x: float, y: float, width: float, height: float) -> Ring:
    """A ring that runs as an outer one does in a vector tile; turned round, it is a hole."""
    return [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]


def put_together(
    *things: tuple[str, list[Ring]], buffer: int = 64, ids: bool = False
) -> tuple[Wholes, set[str]]:
    """The wholes by their keys, and the tiles that see any; all of these must see the same."""
    asked = [
        {"words": words, "rings": rings, **({"id": number} if ids else {})}
        for number, (words, rings) in enumerate(things)
    ]
    question = json.dumps({"buffer": buffer, "things": asked})
    said = subprocess.run([NODE, SCRIPT, question], capture_output=True, text=True, timeout=60, check=True)
    views: dict[str, list[dict[str, Any]]] = json.loads(said.stdout)
    wholes: Wholes = {}
    for found in views.values():
        for whole in found:
            assert wholes.setdefault(whole["key"], whole) == whole
    return wholes, {tile for tile, found in views.items() if found}


def area(ring: Ring) -> float:
    turned = zip(ring, [*ring[1:], ring[0]], strict=True)
    return sum(ax * by - bx * ay for (ax, ay), (bx, by) in turned) / 2


def corners(ring: Ring) -> list[tuple[int, int]]:
    return sorted((round(x), round(y)) for x, y in ring)


@pytest.mark.parametrize("buffer", [0, 64])
def test_a_house_across_a_border_has_its_own_corners_again(buffer: int) -> None:
    house = box(EDGE - 30, 900, 70, 40)
    wholes, tiles = put_together(("house", [house]), buffer=buffer)
    assert tiles == {"0,0", "1,0"}
    [whole] = wholes.values()
    assert whole["things"] == [0, 0]
    [[ring]] = whole["polygons"]
    assert corners(ring) == corners(house)


def test_a_house_where_four_tiles_meet_is_one() -> None:
    # Turned, so that its walls meet the borders at places that every tile rounds for itself.
    middle, turn = 2 * EDGE, 0.3
    house = [
        (middle + 90 * math.cos(turn + k * math.pi / 2) + 7, middle + 90 * math.sin(turn + k * math.pi / 2))
        for k in range(4)
    ]
    wholes, tiles = put_together(("house", [house]))
    assert tiles == {"1,1", "1,2", "2,1", "2,2"}
    [whole] = wholes.values()
    [[ring]] = whole["polygons"]
    assert len(ring) == 4
    assert area(ring) == pytest.approx(area(house), rel=0.02)


def test_a_house_with_two_wings_and_one_with_a_court_keep_their_shape() -> None:
    wings: Ring = [
        (4000, 100),
        (4200, 100),
        (4200, 140),
        (4040, 140),
        (4040, 200),
        (4200, 200),
        (4200, 240),
        (4000, 240),
    ]
    court = [box(4000, 500, 200, 200), box(4050, 550, 100, 100)[::-1]]
    wholes, _ = put_together(("wings", [wings]), ("court", court))
    found = {whole["things"][0]: whole["polygons"] for whole in wholes.values()}
    assert [corners(ring) for ring in found[0][0]] == [corners(wings)]
    assert [corners(ring) for ring in found[1][0]] == [corners(ring) for ring in court]
    assert [area(ring) for ring in found[1][0]] == pytest.approx([40_000, -10_000])


def test_neighbours_stay_themselves() -> None:
    row = [("house", [box(EDGE - 40, 100 + 30 * number, 80, 30)]) for number in range(5)]
    wholes, _ = put_together(*row, ("tower", [box(EDGE - 40, 250, 80, 30)]))
    assert sorted(whole["things"] for whole in wholes.values()) == [[k, k] for k in range(6)]
    # Two that only stand against the border on its two sides, and are called otherwise.
    wholes, _ = put_together(("house", [box(EDGE - 40, 100, 40, 30)]), ("shop", [box(EDGE, 100, 40, 30)]))
    assert not wholes


def test_what_no_tile_sees_all_of_stays_in_pieces_for_all() -> None:
    wholes, tiles = put_together(
        ("hall", [box(EDGE - 50, 100, EDGE + 100, 60)]), ("house", [box(EDGE - 20, 300, 40, 40)])
    )
    assert [whole["things"] for whole in wholes.values()] == [[1, 1]]
    assert tiles == {"0,0", "1,0"}
