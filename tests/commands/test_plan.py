"""`supervisor.py plan`: what it prints for a program and for a person."""

import json
import re
import sqlite3
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from services.commands.preview import summary
from services.scene import Camera
from services.tiling.camera import View
from services.tiling.quadrant import SIZE
from services.tiling.region import rectangle
from services.tiling.seam import Window, place
from tests.commands.conftest import Run
from tests.tiling.drawing import cells

VIEW = View(**Camera().model_dump())


def planned(answer: Any) -> dict[str, Any]:
    assert answer.returncode == 0, answer.stderr
    assert answer.stderr == ""
    return dict(json.loads(answer.stdout))


def drawn(document: dict[str, Any], finished: Collection[tuple[int, int]] = ()) -> set[tuple[int, int]]:
    """What the steps put on the map, each of them found legal in the order given."""
    done = set(finished) - {(x, y) for x, y in document.get("repair", [])}
    seen: set[str] = set()
    put: list[tuple[int, int]] = []
    for step in document["steps"]:
        assert seen.issuperset(step["after"])
        kept = [(x, y) for x, y in step["quadrants"]]
        thrown_away = {(x, y) for x, y in step["padding"]}
        infill = {*kept, *thrown_away, *((x, y) for x, y in step["scaffold"])}
        assert isinstance(place(infill, done), Window), step
        done |= infill - thrown_away
        seen.add(step["id"])
        put += kept
    assert len(set(put)) == len(put)
    return set(put)


def ring(x0: float, y0: float, x1: float, y1: float) -> list[list[float]]:
    """The ground under a rectangle of quadrants, drawn in by a tenth."""
    corners = [(x0 + 0.1, y0 + 0.1), (x1 - 0.1, y0 + 0.1), (x1 - 0.1, y1 - 0.1), (x0 + 0.1, y1 - 0.1)]
    return [list(reversed(VIEW.place(x * SIZE, y * SIZE))) for x, y in [*corners, corners[0]]]


def test_a_rectangle_left_of_and_above_the_origin(plan: Run) -> None:
    document = planned(plan("rectangle", "-3", "-2", "4", "5", "--json"))
    assert drawn(document) == rectangle(-3, -2, 4, 5)
    assert document["left_out"] == []
    assert "repair" not in document
    estimate = document["estimate"]
    assert list(estimate) == [
        "calls", "quadrants", "waves", "renders", "shapes",
        "seconds_p50", "seconds_p90", "concurrency", "cost",
    ]  # fmt: skip
    assert estimate["calls"] == len(document["steps"]) == sum(estimate["shapes"].values()) <= 36
    assert (estimate["quadrants"], estimate["waves"]) == (64, 3)
    assert list(estimate["shapes"]) == ["2x2", "2x1", "1x2", "1x1"]
    assert (estimate["seconds_p50"], estimate["seconds_p90"], estimate["cost"]) == (None, None, None)
    assert estimate["concurrency"] >= 1
    assert estimate["renders"] >= 16
    assert all(
        list(step) == ["id", "quadrants", "padding", "scaffold", "after"] for step in document["steps"]
    )


def test_corners_in_any_order_are_the_same_rectangle(plan: Run) -> None:
    one = plan("rectangle", "4", "-2", "-3", "5", "--json").stdout
    assert one == plan("rectangle", "-3", "5", "4", "-2", "--json").stdout


def test_a_plan_around_what_is_finished(plan: Run, tmp_path: Path) -> None:
    drawing = """
        S S S S S S
        S S S S S S
        S S G G S S
        S S G G S S
        S S S S S S
        S S S S S S
    """
    finished = sorted(cells(drawing, "G"))
    (tmp_path / "existing.json").write_text(json.dumps(finished))
    document = planned(plan("rectangle", "0", "0", "5", "5", "--existing", "existing.json", "--json"))
    left_out = {tuple(entry["quadrant"]) for entry in document["left_out"]}
    assert drawn(document, finished) == cells(drawing, "S") - left_out
    assert all(entry["reason"].endswith(".") for entry in document["left_out"])


