"""`scale`: other numbers of renderers and generators while everything runs."""

import os
import signal
from pathlib import Path

import pytest

from supervisor import main
from tests.supervisor.stage import STOP_SECONDS, Stage, alive, until


def names(stage: Stage) -> list[str]:
    return [view["name"] for view in stage.status()["services"]]


def test_more_start_at_once_and_those_beyond_are_drained(stage: Stage) -> None:
    stage.up().ready()
    first = stage.service("generator-1")["pid"]
    grown = stage.command("scale", "generator", "3")
    assert (grown.returncode, grown.stdout) == (0, "3 instead of 1: generator-2, generator-3 start.\n")
    stage.ready()
    assert names(stage) == ["keeper", "renderer-1", "generator-1", "generator-2", "generator-3", "gateway"]
    again = stage.scale("generator", 3)
    assert (again.before, again.names) == (3, [])

    shrunk = stage.command("scale", "generator", "1")
    assert shrunk.returncode == 0
    assert shrunk.stdout == "1 instead of 3: generator-3, generator-2 finish their work and end.\n"
    until("two to go", lambda: names(stage) == ["keeper", "renderer-1", "generator-1", "gateway"])
    assert sorted(stage.lines("stops")) == ["generator-2", "generator-3"]
    assert stage.service("generator-1")["pid"] == first
    until("the new number", lambda: stage.goes_by("keeper").get("counts") == {"renderer": 1, "generator": 1})


def test_one_that_is_wanted_again_while_it_finishes_comes_back(stage: Stage) -> None:
    stage.settings["services"] = {"renderer": 0, "generator": 1}
    stage.script(generator_1={"work": 1.0})
    stage.up().ready()
    old = stage.service("generator-1")["pid"]
    assert stage.scale("generator", 0).names == ["generator-1"]
    assert stage.in_state("generator-1", "stopping")["pid"] == old
    assert stage.scale("generator", 1).names == []
    until("another", lambda: stage.service("generator-1").get("pid") not in (None, old))
    assert not alive(old)
    stage.ready()


def test_new_ones_wait_for_the_keeper_and_survive_their_own_death(stage: Stage) -> None:
    stage.settings["services"] = {"renderer": 0, "generator": 0}
    stage.up().ready()
    stage.script(keeper={"hold": True})
    os.kill(stage.service("keeper")["pid"], signal.SIGKILL)
    stage.in_state("keeper", "starting")
    assert stage.scale("generator", 1).names == ["generator-1"]
    assert stage.service("generator-1")["state"] == "waiting"
    stage.script()
    stage.ready()
    os.kill(stage.service("generator-1")["pid"], signal.SIGKILL)
    until("a restart", lambda: stage.service("generator-1")["restarts"] == 1)
    stage.ready()


@pytest.mark.parametrize(
    ("kind", "number", "code", "said"),
    [
        ("keeper", "2", 2, "keeper cannot be scaled; only renderer and generator can."),
        ("generator", "65", 2, "65 is no number from 0 to 64."),
        ("generator", "two", 2, "two is no number from 0 to 64."),
        ("generator", "2", 3, "Nothing runs in {data}."),
    ],
)
def test_a_wrong_kind_or_number_gets_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, number: str, code: int, said: str
) -> None:
    assert main(["scale", kind, number, "--data", str(tmp_path)]) == code
    assert capsys.readouterr().err == said.format(data=tmp_path) + "\n"


def test_a_stop_while_some_are_leaving_stops_everything(stage: Stage) -> None:
    stage.settings["services"] = {"renderer": 0, "generator": 1}
    stage.script(generator_1={"work": 60.0})
    stage.environment[STOP_SECONDS] = "1"
    stage.up().ready()
    stage.scale("generator", 0)
    stage.in_state("generator-1", "stopping")
    assert stage.signal(signal.SIGTERM) == 0
    assert stage.left() == []
