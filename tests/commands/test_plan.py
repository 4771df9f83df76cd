"""`supervisor.py plan`: what it prints for a program and for a person, and what bad input gets."""

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from services.commands.plan import main
from services.config import Camera
from services.tiling.camera import View
from services.tiling.quadrant import SIZE
from services.tiling.region import rectangle
from services.tiling.seam import Window, place
from tests.commands.conftest import Run
from tests.supervisor.stage import TREE
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


def test_a_plan_that_publish_would_not_take_says_so(plan: Run) -> None:
    # Single quadrants far from each other: each takes a call of its own.
    lonely = json.dumps([[8 * i, 8 * j] for i in range(150) for j in range(150)])
    told = plan("quadrants", "-", given=lonely)
    assert told.returncode == 0, told.stderr
    assert "publish takes at most 20,000 steps at once: plan this region in parts." in told.stdout


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


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("rectangle 0 0 1000001 0", "A corner lies beyond ±1,000,000, the edge of the world."),
        ("rectangle 0 0 99999999999999999999 0", "A corner lies beyond ±1,000,000, the edge of the world."),
        ("rectangle 0 0 999993 0", "The region lies at ±1,000,000, the edge of the world; stay off it by 8."),
        ("rectangle -999992 -999992 999992 999992", "The region holds 3,999,940,000,225 quadrants; "),
        ("rectangle 0 0 999 1000", "The region holds 1,001,000 quadrants; 1,000,000 is the most."),
        ("quadrants missing.json", "missing.json cannot be read: No such file or directory."),
        ("quadrants .", ". cannot be read: Is a directory."),
        ("polygon missing.geojson", "missing.geojson cannot be read: No such file or directory."),
        ("rectangle 0 0 1 1 --existing missing.json", "missing.json cannot be read: No such file"),
        ("rectangle 0 0 1 1 --reserved .", ". cannot be read: Is a directory."),
        ("rectangle 0 0 1 1 --model no-such", "app_config.json has no such model; known are pixel-art, "),
        ("quadrants /dev/zero", "/dev/zero is larger than 64 MiB."),
    ],
)
def test_what_is_refused(plan: Run, words: str, said: str) -> None:
    refused = plan(*words.split())
    assert (refused.returncode, refused.stdout) == (1, "")
    assert said in refused.stderr
    assert refused.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        "",
        "circle 0 0 5",
        "rectangle 0 0 1",
        "rectangle 0 0 1 1 1",
        "rectangle 0 0 1.5 1",
        "rectangle 0 0 one 1",
        "quadrants",
        "polygon",
        "quadrants - --existing -",
        "rectangle 0 0 1 1 --existing - --reserved -",
        "rectangle 0 0 1 1 --loud",
    ],
)
def test_wrong_usage(plan: Run, words: str) -> None:
    refused = plan(*words.split())
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("usage: supervisor.py plan")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (b"", ":1:1: It is empty."),
        (b"  \n ", ":1:1: It is empty."),
        (b"[]", "The region holds no quadrants."),
        (b"{}", ":1:1: A list of quadrants is expected here: [[x, y], …]."),
        (b"7", ":1:1: A list of quadrants is expected here"),
        (b"[7]", ":1:2: A quadrant is expected here: [x, y], two whole numbers."),
        (b"[[1, 2],\n [3]]", ":2:2: A quadrant is expected here"),
        (b"[[1, 2],\n\n  [3, 4, 5]]", ":3:3: A quadrant is expected here"),
        (b"[[1, 2], [1.5, 2]]", ":1:10: A quadrant is expected here"),
        (b'[[1, 2], ["1", 2]]', ":1:10: A quadrant is expected here"),
        (b"[[1, 2], [true, 2]]", ":1:10: A quadrant is expected here"),
        (b"[[[1, 2], [1, 3]]]", ":1:2: A quadrant is expected here"),
        (b'[{"x": 1, "y": 2}]', ":1:2: A quadrant is expected here"),
        (b"[[1, -999993]]", "The region lies at ±1,000,000, the edge of the world; stay off it by 8."),
        (b"[[1, 1000001]]", ":1:2: A quadrant's coordinates lie within ±1,000,000."),
        (b"[[1, -99999999999999999999]]", ":1:2: A quadrant's coordinates lie within ±1,000,000."),
        (b"[[1, 2]", ":1:8: It is cut short"),
        (b"[[1, 2],]", ":1:8: This comma stands before a ]; take it out."),
        (b"[[1, 2] [3, 4]]", ":1:9: A comma or a ] is expected here."),
        (b"[[1, 2]] []", ":1:10: Something follows after the end"),
        (b"[[01, 2]]", ":1:3: A value is expected here"),
        (b"[[NaN, 2]]", ":1:3: A value is expected here"),
        (b"\xef\xbb\xbf[[1, 2]]", ":1:1: It begins with a byte order mark"),
        (b"[[1, 2],\n[\xff\xfe\x00\x01", ":2:2: It is not UTF-8"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", ":1:1: It is not UTF-8"),
        (b"[" * 100_000, ":1:"),
        (b"[" + b"[1, 2]," * 300_000 + b"[3, x]]", ":1:2100002: A quadrant is expected here"),
    ],
)
def test_a_bad_list_of_quadrants_is_named_by_line_and_column(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, given: bytes, said: str
) -> None:
    file = tmp_path / "cells.json"
    file.write_bytes(given)
    for words in (["quadrants", str(file)], ["rectangle", "0", "0", "1", "1", "--existing", str(file)]):
        if said[0] == "T" and "rectangle" in words:
            # Nothing is wrong with the file itself.
            continue
        assert main([*words, "--data", str(tmp_path)]) == 1
        answer = capsys.readouterr()
        assert answer.out == ""
        assert said in answer.err
        assert answer.err.count("\n") == 1