def test_repair_names_what_it_draws_anew(plan: Run) -> None:
    finished = [[0, 0], [2, 0], [0, 2]]
    document = planned(
        plan(
            "rectangle",
            "0",
            "0",
            "3",
            "3",
            "--existing",
            "-",
            "--repair",
            "--json",
            given=json.dumps(finished),
        )
    )
    repaired = {tuple(cell) for cell in document["repair"]}
    assert repaired <= {tuple(cell) for cell in finished}
    assert drawn(document, [(x, y) for x, y in finished]) >= repaired


def test_reserved_quadrants_are_not_touched(plan: Run) -> None:
    document = planned(plan("rectangle", "0", "0", "4", "4", "--reserved", "-", "--json", given="[[2, 2]]"))
    infill = {
        tuple(c)
        for step in document["steps"]
        for part in ("quadrants", "scaffold", "padding")
        for c in step[part]
    }
    assert (2, 2) not in infill
    assert [2, 2] in [entry["quadrant"] for entry in document["left_out"]]


def test_quadrants_from_standard_input_may_stand_there_twice(plan: Run) -> None:
    listed = "[ [0,0],[1,0]\n,[0 , 1],[1,1],\t[-0, 0] ]\n"
    document = planned(plan("quadrants", "-", "--json", given=listed))
    assert drawn(document) == rectangle(0, 0, 1, 1)
    assert document["estimate"]["calls"] == 1


def test_a_polygon(plan: Run, tmp_path: Path) -> None:
    collection = {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {},
                "geometry": {"type": "Polygon", "coordinates": [ring(*corners)]},
            }
            for corners in ((-4, -4, -1, -2), (3, 3, 6, 6))
        ],
    }
    (tmp_path / "park.geojson").write_text(json.dumps(collection))
    document = planned(plan("polygon", "park.geojson", "--json"))
    assert drawn(document) == rectangle(-4, -4, -2, -3) | rectangle(3, 3, 5, 5)


def test_what_is_finished_is_not_planned(plan: Run) -> None:
    finished = json.dumps(sorted(rectangle(0, 0, 2, 2)))
    document = planned(plan("rectangle", "0", "0", "2", "2", "--existing", "-", "--json", given=finished))
    assert (document["steps"], document["left_out"]) == ([], [])
    told = plan("rectangle", "0", "0", "2", "2", "--existing", "-", given=finished)
    assert told.returncode == 0
    assert told.stdout.startswith("9 quadrants asked for: all of them are finished.\n")
    assert "publish" not in told.stdout


def test_a_person_sees_the_plan(plan: Run) -> None:
    told = plan("rectangle", "-1", "-1", "4", "3")
    assert told.returncode == 0
    lines = [line.rstrip() for line in told.stdout.splitlines()]
    assert lines[0] == "30 quadrants asked for: 30 drawn."
    assert "  model        Pixel art, " in told.stdout
    assert re.search(r"waves        3  \(\d+ · \d+ · \d+ calls\)", told.stdout)
    assert "not known: nothing is remembered of earlier calls" in told.stdout
    assert "not known: the model states no cost_per_image" in told.stdout
    first = lines.index("      x = -1 … 4")
    rows = [line.split() for line in lines[first + 1 : first + 6]]
    assert [row[0] for row in rows] == ["-1", "0", "1", "2", "3"]
    assert {sign for row in rows for sign in row[1:]} == {"1", "2", "3"}
    assert all(len(row) == 7 for row in rows)
    data = told.args[-1]
    assert lines[-2:] == [
        f"  supervisor.py plan rectangle -1 -1 4 3 --data {data} --json > plan.json",
        "  supervisor.py publish plan.json",
    ]
    assert "\x1b" not in told.stdout


def test_a_person_sees_what_is_left_out_and_why(plan: Run) -> None:
    told = plan("quadrants", "-", "--reserved", "region.json", given="[[0, 0], [1, 0]]")
    assert told.returncode == 1
    (Path(told.args[-1]).parent / "region.json").write_text("[[0, 0], [1, 0]]")
    told = plan("quadrants", "-", "--reserved", "region.json", given="[[0, 0], [1, 0]]")
    assert told.returncode == 0
    assert told.stdout.startswith("2 quadrants asked for: none of them can be drawn.\n")
    assert re.search(r"\nLeft out\n  0,0, 1,0: .+\.\n", told.stdout)
    assert "0  x x" in told.stdout


