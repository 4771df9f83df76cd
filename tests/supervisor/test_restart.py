"""What happens when a process dies, hangs, or leaves something behind."""

import os
import signal
import time
from pathlib import Path

import pytest

from services.supervision import watchdog
from tests.supervisor.stage import Stage, alive, until


def test_what_dies_is_started_again_and_counted(stage: Stage) -> None:
    stage.up().ready()
    first = stage.service("generator-1")
    os.kill(first["pid"], signal.SIGKILL)
    until("a restart", lambda: stage.service("generator-1").get("restarts") == 1)
    second = stage.in_state("generator-1", "ready")
    assert second["pid"] != first["pid"]
    assert [view["restarts"] for view in stage.status()["services"]] == [0, 0, 1, 0]


def test_healthy_processes_outlive_many_kills(stage: Stage) -> None:
    stage.settings["services"] = {"renderer": 0, "generator": 0}
    stage.up().ready()
    for number in range(6):
        view = stage.in_state("gateway", "ready")
        assert view["restarts"] == number
        os.kill(view["pid"], signal.SIGKILL)
        until("another gateway", lambda old=view["pid"]: stage.service("gateway")["pid"] not in (None, old))
    assert stage.in_state("gateway", "ready")["restarts"] == 6


@pytest.mark.parametrize("part", [{"exit": 3, "say": "no such thing"}, {"exit": 3, "after": 0.05}])
def test_a_crash_loop_is_given_up_with_the_reason(stage: Stage, part: dict[str, object]) -> None:
    stage.settings["services"] = {"renderer": 1, "generator": 0}
    stage.script(renderer_1=part)
    stage.up()
    failed = stage.in_state("renderer-1", "failed")
    assert failed["pid"] is None
    assert failed["reason"].startswith("ended with exit code 3")
    assert str(part.get("say", "")) in failed["reason"]
    assert stage.lines("starts").count("renderer-1") == 6
    shown = stage.command("status")
    assert shown.returncode == 1
    # In a narrow table it may go on in the next line.
    assert str(part.get("say", "")) in " ".join(shown.stdout.split())
    others = [view for view in stage.status()["services"] if view["name"] != "renderer-1"]
    assert {(view["state"], view["restarts"]) for view in others} == {("ready", 0)}
    stage.script()
    assert stage.command("restart", "renderer-1").returncode == 0
    stage.ready()


def test_a_process_that_says_it_cannot_is_not_started_again(stage: Stage) -> None:
    stage.settings["services"] = {"renderer": 0, "generator": 0}
    stage.script(gateway={"exit": 76, "say": "Port 8080 is in use."})
    stage.up()
    assert stage.in_state("gateway", "failed")["reason"] == "ended with exit code 76: Port 8080 is in use."
    assert stage.lines("starts").count("gateway") == 1


def test_a_process_of_any_kind_that_hangs_is_killed_and_started_again(stage: Stage) -> None:
    stage.up().ready()
    hung = {view["name"]: view["pid"] for view in stage.status()["services"]}
    assert list(hung) == ["keeper", "renderer-1", "generator-1", "gateway"]
    for pid in hung.values():
        os.kill(pid, signal.SIGSTOP)
    for name in hung:
        until(f"a restart of {name}", lambda name=name: stage.service(name)["restarts"] == 1)
    assert not any(alive(pid) for pid in hung.values())
    stage.ready()
    for name in hung:
        assert f"{name:<12} was silent for" in stage.output.read_text()


def test_a_supervisor_that_was_frozen_itself_kills_nobody(stage: Stage) -> None:
    stage.settings["services"] = {"renderer": 0, "generator": 0}
    stage.up().ready()
    before = {view["name"]: view["pid"] for view in stage.status()["services"]}
    assert stage.process is not None
    os.kill(stage.process.pid, signal.SIGSTOP)
    time.sleep(watchdog.SILENT_BEATS * watchdog.BEAT_SECONDS + 1.0)
    os.kill(stage.process.pid, signal.SIGCONT)
    until("fresh beats", lambda: stage.status()["ok"])
    time.sleep(2 * watchdog.WATCH_SECONDS)
    assert {view["name"]: view["pid"] for view in stage.status()["services"]} == before
    assert {view["restarts"] for view in stage.status()["services"]} == {0}


def test_who_is_taken_first_when_memory_runs_out(stage: Stage) -> None:
    stage.settings["services"] = {"renderer": 1, "generator": 0}
    stage.script(renderer_1={"orphan": True})
    stage.up().ready()

    def score(pid: int) -> int:
        return int(Path(f"/proc/{pid}/oom_score_adj").read_text())

    own = score(os.getpid())
    assert score(stage.service("renderer-1")["pid"]) == 500
    assert score(int((stage.data / "renderer-1.orphan").read_text())) == 500
    assert score(stage.service("gateway")["pid"]) == own
    # Less than now only a privileged user may give.
    assert score(stage.service("keeper")["pid"]) in (-500, own)


def test_what_a_killed_process_leaves_behind_is_killed(stage: Stage) -> None:
    stage.settings["services"] = {"renderer": 1, "generator": 0}
    stage.script(renderer_1={"orphan": True})
    stage.up().ready()
    orphan = int((stage.data / "renderer-1.orphan").read_text())
    assert alive(orphan)
    os.kill(stage.service("renderer-1")["pid"], signal.SIGKILL)
    until("the orphan's end", lambda: not alive(orphan))
    stage.ready()


def test_restart_stops_in_order_and_starts_again(stage: Stage) -> None:
    stage.up().ready()
    first = stage.service("gateway")["pid"]
    assert stage.command("restart", "gateway").returncode == 0
    until("another gateway", lambda: stage.service("gateway")["pid"] not in (None, first))
    stage.ready()
    assert stage.lines("stops") == ["gateway"]
    assert stage.service("gateway")["restarts"] == 1
    unknown = stage.command("restart", "painter")
    assert unknown.returncode == 1
    assert (
        unknown.stderr
        == "There is no process painter. There are: keeper, renderer-1, generator-1, gateway.\n"
    )


def test_output_of_a_process_that_runs_on_is_put_aside_when_it_is_much(stage: Stage) -> None:
    stage.settings["services"] = {"renderer": 1, "generator": 0}
    stage.script(renderer_1={"flood": 400_000})
    stage.up().ready()
    output = stage.data / "logs" / "renderer-1.out"
    until("the file to be small", lambda: output.stat().st_size == 0)
    assert output.with_name("renderer-1.out.1").stat().st_size == 400_000 * 6 + 1
    assert stage.service("renderer-1")["restarts"] == 0


def test_output_is_kept_by_process_and_its_file_does_not_grow_for_ever(stage: Stage) -> None:
    stage.settings["services"] = {"renderer": 1, "generator": 0}
    logs = stage.data / "logs"
    logs.mkdir()
    (logs / "renderer-1.out").write_bytes(b"x" * (2 << 20))
    stage.script(renderer_1={"exit": 1, "say": "here"})
    stage.up()
    stage.in_state("renderer-1", "failed")
    assert (logs / "renderer-1.out.1").stat().st_size == 2 << 20
    assert (logs / "renderer-1.out").read_text() == "here\n" * 6
