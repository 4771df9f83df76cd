"""`compare` against a real keeper."""

import json

from tests.commands.conftest import Run
from tests.keeper.house import House
from tests.keeper.witness import paint, sha_of, standing, versions


def test_made_listed_chosen_and_discarded(house: House, told: Run) -> None:
    asked = told("compare", "-3", "4", "plain", "pixel-art", "--seeds", "2", "--id", "c", "--prompt", "rain")
    assert asked.stdout == "c is accepted; `compare list --plan c` shows what comes of it.\n"
    again = told("compare", "-3", "4", "plain", "pixel-art", "--seeds", "2", "--id", "c", "--json")
    assert json.loads(again.stdout)["duplicate"] is True
    paint(house.peer("work"), calls=1, cost=0.5)
    found = json.loads(told("compare", "list", "--plan", "c", "--json").stdout)["candidates"]
    assert [(c["model_id"], c["seed"], c["state"]) for c in found] == [
        ("plain", 1, "complete"),
        ("plain", 2, "complete"),
        ("pixel-art", None, "complete"),
    ]
    assert {(*c["quadrants"][0], c["prompt"]) for c in found} == {(-3, 4, "rain")}
    first, second, third = (str(c["orphan"]) for c in found)
    assert told("compare", "discard", first).stdout == f"Candidate {first} is discarded.\n"
    assert told("compare", "commit", second).stdout == "1 quadrant of the map changed.\n"
    assert versions(house, -3, 4)[0].sha256 == sha_of(found[1]["job"])
    lines = told("compare", "list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["candidate", second, third]
    assert lines[1].endswith("on the map")
    missing = told("compare", "commit", first)
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "no late result or candidate" in missing.stderr


def test_a_block_of_quadrants_and_what_is_refused(house: House, told: Run) -> None:
    assert told("compare", "list").stdout == "There are no candidates.\n"
    assert told("compare", "0", "0", "plain", "--size", "2x2").returncode == 0
    paint(house.peer("work"))
    [candidate] = json.loads(told("compare", "list", "--json").stdout)["candidates"]
    assert len(candidate["tiles"]) == 4
    assert standing(house) == {}
    refused = told("compare", "0", "0", "nothing")
    assert refused.returncode == 1
    assert "nothing" in refused.stderr
