"""SIGKILL by name, and what runs and stands afterwards."""

import os
import signal

import psutil

from services.config import Sockets
from tests.system.world import World, until

VICTIMS = ("renderer-1", "generator-1", "gateway", "keeper")


def kill_all(world: World, rounds: int) -> None:
    """Kill one process after the other, each as soon as it is ready again."""
    for _ in range(rounds):
        for name in VICTIMS:
            victim = until(
                f"{name} to be up again",
                lambda name=name: s if (s := world.service(name)).get("state") == "ready" else None,
            )
            os.kill(victim["pid"], signal.SIGKILL)
            until(
                f"another {name}",
                lambda name=name, pid=victim["pid"]: world.service(name).get("pid") not in (None, pid),
            )
    world.ready()
    restarts = {service["name"]: service["restarts"] for service in world.status()["services"]}
    assert {name: restarts[name] for name in VICTIMS} == dict.fromkeys(VICTIMS, rounds)


def processes(world: World) -> list[str]:
    """Every process that was started for a world, however deep, Chromium's included."""
    marker = f"TILEWRIGHT_CHILD={Sockets(world.data).folder.name}"
    found = []
    for process in psutil.process_iter():
        try:
            environment = process.environ()
        except (psutil.AccessDenied, psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
        if any(f"{key}={value}".startswith(marker) for key, value in environment.items()):
            found.append(process.name())
    return found


def check_drawn_once(world: World, quadrants: int) -> None:
    """So many quadrants stand on the map of a stopped world, and none was ever committed twice."""
    twice = world.rows(
        "select x, y, count(*) from tile_versions where layer = 'generation' and scaffold = 0 "
        "group by x, y having count(*) != 1"
    )
    assert twice == []
    assert len(world.tiles("generation")) == quadrants
    assert world.rows("pragma integrity_check") == [("ok",)]
