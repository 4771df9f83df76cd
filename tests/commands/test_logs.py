"""`supervisor.py logs` on real files: merged by time, filtered, followed across rotations."""

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from services import logs
from services.commands import logs as command
from tests.supervisor.stage import TREE, until


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    return tmp_path


def put(data: Path, name: str, *lines: str, mode: str = "a") -> None:
    """Add lines, each `SECONDS MESSAGE`, as a process of that name would have."""
    with (data / "logs" / f"{name}.log").open(mode) as file:
        for line in lines:
            second, _, message = line.partition(" ")
            file.write(f"2026-11-23 04:05:{second} INFO {name} {message}\n")


def printed(capsys: pytest.CaptureFixture[str], data: Path, *words: str) -> list[str]:
    assert command.main([*words, "--data", str(data)]) == 0
    return [line.split(" ", 3)[3] for line in capsys.readouterr().out.splitlines()]


def test_all_processes_are_merged_by_time(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(data, "keeper", "01.000 one", "03.000 three", "05.000 five")
    put(data, "generator-1", "02.000 two", "03.000 also three", "04.000 four")
    assert printed(capsys, data) == [
        "keeper one",
        "generator-1 two",
        "generator-1 also three",
        "keeper three",
        "generator-1 four",
        "keeper five",
    ]
    assert printed(capsys, data, "keeper") == ["keeper one", "keeper three", "keeper five"]
    assert printed(capsys, data, "--lines", "2") == ["generator-1 four", "keeper five"]


def test_lines_about_one_job_or_plan_are_found_however_old(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(data, "keeper", "01.000 job=17 plan=city begun", "02.000 job=171 plan=city begun", mode="w")
    os.replace(data / "logs" / "keeper.log", data / "logs" / "keeper.log.1")
    put(data, "keeper", *(f"03.{number:03} job=18 plan=town words" for number in range(1_000)))
    assert printed(capsys, data, "--job", "17") == ["keeper job=17 plan=city begun"]
    assert len(printed(capsys, data, "--plan", "city")) == 2
    assert len(printed(capsys, data)) == 200
    assert command.main(["--job", "17", "--json", "--data", str(data)]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "at": "2026-11-23 04:05:01.000",
        "level": "INFO",
        "name": "keeper",
        "job": 17,
        "plan": "city",
        "message": "begun",
    }


def test_what_is_no_line_of_ours_and_what_is_not_whole_yet_is_left_out(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(data, "keeper", "01.000 one")
    with (data / "logs" / "keeper.log").open("ab") as file:
        file.write(
            b"04:05:06 INFO keeper  from an older version\n\xff\xfe\n2026-11-23 04:05:09.000 INFO keeper ha"
        )
    assert printed(capsys, data) == ["keeper one"]


def test_an_unknown_name_gets_a_sentence(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(data, "keeper", "01.000 one")
    assert command.main(["painter", "--data", str(data)]) == 1
    assert capsys.readouterr().err == f"{data}/logs has no log of painter. There are: keeper.\n"
    assert command.main(["--data", str(data / "nowhere")]) == 0


@pytest.mark.parametrize("size", [1, 2, 7, 64, 65_536])
def test_a_file_is_read_backwards_line_by_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(command, "BLOCK_BYTES", size)
    file = tmp_path / "file"
    for content in (b"", b"\n", b"a", b"a\n", b"\na\n\nbc\ndef", b"first\nsecond\nthird\n"):
        file.write_bytes(content)
        with file.open("rb") as opened:
            assert list(command.backwards(opened))[::-1] == content.split(b"\n")[:-1]


@pytest.fixture
def following(data: Path) -> Iterator[subprocess.Popen[str]]:
    put(data, "keeper", "01.000 before")
    words = [sys.executable, str(TREE / "supervisor.py"), "logs", "--follow", "--data", str(data)]
    # Started in the background of a shell, the tests themselves may have been told to ignore Ctrl-C.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        yield process
        process.kill()


def test_new_lines_are_followed_across_rotations_until_it_is_interrupted(
    data: Path, following: "subprocess.Popen[str]"
) -> None:
    assert following.stdout is not None and following.stderr is not None
    assert following.stdout.readline().endswith("keeper before\n")
    put(data, "keeper", "02.000 after")
    assert following.stdout.readline().endswith("keeper after\n")
    # Into the old file once more, after it has its new name.
    (data / "logs" / "keeper.log").rename(data / "logs" / "keeper.log.1")
    put(data, "keeper.log.1", mode="a")
    with (data / "logs" / "keeper.log.1").open("a") as file:
        file.write("2026-11-23 04:05:03.000 INFO keeper last of the old\n")
    put(data, "keeper", "04.000 first of the new")
    assert following.stdout.readline().endswith("keeper last of the old\n")
    assert following.stdout.readline().endswith("keeper first of the new\n")
    put(data, "generator-9", "05.000 another process")
    assert following.stdout.readline().endswith("generator-9 another process\n")
    following.send_signal(signal.SIGINT)
    assert following.wait(20) == 130
    assert following.stderr.read() == ""


def test_a_reader_that_has_enough_ends_it_in_silence(data: Path) -> None:
    put(data, "keeper", *(f"01.000 {'words ' * 30}" for _ in range(5_000)))
    words = [sys.executable, str(TREE / "supervisor.py"), "logs", "--lines", "5000", "--data", str(data)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(20) == 0
        assert process.stderr.read() == ""


@pytest.fixture
def root() -> Iterator[None]:
    """The root logger, put back as it was."""
    before, level, raising = logging.root.handlers[:], logging.root.level, logging.raiseExceptions
    yield
    for handler in logging.root.handlers:
        handler.close()
    logging.root.handlers[:] = before
    logging.root.setLevel(level)
    logging.raiseExceptions = raising


def test_every_event_is_one_line_with_its_ids(root: None, tmp_path: Path) -> None:
    log = logs.start("generator-1", tmp_path, console=False)
    log.info("begun")
    log.warning("two\nlines\r and a \x1b[31mcolour", extra=logs.about(job=17, plan="city"))
    with logs.bound(job=18, plan="town"):
        logging.getLogger("deep").info("drawn")
        logging.getLogger("deep").info("of another", extra=logs.about(job=19))
    try:
        raise ValueError("no\nsuch thing")
    except ValueError:
        log.exception("a bug")
    lines = (tmp_path / "generator-1.log").read_text().splitlines()
    taken = [logs.take_apart(line) for line in lines]
    assert [(line.job, line.plan, line.level) for line in taken if line] == [
        (None, None, "INFO"),
        (17, "city", "WARNING"),
        (18, "town", "INFO"),
        (19, "town", "INFO"),
        (None, None, "ERROR"),
    ]
    assert taken[1] is not None and taken[1].message == r"two\nlines\r and a \x1b[31mcolour"
    assert taken[4] is not None and taken[4].message.startswith(r"a bug\nTraceback")
    assert taken[4].message.endswith(r"ValueError: no\nsuch thing")


def test_what_is_said_at_once_is_a_line_for_each(root: None, tmp_path: Path) -> None:
    log = logs.start("keeper", tmp_path, console=False)
    logs.say_each(log, [])
    logs.say_each(log, [("accepted", logs.about(plan="a")), ("accepted\ntoo", logs.about(plan="b"))])
    taken = [logs.take_apart(line) for line in (tmp_path / "keeper.log").read_text().splitlines()]
    assert [(line.plan, line.message) for line in taken if line] == [
        ("a", "accepted"),
        ("b", r"accepted\ntoo"),
    ]


def test_logs_are_rotated_and_so_many_are_kept(
    root: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "ROTATE_BYTES", 1_000)
    log = logs.start("keeper", tmp_path, console=False)
    for number in range(200):
        log.info("line %d", number)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"keeper.log", *(f"keeper.log.{number}" for number in range(1, 6))}
    tail = command.Tail(tmp_path / "keeper.log")
    numbers = [int(said.line.message.removeprefix("line ")) for said in tail.past()]
    assert numbers == list(range(199, 199 - len(numbers), -1))
    assert len(numbers) > 50


def test_follow_misses_nothing_while_a_log_rotates(
    root: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "ROTATE_BYTES", 1_000)
    log = logs.start("keeper", tmp_path, console=False)
    tail = command.Tail(tmp_path / "keeper.log")
    seen: list[str] = []
    for number in range(100):
        log.info("line %d", number)
        if number % 7 == 0:
            seen += [said.line.message for said in tail.news()]
    until("the rest", lambda: seen.extend(said.line.message for said in tail.news()) or len(seen) == 100)
    assert seen == [f"line {number}" for number in range(100)]