def test_a_region_too_wide_for_the_terminal_is_not_drawn(plan: Run) -> None:
    told = plan("rectangle", "0", "0", "59", "0")
    assert told.returncode == 0
    assert "60 quadrants asked for: 60 drawn." in told.stdout
    assert "x = 0" not in told.stdout


def test_a_plan_that_publish_would_not_take_says_so(plan: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summary, "STEP_LIMIT", 20)
    # Single quadrants far from each other: each takes a call of its own.
    lonely = json.dumps([[8 * i, 8 * j] for i in range(7) for j in range(3)])
    told = plan("quadrants", "-", given=lonely)
    assert told.returncode == 0, told.stderr
    assert "publish takes at most 20 steps at once: plan this region in parts." in told.stdout


def test_time_and_cost_come_from_history_and_configuration(plan: Run, tmp_path: Path) -> None:
    model = {
        "name": "Paid",
        "model_id": "paid",
        "provider": "oxen",
        "cost_per_image": 0.03,
        "max_concurrency": 2,
    }
    config = {"models": [model, {"name": "Pixel art", "model_id": "free", "provider": "pixel-art"}]}
    (tmp_path / "config.json").write_text(json.dumps(config))
    data = tmp_path / "a world?#"
    data.mkdir()
    words = ("rectangle", "0", "0", "4", "4", "--config", "config.json", "--data", str(data), "--json")
    with sqlite3.connect(data / "tilewright.db") as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute(
            "CREATE TABLE generation_queue (id INTEGER PRIMARY KEY, status TEXT, kind TEXT, model_id TEXT, "
            "started_at REAL, finished_at REAL)"
        )
        # The first of them are older than the latest 200, the last ones no calls that went well.
        took = [1_000.0] * 50 + [10.0] * 100 + [20.0] * 100
        calls = [("complete", "generate", "paid", 5.0, 5.0 + seconds) for seconds in took]
        calls += [("error", "generate", "paid", 5.0, 9_000.0), ("complete", "render", "paid", 5.0, 9_000.0)]
        calls += [("complete", "generate", "free", 5.0, 6.0)]
        database.executemany("INSERT INTO generation_queue VALUES (NULL, ?, ?, ?, ?, ?)", calls)
    database.close()
    before = sorted(path.name for path in data.iterdir())
    estimate = planned(plan(*words))["estimate"]
    # 4 islands, 4 strips, 1 crossing, two at once: 2 + 2 + 1 rounds.
    assert (estimate["seconds_p50"], estimate["seconds_p90"]) == (50.0, 100.0)
    assert (estimate["concurrency"], estimate["calls"], estimate["cost"]) == (2, 9, 0.27)
    assert sorted(path.name for path in data.iterdir()) == before
    model["requests_per_minute"] = 6
    (tmp_path / "seldom.json").write_text(json.dumps(config))
    estimate = planned(plan(*words[:6], "seldom.json", *words[7:]))["estimate"]
    # One begins every ten seconds; the crossing, if all take twenty, when the last strip has ended after 90.
    assert (estimate["seconds_p50"], estimate["seconds_p90"]) == (90.0, 110.0)
    free = planned(plan(*words, "--model", "free"))["estimate"]
    assert free["cost"] is None
    assert free["seconds_p50"] == free["seconds_p90"] >= 3.0
    told = plan(*words[:-1])
    assert "about 50 s; 1 min 40 s if every call is slow" in told.stdout
    assert "0.27  (9 × 0.03)" in told.stdout
    with sqlite3.connect(data / "tilewright.db", isolation_level=None) as keeper:
        keeper.execute("PRAGMA locking_mode = EXCLUSIVE")
        keeper.execute("UPDATE generation_queue SET status = 'complete'")
        assert planned(plan(*words))["estimate"]["seconds_p50"] is None
    keeper.close()
    (data / "tilewright.db").write_bytes(b"no database at all" * 99)
    assert planned(plan(*words))["estimate"]["seconds_p50"] is None
