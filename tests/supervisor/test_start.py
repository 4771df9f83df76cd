"""What is started, in which order, with which environment, and what stops a start."""

import fcntl
import json
import os
import signal
import socket
import subprocess
from pathlib import Path

import psutil
import pytest

from services.config import Sockets
from tests.supervisor.stage import LOCK_SECONDS, TREE, Stage, until


def test_everything_starts_once_the_keeper_is_ready(stage: Stage) -> None:
    stage.settings["services"] = {"renderer": 2, "generator": 2}
    stage.script(keeper={"hold": True})
    stage.up()
    stage.in_state("keeper", "starting")
    until("the keeper's start", lambda: stage.lines("starts"))
    states = {view["name"]: view["state"] for view in stage.status()["services"]}
    assert list(states) == ["keeper", "renderer-1", "renderer-2", "generator-1", "generator-2", "gateway"]
    assert set(states.values()) == {"starting", "waiting"}
    assert stage.lines("starts") == ["keeper"]
    assert stage.command("status").returncode == 1
    stage.script()
    stage.ready()
    assert sorted(stage.lines("starts")) == sorted(states)
    assert stage.command("status").returncode == 0


def test_status_says_all_there_is_to_say(stage: Stage) -> None:
    answer = stage.command("status", "--json")
    assert answer.returncode == 3
    ingest = Sockets(stage.data).address("ingest")
    assert json.loads(answer.stdout) == {
        "ok": False,
        "services": [],
        "queue": None,
        "held_models": None,
        "supervisor_pid": None,
        "uptime_seconds": None,
        "address": None,
        "ingest": ingest,
        "config": None,
    }
    stage.up().ready()
    keeper = stage.service("keeper")
    assert set(keeper) == {
        "name",
        "kind",
        "state",
        "pid",
        "uptime_seconds",
        "restarts",
        "last_beat_seconds",
        "doing",
        "reason",
    }
    assert (keeper["kind"], keeper["restarts"], keeper["doing"]) == ("keeper", 0, "acting")
    os.kill(keeper["pid"], 0)
    shown = stage.command("status")
    assert shown.returncode == 0
    assert "gateway" in shown.stdout
    assert ingest in shown.stdout
    assert json.loads(stage.command("status", "--json").stdout)["services"][0]["pid"] == keeper["pid"]


def test_a_second_supervisor_is_refused_and_told_who_the_first_is(stage: Stage) -> None:
    stage.settings["services"] = {"renderer": 0, "generator": 0}
    stage.up().ready()
    before = stage.status()
    second = stage.started("up")
    assert second.returncode == 75
    assert stage.process is not None
    assert str(stage.process.pid) in second.stderr
    after = stage.status()
    assert [view["pid"] for view in after["services"]] == [view["pid"] for view in before["services"]]


def test_a_look_at_the_lock_does_not_keep_a_supervisor_out(stage: Stage) -> None:
    stage.settings["services"] = {"renderer": 0, "generator": 0}
    (stage.data / "lock").touch()
    looking = os.open(stage.data / "lock", os.O_RDONLY)
    fcntl.flock(looking, fcntl.LOCK_SH)
    stage.environment[LOCK_SECONDS] = "30"
    stage.up()
    assert stage.process is not None
    supervisor = psutil.Process(stage.process.pid)
    lock = str((stage.data / "lock").resolve())
    until("the supervisor at the lock", lambda: lock in [file.path for file in supervisor.open_files()])
    os.close(looking)
    stage.ready()


def test_a_port_in_use_stops_the_start_before_anything_runs(stage: Stage) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        stage.settings["http"] = {"port": port}
        answer = stage.started("up")
    assert answer.returncode == 76
    assert f"Port {port} on 127.0.0.1 is in use by process {os.getpid()}" in answer.stderr
    assert stage.lines("starts") == []


@pytest.mark.parametrize("words", [["up"], ["up", "--detach"]])
def test_a_wrong_configuration_stops_the_start(stage: Stage, words: list[str]) -> None:
    stage.settings["prot"] = 1
    answer = stage.started(*words)
    assert answer.returncode == 78
    assert answer.stderr.startswith(f"{stage.config}:1: prot: this field is not known")
    assert stage.lines("starts") == []


def test_a_configuration_that_is_not_there_stops_the_start(stage: Stage) -> None:
    words = stage.words("up")
    stage.config.unlink()
    answer = subprocess.run(words, capture_output=True, text=True, env=stage.environment, cwd=TREE)
    assert answer.returncode == 78
    assert answer.stderr == f"{stage.config} does not exist; name another file with --config FILE.\n"
    assert stage.lines("starts") == []


def test_a_long_data_folder_works(tmp_path: Path) -> None:
    stage = Stage(tmp_path / ("long-" * 20) / ("longer-" * 20))
    stage.settings["services"] = {"renderer": 0, "generator": 0}
    try:
        stage.up().ready()
        assert stage.signal(signal.SIGTERM) == 0
    finally:
        stage.end()


def test_keys_reach_generators_and_nobody_else(stage: Stage) -> None:
    stage.settings["models"] += [
        {"name": "One", "model_id": "one", "provider": "oxen", "api_key": "${TILEWRIGHT_TEST_KEY}"},
        {"name": "Two", "model_id": "two", "provider": "oxen", "api_key_env": "NOT_SET_ANYWHERE"},
    ]
    stage.environment |= {"TILEWRIGHT_TEST_KEY": "CANARY-9f3", "SOMETHING_ELSE": "CANARY-9f3"}
    stage.up().ready()
    environments = {
        view["name"]: json.loads((stage.data / f"{view['name']}.environ").read_text())
        for view in stage.status()["services"]
    }
    assert {name for name, found in environments.items() if "CANARY-9f3" in found.values()} == {"generator-1"}
    assert not any("SOMETHING_ELSE" in found for found in environments.values())
    told = environments["keeper"]["TILEWRIGHT_UNAVAILABLE"]
    assert json.loads(Path(told).read_text()) == {"two": "NOT_SET_ANYWHERE is not set."}
    assert {name for name, found in environments.items() if "SSL_CERT_FILE" not in found} == {"generator-1"}
    assert environments["gateway"]["TILEWRIGHT_UNAVAILABLE"] == told
    for name, found in environments.items():
        assert found["TILEWRIGHT_CHILD"].endswith(f"/{name}")
    for path in (stage.data / "logs").iterdir():
        assert "CANARY" not in path.read_text()


def test_the_keeper_that_cannot_start_ends_the_start(stage: Stage) -> None:
    stage.script(keeper={"exit": 78, "say": "The store is damaged."})
    answer = stage.started("up")
    assert answer.returncode == 78
    assert "The store is damaged." in answer.stdout
    assert stage.lines("starts") == ["keeper"]


def test_in_the_background(stage: Stage) -> None:
    stage.settings["services"] = {"renderer": 0, "generator": 0}
    answer = stage.started("up", "--detach")
    assert answer.returncode == 0
    assert "ready in" in answer.stdout
    assert stage.status()["ok"]
    assert stage.started("up", "--detach").returncode == 75
    assert stage.command("down").returncode == 0
    assert stage.left() == []
    assert stage.command("down").returncode == 0
