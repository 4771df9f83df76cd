"""publish, watch and the starter plan, against the real keeper."""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from protocol.control import CancelPlan, Changed
from protocol.plan import Step
from services.config import Sockets
from services.supervision.ask import ask
from services.supervision.lock import Lock
from tests.keeper.house import House, opened
from tests.supervisor.stage import TREE, Stage, until

STEPS = {"id": "r", "kind": "render", "quadrants": [[50, 50]]}


@pytest.fixture
def kept(short: Path) -> Iterator[Stage]:
    """A world of a keeper in a thread alone, whose lock is held as by a supervisor."""
    made = Stage(short / "stage")
    with opened(short) as house:
        made.data = house.data
        lock = Lock(house.data)
        lock.take()
        yield made
        lock.release()


def test_a_plan_is_accepted_once(kept: Stage) -> None:
    plan = json.dumps({"id": "one", "steps": [STEPS]})
    first = kept.command("publish", "-", given=plan)
    assert (first.returncode, first.stdout) == (0, "one is accepted: 1 job, 0 before it.\n")
    again = kept.command("publish", "-", "--json", given=plan)
    assert again.returncode == 0
    assert json.loads(again.stdout)["duplicate"]
    queue = json.loads(kept.command("status", "--json").stdout)["queue"]
    assert queue["pending"] == 1
    assert set(queue) == {"pending", "processing", "complete", "error", "blocked", "cancelled", "by_model"}


def test_status_names_the_models_that_are_held_back(kept: Stage) -> None:
    model = "pixel-art"
    assert kept.command("queue", "pause", "--model", model).returncode == 0
    (held,) = json.loads(kept.command("status", "--json").stdout)["held_models"]
    assert (held["model_id"], held["state"]) == (model, "paused")
    assert kept.command("queue", "resume", "--model", model).returncode == 0
    assert json.loads(kept.command("status", "--json").stdout)["held_models"] == []


def test_a_refused_plan_says_why(kept: Stage) -> None:
    unknown = kept.command(
        "publish", "-", given='{"id": "one", "rectangle": [0, 0, 1, 1], "model_id": "no-such"}'
    )
    assert unknown.returncode == 1
    assert unknown.stderr.startswith("UNKNOWN_MODEL: ")


def test_a_wrong_file_names_the_line(stage: Stage) -> None:
    stage.words("publish")
    for given, said in {
        '{"id": "one",\n "rectangle": [0, 0, 0]}': "standard input:2: rectangle",
        '{"id": "one",\n "rectangle": [0, 0, 0, 1000001]}': "standard input:2: rectangle[3]",
        '{"id": "one"}': "standard input:1: the file: a plan has either steps or a rectangle",
        '{"id": "one",\n\n "rectangle": [0, 0': "standard input:3:20: It is cut short",
        '{"id": "one", "id": "two"}': "standard input:1:15: This field is given twice",
    }.items():
        answer = stage.command("publish", "-", given=given)
        assert answer.returncode == 1
        assert answer.stderr.startswith(said)
    missing = stage.command("publish", "/no/such/plan.json")
    assert missing.returncode == 1
    assert missing.stderr == "/no/such/plan.json cannot be read: No such file or directory.\n"


def test_nothing_runs(stage: Stage) -> None:
    assert stage.command("publish", "-", given='{"id": "one", "rectangle": [0, 0, 1, 1]}').returncode == 3
    assert stage.command("watch").returncode == 3
    assert stage.command("restart", "keeper").returncode == 3


def test_an_empty_world_gets_the_starter_plan_once(world: Stage) -> None:
    world.settings["starter_plan"] = {"width": 8, "height": 6}
    world.up().ready()
    until("the greeting", lambda: "The studio is at http://127.0.0.1:" in world.output.read_text())
    assert "the starter plan is published" in world.output.read_text()
    queue = json.loads(world.command("status", "--json").stdout)["queue"]
    assert queue["blocked"] > 0
    assert world.command("down").returncode == 0
    world.up().ready()
    until("the greeting", lambda: len(re.findall("The studio is at", world.output.read_text())) == 2)
    assert world.output.read_text().count("the starter plan is published") == 1
    assert json.loads(world.command("status", "--json").stdout)["queue"] == queue


def test_a_world_that_has_seen_a_plan_gets_no_starter_plan(world: Stage, short: Path) -> None:
    house = House(short)
    house.clock.now = time.time()
    house.open()
    house.publish(Step(id="r", kind="render", quadrants=[(50, 50)]))
    house.end()
    world.data = house.data
    world.settings["starter_plan"] = {"width": 8, "height": 6}
    world.up().ready()
    until("the greeting", lambda: "The studio is at" in world.output.read_text())
    assert "the starter plan" not in world.output.read_text()


def test_watch_ends_when_everything_is_settled(kept: Stage) -> None:
    idle = kept.command("watch")
    assert (idle.returncode, idle.stdout) == (0, "Nothing is under way.\n")
    kept.command("publish", "-", given=json.dumps({"id": "one", "name": "First", "steps": [STEPS]}))
    with (
        subprocess.Popen(kept.words("watch"), stdout=subprocess.PIPE, text=True, cwd=TREE) as bars,
        subprocess.Popen(
            kept.words("watch", "--json", "--since", "0"), stdout=subprocess.PIPE, text=True, cwd=TREE
        ) as events,
    ):
        assert bars.stdout is not None
        assert events.stdout is not None
        shown = bars.stdout.readline()
        first = json.loads(events.stdout.readline())
        control = Sockets(kept.data).address("control")
        assert ask(control, CancelPlan(plan="one"), Changed).jobs == 1
        shown += bars.stdout.read()
        told = [first, *map(json.loads, events.stdout.read().splitlines())]
    assert (bars.returncode, events.returncode) == (0, 0)
    assert shown == "First: 0 of 4 quadrants · 0 jobs running\nFirst: 0 of 4 quadrants · 1 cancelled\n"
    assert [event["seq"] for event in told] == list(range(1, len(told) + 1))
    assert {"plan", "job"} == {event["change"]["kind"] for event in told}
    assert told[-1]["change"]["state"] in ("settled", "cancelled")
