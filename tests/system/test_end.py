"""What is left when things end: nothing."""

import os
import signal

import psutil
import pytest

from services.config import Sockets
from tests.system.conftest import Founder
from tests.system.world import World, until


def of(world: World) -> list[str]:
    """Every process that was started for a world, however deep, Chromium's included."""
    marker = f"TILEWRIGHT_CHILD={Sockets(world.data).folder.name}"
    left = []
    for process in psutil.process_iter():
        try:
            environment = process.environ()
        except (psutil.AccessDenied, psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
        if any(f"{key}={value}".startswith(marker) for key, value in environment.items()):
            left.append(process.name())
    return left


def test_an_orderly_stop_leaves_no_process(found: Founder) -> None:
    world = found().start()
    assert len(of(world)) > 4
    assert world.stop() == 0
    assert of(world) == []
    assert world.command("status").returncode == 3


@pytest.mark.timeout(300)
def test_a_killed_supervisor_takes_everything_with_it_and_the_next_one_goes_on(found: Founder) -> None:
    world = found().start()
    world.publish({"id": "city", "rectangle": [0, 0, 3, 3]})
    assert world.process is not None
    os.kill(world.process.pid, signal.SIGKILL)
    world.process.wait()
    until("everything to end", lambda: not of(world), patience=20)
    world.start()
    assert world.settled("city")["quadrants_done"] == 16
    assert world.stop() == 0
