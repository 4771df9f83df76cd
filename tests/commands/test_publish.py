"""`supervisor.py publish` of what `plan --json` prints, against the real keeper."""

import json
from pathlib import Path
from typing import Any

import pytest

from protocol.control import ListPlans, Plans
from protocol.view import PlanView
from services.commands import publish
from services.supervision.ask import ask
from tests.commands.conftest import Run
from tests.keeper.house import House


def planned(plan: Run, *words: str, given: str = "") -> dict[str, Any]:
    answer = plan(*words, "--json", given=given)
    assert answer.returncode == 0, answer.stderr
    return dict(json.loads(answer.stdout))


def plans(house: House) -> list[PlanView]:
    return ask(house.sockets.address("control"), ListPlans(), Plans).plans


def test_a_plan_is_published_as_it_was_printed(house: House, told: Run, plan: Run, tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(plan("rectangle", "-3", "-2", "4", "5", "--json").stdout)
    file = str(tmp_path / "plan.json")
    takes = told("publish", file, "--dry-run")
    assert takes.returncode == 0, takes.stderr
    name, said = takes.stdout.split(" ", 1)
    assert name.startswith("plan-")
    assert said.startswith(
        "would be accepted. Nothing was changed. It would take:\n  model calls  25  (2×2: 9, "
    )
    assert "\n  cost         not known: " in said
    as_json = json.loads(told("publish", file, "--dry-run", "--json").stdout)
    assert (as_json["estimate"]["calls"], as_json["estimate"]["quadrants"], as_json["left_out"]) == (
        25,
        64,
        [],
    )
    assert plans(house) == []

    accepted = told("publish", file, "--name", "Sunset district")
    assert accepted.returncode == 0, accepted.stderr
    assert accepted.stdout.startswith(f"{name} is accepted: ")
    again = told("publish", file)
    assert again.returncode == 0
    assert again.stdout.startswith(f"{name} was already known: ")
    other = told("publish", file, "--id", "once-more")
    assert other.returncode == 1
    assert other.stderr.startswith("CONFLICT: ")
    assert [(view.plan, view.name, view.quadrants_total) for view in plans(house)] == [
        (name, "Sunset district", 64)
    ]


@pytest.mark.chaos
def test_the_largest_city_fits(house: House, told: Run, plan: Run) -> None:
    city = plan("rectangle", "-100", "-100", "99", "99", "--json").stdout
    assert len(json.loads(city)["steps"]) > 17_000
    accepted = told("publish", "-", "--id", "city", "--json", given=city)
    assert accepted.returncode == 0, accepted.stderr
    assert len(json.loads(accepted.stdout)["jobs"]) > 17_000
    assert [(view.plan, view.quadrants_total) for view in plans(house)] == [("city", 40_000)]


def test_what_was_left_out_is_said(told: Run, plan: Run) -> None:
    document = planned(plan, "rectangle", "0", "0", "3", "3", "--reserved", "-", given="[[0, 0]]")
    assert document["left_out"]
    left_out = len(document["left_out"])
    accepted = told("publish", "-", given=json.dumps({**document, "id": "some"}))
    assert accepted.returncode == 0, accepted.stderr
    sentence = "1 quadrant of the region is" if left_out == 1 else f"{left_out} quadrants of the region are"
    first = document["left_out"][0]
    x, y = first["quadrant"]
    assert accepted.stdout.endswith(f"\n{sentence} left out. {x},{y}: {first['reason']}\n")
    odd = told("publish", "-", given=json.dumps({**document, "id": "some", "left_out": ["all", 7]}))
    assert odd.stdout.endswith("\n2 quadrants of the region are left out.\n")
    again = told("publish", "-", "--json", given=json.dumps({**document, "id": "some"}))
    assert json.loads(again.stdout)["left_out_count"] == left_out


def test_an_illegal_step_is_named(house: House, told: Run) -> None:
    steps = [
        {"id": "a", "quadrants": [[0, 0], [1, 0], [0, 1], [1, 1]]},
        {"id": "b", "quadrants": [[2, 0], [3, 0], [2, 1], [3, 1]], "after": ["a"]},
    ]
    for words in ((), ("--dry-run",)):
        refused = told("publish", "-", *words, given=json.dumps({"steps": steps}))
        assert refused.returncode == 1
        assert refused.stderr.startswith(("SEAM: ", "BAD_PLAN: "))
        assert "b" in refused.stderr
    assert plans(house) == []


def answer(capsys: pytest.CaptureFixture[str], tmp_path: Path, content: str | bytes, *words: str) -> str:
    """What is said of a file that is refused before anybody is asked."""
    file = tmp_path / "plan.json"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    assert publish.main([str(file), "--data", str(tmp_path / "none"), *words]) == 1
    return capsys.readouterr().err.replace(str(file), "plan.json")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "plan.json:1:1: It is empty.\n"),
        ("[]", "plan.json:1: the file: it must be an object: { … }.\n"),
        ('{"steps": [], "left_out": [], "estimate": {}}', "plan.json has no steps: there is not"),
        ('{"steps": [{"id": "a",\n"quadrants": [[1, 2.5]]}]}', "plan.json:2: steps[0].quadrants[0][1]: it m"),
        ('{"steps": [{"quadrants": [[1, 2]]}]}', "plan.json:1: steps[0].id: it is missing.\n"),
        ('{"steps": [{"id": "a", "quadrants": [[1, 2]], "id": "b"}]}', "plan.json:1:47: This field is given"),
        ('{"steps": [{"id": "a", "quadrants": [[NaN, 2]]}]}', "plan.json:1:39: A value is expected here"),
        ('{"steps": [{"id": "\\ud800", "quadrants": [[1, 2]]}]}', "plan.json:1:27: This text has half a "),
        ('{"rectangle": [0, 0, 1, 1], "repair": [[5, 5]]}', "plan.json:1: the file: only a plan with steps"),
        ("[" * 5_000, "plan.json:1:51: It is nested too deeply.\n"),
        ("\ufeff{}", "plan.json:1:1: It begins with a byte order mark"),
        (b'{"steps"\xff: []}', "plan.json:1:9: It is not UTF-8"),
    ],
)  # fmt: skip
def test_a_bad_file_is_named_by_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: str | bytes, said: str
) -> None:
    assert answer(capsys, tmp_path, content).startswith(said)


def test_a_file_without_end_is_not_read_to_its_end(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert publish.LIMIT_BYTES >= 64 << 20
    monkeypatch.setattr(publish, "LIMIT_BYTES", 1 << 20)
    content = '{"steps": [' + " " * (1 << 20)
    assert answer(capsys, tmp_path, content) == "plan.json is larger than 1 MiB.\n"


@pytest.mark.parametrize(
    "words", ["--id=not/a\\name", "--id=", "--model=a b", "--name=" + "n" * 301, "--prompt=\x07"]
)
def test_wrong_options_are_wrong_usage(tmp_path: Path, words: str) -> None:
    with pytest.raises(SystemExit) as refused:
        publish.main(["plan.json", words])
    assert refused.value.code == 2
