"""What is left after an orderly stop: nothing."""

from tests.system.conftest import Founder
from tests.system.kills import processes


def test_an_orderly_stop_leaves_no_process(found: Founder) -> None:
    world = found().start()
    assert len(processes(world)) > 4
    assert world.stop() == 0
    assert processes(world) == []
    assert world.command("status").returncode == 3
