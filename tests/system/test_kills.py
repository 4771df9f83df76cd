"""SIGKILL of every process, ten times each, during one plan: nothing lost, nothing done twice."""

import os
import signal

import pytest

from tests.system.conftest import Founder
from tests.system.world import until

ROUNDS = 10
VICTIMS = ("renderer-1", "generator-1", "gateway", "keeper")


@pytest.mark.chaos
@pytest.mark.timeout(600)
def test_a_plan_outlives_forty_kills(found: Founder) -> None:
    world = found().start()
    world.publish({"id": "city", "rectangle": [-6, -6, 7, 7], "model_id": "pixel-art"})
    for _ in range(ROUNDS):
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
    view = world.settled("city")
    assert view["counts"].get("complete") == sum(view["counts"].values())
    assert view["quadrants_done"] == view["quadrants_total"] == 14 * 14
    restarts = {service["name"]: service["restarts"] for service in world.status()["services"]}
    assert {name: restarts[name] for name in VICTIMS} == dict.fromkeys(VICTIMS, ROUNDS)
    assert world.stop() == 0
    twice = world.rows(
        "select x, y, count(*) from tile_versions where layer = 'generation' and scaffold = 0 "
        "group by x, y having count(*) != 1"
    )
    assert twice == []
    assert len(world.tiles("generation")) == 14 * 14
    assert world.rows("pragma integrity_check") == [("ok",)]
