"""A disk that is really full: a small tmpfs, which only root may mount."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from protocol.errors import Code
from protocol.ingest import Accepted
from protocol.message import Error
from protocol.region import Render
from protocol.work import Acked
from tests.keeper.house import House, opened, result

SIZE = "6m"


@pytest.fixture
def small_disk(short: Path) -> Iterator[Path]:
    folder = short / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", folder]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("a tmpfs of its own needs root and the right to mount")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.chaos
def test_a_disk_that_is_really_full_loses_nothing_and_goes_on_when_there_is_room(small_disk: Path) -> None:
    with opened(small_disk) as house:
        control, worker = house.peer("control"), house.peer("work")
        control.ask(Render(plan="first", quadrants=[(0, 0)]), Accepted)
        lease = worker.lease("render")
        filler = fill(small_disk)
        wide = Render(plan="wide", quadrants=[(x, 0) for x in range(0, 2_000, 2)])
        assert control.ask(wide, Error).code == Code.NO_SPACE
        ack, images = result(lease)
        assert worker.ask(ack, Error, images).code == Code.NO_SPACE
        assert [job.job for job in house.jobs()] == [1]

        filler.unlink()
        worker.ask(ack, Acked, images)
        assert len(control.ask(wide, Accepted).jobs) == 1_000
        assert house.job(1).state == "complete"
    assert House(small_disk).select("PRAGMA integrity_check") == [("ok",)]


def fill(folder: Path) -> Path:
    """Take all the room there is."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65_536, 512):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
    return filler
