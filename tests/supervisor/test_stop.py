"""The end: in order, by signal, by force; nothing is left."""

import contextlib
import os
import signal
import subprocess

from services.config import Sockets
from tests.supervisor.stage import STOP_SECONDS, Stage, alive, until


def test_a_signal_stops_everything_in_order_and_the_next_one_starts(stage: Stage) -> None:
    stage.script(renderer_1={"orphan": True})
    for number, code in ((signal.SIGTERM, 0), (signal.SIGINT, 130), (signal.SIGHUP, 0)):
        before = len(stage.lines("stops"))
        stage.up().ready()
        assert len(stage.left()) == 5
        assert stage.signal(number) == code
        assert stage.left() == []
        stops = stage.lines("stops")[before:]
        assert stops[-1] == "keeper"
        assert sorted(stops) == ["gateway", "generator-1", "keeper", "renderer-1"]
        assert stage.command("status").returncode == 3
    stage.settings["services"] = {"renderer": 0, "generator": 0}
    stage.up().ready()


def test_a_signal_while_it_starts(stage: Stage) -> None:
    stage.script(keeper={"hold": True})
    stage.up()
    until("the keeper's start", lambda: stage.lines("starts"))
    assert stage.signal(signal.SIGINT) == 130
    assert stage.left() == []
    assert stage.lines("starts") == ["keeper"]


def test_who_does_not_stop_is_killed(stage: Stage) -> None:
    stage.settings["services"] = {"renderer": 0, "generator": 0}
    stage.script(gateway={"stubborn": True})
    stage.environment[STOP_SECONDS] = "2"
    stage.up().ready()
    assert stage.signal(signal.SIGTERM) == 0
    assert stage.left() == []


def test_a_second_signal_ends_the_waiting_and_the_first_one_gives_the_code(stage: Stage) -> None:
    stage.settings["services"] = {"renderer": 0, "generator": 0}
    stage.script(gateway={"stubborn": True}, keeper={"stubborn": True})
    stage.up().ready()
    assert stage.process is not None
    stage.process.send_signal(signal.SIGINT)
    until("the gateway's stop", lambda: "gateway" in stage.lines("stops"))
    assert stage.signal(signal.SIGTERM) == 130
    assert stage.left() == []


def test_children_end_with_a_killed_supervisor_and_the_next_one_starts(stage: Stage) -> None:
    stage.settings["services"] = {"renderer": 1, "generator": 0}
    stage.script(renderer_1={"orphan": True})
    stage.up().ready()
    children = [view["pid"] for view in stage.status()["services"]]
    orphan = int((stage.data / "renderer-1.orphan").read_text())
    assert stage.signal(signal.SIGKILL) == -signal.SIGKILL
    until("the children's end", lambda: not any(alive(pid) for pid in children))
    assert stage.command("status").returncode == 3
    stage.script()
    stage.up().ready()
    assert not alive(orphan)
    assert "that an earlier run had left behind" in stage.output.read_text()


def test_down_stops_and_waits(stage: Stage) -> None:
    stage.up().ready()
    assert stage.command("down").returncode == 0
    assert stage.process is not None
    assert stage.process.wait(10) == 0
    assert stage.left() == []


def test_down_also_reaches_a_supervisor_that_does_not_answer(stage: Stage) -> None:
    stage.settings["services"] = {"renderer": 0, "generator": 0}
    stage.up().ready()
    (Sockets(stage.data).folder / "life").unlink()
    assert stage.command("status").returncode == 1
    assert stage.command("down").returncode == 0
    assert stage.left() == []


def test_output_that_nobody_reads_any_more_stops_nothing(stage: Stage) -> None:
    stage.settings["services"] = {"renderer": 0, "generator": 0}
    reading, writing = os.pipe()
    stage.process = subprocess.Popen(
        stage.words("up"), stdin=subprocess.DEVNULL, stdout=writing, stderr=writing, env=stage.environment
    )
    os.close(writing)
    os.close(reading)
    stage.ready()
    assert stage.signal(signal.SIGTERM) == 0


def test_a_pipe_that_is_full_and_never_read_stops_nothing(stage: Stage) -> None:
    stage.settings["services"] = {"renderer": 0, "generator": 0}
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, b"x" * 4_096)
    os.set_blocking(writing, True)
    stage.process = subprocess.Popen(
        stage.words("up"), stdin=subprocess.DEVNULL, stdout=writing, stderr=writing, env=stage.environment
    )
    os.close(writing)
    try:
        stage.ready()
        os.kill(stage.service("gateway")["pid"], signal.SIGKILL)
        until("a restart", lambda: stage.service("gateway")["restarts"] == 1)
        stage.ready()
        assert stage.signal(signal.SIGTERM) == 0
    finally:
        os.close(reading)
    assert "Stopping." in (stage.data / "logs" / "supervisor.log").read_text()


def test_closed_standard_files_stop_nothing(stage: Stage) -> None:
    stage.settings["services"] = {"renderer": 0, "generator": 0}
    closed = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *stage.words("up")]
    stage.process = subprocess.Popen(closed, env=stage.environment)
    stage.ready()
    # Nothing that was meant for standard output stands in a file that was opened in its place.
    assert (stage.data / "lock").read_text() == f"{stage.process.pid}\n"
    assert stage.signal(signal.SIGTERM) == 0
    assert stage.left() == []


def test_a_stop_at_once_and_one_half_way_leave_nothing(stage: Stage) -> None:
    stage.up()
    until(
        "the lock to be taken", lambda: (stage.data / "lock").exists() and (stage.data / "lock").read_text()
    )
    assert stage.signal(signal.SIGINT) == 130
    assert stage.left() == []
    stage.script(renderer_1={"hold": True})
    stage.up()
    until("the renderer's start", lambda: "renderer-1" in stage.lines("starts"))
    assert stage.signal(signal.SIGTERM) == 0
    assert stage.left() == []
