"""`supervisor.py plan`: what bad input gets, and what streams that are closed or full do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.commands.plan import main
from services.commands.preview import cells
from tests.commands.conftest import Run
from tests.supervisor.stage import TREE


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
        (b"[" + b"[1, 2]," * 150_000 + b"[3, x]]", ":1:1050002: A quadrant is expected here"),
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


def test_more_than_a_million_quadrants_are_not_read_to_the_end(
    plan: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cells.REGION_LIMIT == 1_000_000
    monkeypatch.setattr(cells, "REGION_LIMIT", 20_000)
    (tmp_path / "many.json").write_text("[" + ",\n".join(["[5, 5]"] * 20_001) + "]")
    refused = plan("quadrants", "many.json")
    assert refused.returncode == 1
    assert refused.stderr == "many.json:20001:1: More than 1,000,000 quadrants are listed.\n"


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
