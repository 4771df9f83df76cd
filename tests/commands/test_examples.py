"""The plans in examples/, published by the programs in examples/, which have none of our code."""

import json
import subprocess
import sys
from pathlib import Path

from protocol.control import ListPlans, Plans
from protocol.plan import Plan
from services.supervision.ask import ask
from tests.commands.conftest import Run
from tests.keeper.house import House
from tests.supervisor.stage import TREE

EXAMPLES = TREE / "examples"
NODE = Path(sys.executable).parent / "node"


def test_the_readme_names_every_example() -> None:
    told = (EXAMPLES / "README.md").read_text()
    assert all(f"`{path.name}`" in told for path in EXAMPLES.iterdir() if path.name != "README.md")


def test_every_program_publishes_every_plan(house: House, told: Run) -> None:
    plans = sorted(EXAMPLES.glob("*.json"))
    ids = [Plan.model_validate(json.loads(path.read_text())).id for path in plans]
    address = house.sockets.address("ingest")
    answers = [
        subprocess.run([*program, address, path], cwd=TREE, capture_output=True, text=True, timeout=60)
        for path in plans
        for program in ([sys.executable, "examples/publish.py"], [NODE, "examples/publish.mjs"])
    ]
    assert [answer.returncode for answer in answers] == [0] * len(answers), answers
    duplicates = [json.loads(answer.stdout)["body"]["duplicate"] for answer in answers]
    assert duplicates == [False, True] * len(plans)
    for path in plans:
        known = told("publish", str(path))
        assert (known.returncode, "was already known" in known.stdout) == (0, True)
    found = ask(house.sockets.address("control"), ListPlans(), Plans).plans
    assert {view.plan for view in found} == set(ids)
    assert {view.quadrants_total for view in found} == {6}