def test_a_bad_list_from_standard_input(plan: Run) -> None:
    refused = plan("quadrants", "-", given=b"\x89PNG\r\n\x1a\n\x00\x00")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("standard input:1:1: It is not UTF-8; save it as UTF-8.\n")


def test_who_reads_no_further_is_not_complained_about(tmp_path: Path) -> None:
    words = [sys.executable, "supervisor.py", "plan", "rectangle", "0", "0", "60", "60", "--json"]
    words += ["--data", str(tmp_path)]
    with subprocess.Popen(words, cwd=TREE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    words = [
        sys.executable,
        "supervisor.py",
        "plan",
        "rectangle",
        "0",
        "0",
        "9",
        "9",
        "--data",
        str(tmp_path),
    ]
    for more in ([], ["--json"]):
        with open("/dev/full", "wb") as full:
            told = subprocess.run([*words, *more], cwd=TREE, stdout=full, stderr=subprocess.PIPE, timeout=60)
        assert told.returncode == 1
        assert told.stderr == b"The plan cannot be written: No space left on device.\n"


@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&-"])
def test_closed_streams_are_no_crash(tmp_path: Path, closed: str) -> None:
    command = f"{sys.executable} supervisor.py plan quadrants - --data {tmp_path} {closed} < /dev/null"
    if "<&-" in closed:
        command = command.removesuffix(" < /dev/null")
    told = subprocess.run(["sh", "-c", command], cwd=TREE, capture_output=True, timeout=60)
    assert told.returncode == 1
    assert told.stderr in (b"Standard input is closed.\n", b"standard input:1:1: It is empty.\n")


def test_a_terminal_without_our_signs_is_no_matter(tmp_path: Path) -> None:
    words = [
        sys.executable,
        "supervisor.py",
        "plan",
        "rectangle",
        "0",
        "0",
        "3",
        "3",
        "--data",
        str(tmp_path),
    ]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    told = subprocess.run(words, cwd=TREE, capture_output=True, env=environment, timeout=60)
    assert (told.returncode, told.stderr) == (0, b"")
    assert b"16 quadrants asked for: 16 drawn." in told.stdout


def test_more_than_a_million_quadrants_are_not_read_to_the_end(plan: Run, tmp_path: Path) -> None:
    (tmp_path / "many.json").write_text("[" + ",\n".join(["[5, 5]"] * 1_000_001) + "]")
    refused = plan("quadrants", "many.json")
    assert refused.returncode == 1
    assert refused.stderr == "many.json:1000001:1: More than 1,000,000 quadrants are listed.\n"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "standard input:1:1: It is empty."),
        ('{"type": "Polygon",\n "coordinates": [[[0, 0', "standard input:2:24: It is cut short"),
        ('{"type": "Point", "coordinates": [0, 0]}', "standard input:1:2: type: A Point has no area; "),
        (
            '{"type": "FeatureCollection", "features": [\n{"type": "Feature", "geometry":\nnull}]}',
            "standard input:2:21: features[0].geometry: This feature has no geometry",
        ),
        (
            '{"type": "Polygon", "coordinates": [[[0, 0], [1,\n"2"], [3, 4]]]}',
            "standard input:1:46: coordinates[0][1]: A position is expected here",
        ),
        (
            '{"type": "Polygon", "coordinates": [\n[[-12, 3], [-11, 4], [-11, 3], [-12, 4]]]}',
            "standard input:1:21: coordinates: The edge from point 0 to 1 of the outer ring crosses ",
        ),
    ],
)
def test_a_bad_polygon_is_named_by_line_and_column(plan: Run, given: str, said: str) -> None:
    refused = plan("polygon", "-", given=given)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith(said)


def test_a_wrong_configuration_is_told(plan: Run, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    refused = plan("rectangle", "0", "0", "1", "1", "--config", "config.json")
    assert refused.returncode == 78
    assert refused.stderr.startswith("config.json:1:")
