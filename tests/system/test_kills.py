"""SIGKILL of every process, ten times each, during one plan: nothing lost, nothing done twice."""

import pytest

from tests.system.conftest import Founder
from tests.system.kills import check_drawn_once, kill_all


@pytest.mark.chaos
@pytest.mark.timeout(600)
def test_a_plan_outlives_forty_kills(found: Founder) -> None:
    world = found().start()
    world.publish({"id": "city", "rectangle": [-6, -6, 7, 7], "model_id": "pixel-art"})
    kill_all(world, 10)
    view = world.settled("city")
    assert view["counts"].get("complete") == sum(view["counts"].values())
    assert view["quadrants_done"] == view["quadrants_total"] == 14 * 14
    assert world.stop() == 0
    check_drawn_once(world, 14 * 14)
