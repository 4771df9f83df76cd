"""The spool with real files and real processes that are killed while they write."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from services.generator.calls.once import Once
from services.spool import Spool

TREE = Path(__file__).resolve().parents[2]
KEY = "ab" * 32


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


def test_what_was_kept_is_found_by_another_process_of_the_same_folder(spool: Spool) -> None:
    assert spool.find(7, KEY) is None
    assert spool.keep(7, KEY, b"answer")
    assert Spool(spool.folder).find(7, KEY) == b"answer"
    assert spool.folder.stat().st_mode & 0o077 == 0


def test_another_job_or_another_question_finds_nothing(spool: Spool) -> None:
    spool.keep(7, KEY, b"answer")
    assert spool.find(8, KEY) is None
    assert spool.find(7, "cd" * 32) is None


def test_a_job_is_dropped_with_all_its_answers_and_no_other(spool: Spool) -> None:
    for job in (7, 77):
        spool.keep(job, KEY, b"one")
        spool.keep(job, "cd" * 32, b"two")
    spool.drop(7)
    spool.drop(7)
    assert spool.find(7, KEY) is None
    assert (spool.find(77, KEY), spool.find(77, "cd" * 32)) == (b"one", b"two")


def test_left_overs_go_after_a_week(spool: Spool) -> None:
    assert spool.sweep() == 0
    spool.keep(1, KEY, b"old")
    spool.keep(2, KEY, b"new")
    (spool.folder / f".3-{KEY}.draft").write_bytes(b"cut short")
    for path in spool.folder.iterdir():
        if not path.name.startswith("2-"):
            before = path.stat().st_mtime - 8 * 86_400
            os.utime(path, (before, before))
    assert spool.sweep() == 2
    assert [path.name for path in spool.folder.iterdir()] == [f"2-{KEY}"]


def _run(code: str, folder: Path, **environment: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], cwd=TREE, env={**os.environ, **environment}, timeout=60
    )
    return done.returncode


KEEP = f"""
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from services.spool import Spool
Spool(Path(sys.argv[1])).keep(7, {KEY!r}, b"answer")
"""


def test_killed_right_after_keeping_it_is_found(spool: Spool, tmp_path: Path) -> None:
    faults = tmp_path / "faults"
    faults.mkdir()
    (faults / "w_spooled").write_text("kill")
    assert _run(KEEP, spool.folder, TILEWRIGHT_FAULTS=str(faults)) == -signal.SIGKILL
    assert spool.find(7, KEY) == b"answer"


def test_killed_while_writing_nothing_half_written_is_found(spool: Spool) -> None:
    code = KEEP.replace(
        "Spool(Path", "import os, signal; os.fsync = lambda _: os.kill(os.getpid(), 9)\nSpool(Path"
    )
    assert _run(code, spool.folder) == -signal.SIGKILL
    assert [path.name[:3] for path in spool.folder.iterdir()] == [".7-"]
    assert spool.find(7, KEY) is None
    spool.keep(7, KEY, b"answer")
    assert spool.find(7, KEY) == b"answer"


@contextmanager
def no_room() -> Iterator[None]:
    """No file can grow over a kilobyte."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_without_room_it_says_so_and_leaves_nothing_behind(
    spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    with no_room():
        kept = spool.keep(7, KEY, b"x" * 5_000)
    assert not kept
    assert "could not be kept" in caplog.text
    assert list(spool.folder.iterdir()) == []


async def test_without_room_the_answer_is_used_all_the_same(spool: Spool) -> None:
    async def ask() -> bytes:
        return b"x" * 5_000

    once = Once(spool, 7)
    with no_room():
        assert await once(KEY, ask) == b"x" * 5_000
    assert once.calls == 1


def test_a_folder_that_cannot_be_used_is_no_secret(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file")
    with pytest.raises(FileExistsError):
        Spool(tmp_path / "spool").keep(1, KEY, b"answer")
