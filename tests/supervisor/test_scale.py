"""`scale`: other numbers of renderers and generators while everything runs."""

import json
import os
import signal

import pytest

from tests.supervisor.stage import Stage, alive, until


def names(stage: Stage) -> list[str]:
    return [view["name"] for view in stage.status()["services"]]


def test_more_start_at_once_and_those_beyond_are_drained(stage: Stage) -> None:
    stage.up().ready()
    first = stage.service("generator-1")["pid"]
    grown = stage.command("scale", "generator", "3")
    assert (grown.returncode, grown.stdout) == (0, "3 instead of 1: generator-2, generator-3 start.\n")
    stage.ready()
    assert names(stage) == ["keeper", "renderer-1", "generator-1", "generator-2", "generator-3", "gateway"]
    again = stage.command("scale", "generator", "3")
    assert (again.returncode, again.stdout) == (0, "There are 3 generators already.\n")

    shrunk = stage.command("scale", "generator", "1")
    assert shrunk.returncode == 0
    assert shrunk.stdout == "1 instead of 3: generator-3, generator-2 finish their work and end.\n"
    until("two to go", lambda: names(stage) == ["keeper", "renderer-1", "generator-1", "gateway"])
    assert sorted(stage.lines("stops")) == ["generator-2", "generator-3"]
    assert stage.service("generator-1")["pid"] == first
    until("the new number", lambda: stage.goes_by("keeper").get("counts") == {"renderer": 1, "generator": 1})


def test_none_at_all_and_some_again(stage: Stage) -> None:
    stage.up().ready()
    assert stage.command("scale", "renderer", "0").returncode == 0
    until("none", lambda: "renderer-1" not in names(stage))
    assert stage.status()["ok"]
    assert stage.command("scale", "renderer", "1").returncode == 0
    assert stage.in_state("renderer-1", "ready")["restarts"] == 0


def test_one_that_is_wanted_again_while_it_finishes_comes_back(stage: Stage) -> None:
    stage.settings["services"] = {"renderer": 0, "generator": 1}
    stage.script(generator_1={"work": 1.0})
    stage.up().ready()
    old = stage.service("generator-1")["pid"]
    assert stage.command("scale", "generator", "0").returncode == 0
    assert stage.in_state("generator-1", "stopping")["pid"] == old
    assert stage.command("scale", "generator", "1").returncode == 0
    until("another", lambda: stage.service("generator-1").get("pid") not in (None, old))
    assert not alive(old)
    stage.ready()


def test_new_ones_wait_for_the_keeper_and_survive_its_death(stage: Stage) -> None:
    stage.up().ready()
    stage.script(keeper={"hold": True})
    os.kill(stage.service("keeper")["pid"], signal.SIGKILL)
    stage.in_state("keeper", "starting")
    assert stage.command("scale", "generator", "2").returncode == 0
    assert stage.service("generator-2")["state"] == "waiting"
    stage.script()
    stage.ready()
    os.kill(stage.service("generator-2")["pid"], signal.SIGKILL)
    until("a restart", lambda: stage.service("generator-2")["restarts"] == 1)
    stage.ready()


@pytest.mark.parametrize(
    ("kind", "number", "said"),
    [
        ("keeper", "2", "keeper cannot be scaled; only renderer and generator can.\n"),
        ("generator", "65", "65 is no number from 0 to 64.\n"),
        ("generator", "-1", ""),
        ("generator", "two", "two is no number from 0 to 64.\n"),
    ],
)
def test_a_wrong_kind_or_number_gets_a_sentence(stage: Stage, kind: str, number: str, said: str) -> None:
    answer = stage.command("scale", kind, number)
    assert answer.returncode == 2
    assert answer.stderr.endswith(said)
    assert "Traceback" not in answer.stderr


def test_where_nothing_runs(stage: Stage) -> None:
    answer = stage.command("scale", "generator", "2")
    assert (answer.returncode, answer.stderr) == (3, f"Nothing runs in {stage.data}.\n")


def test_a_stop_while_some_are_leaving_stops_everything(stage: Stage) -> None:
    stage.script(generator_1={"work": 60.0})
    stage.environment["STAGE_STOP_SECONDS"] = "1"
    stage.up().ready()
    assert stage.command("scale", "generator", "0").returncode == 0
    stage.in_state("generator-1", "stopping")
    assert stage.signal(signal.SIGTERM) == 0
    assert stage.left() == []


def test_status_shows_what_is_there(stage: Stage) -> None:
    stage.up().ready()
    assert stage.command("scale", "renderer", "2").returncode == 0
    stage.ready()
    shown = json.loads(stage.command("status", "--json").stdout)
    assert [view["name"] for view in shown["services"] if view["kind"] == "renderer"] == [
        "renderer-1",
        "renderer-2",
    ]
