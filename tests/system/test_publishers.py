"""Plans from programs that have none of our code."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.config import Sockets
from tests.system.world import TREE, World

NODE = Path(sys.executable).parent / "node"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world in which nobody works."""
    world = World(tmp_path_factory.mktemp("w"), services={"renderer": 0, "generator": 0})
    yield world.start()
    world.kill()


@pytest.mark.parametrize(
    ("publisher", "place"),
    [([NODE, "examples/publish.mjs"], 5), ([sys.executable, "examples/publish.py"], 25)],
)
def test_a_stranger_publishes_a_plan(
    world: World, publisher: list[Path | str], place: int, tmp_path: Path
) -> None:
    name = f"from-outside-{place}"
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps({"id": name, "rectangle": [place, 5, place + 2, 6]}))
    address = Sockets(world.data).address("ingest")
    answers = []
    for _ in range(2):
        run = subprocess.run(
            [*publisher, address, plan], cwd=TREE, capture_output=True, text=True, timeout=60
        )
        assert run.returncode == 0, run.stderr
        answers.append(json.loads(run.stdout))
    assert [answer["body"]["duplicate"] for answer in answers] == [False, True]
    assert answers[0]["body"]["jobs"] == answers[1]["body"]["jobs"]
    plans = world.get("/api/plans")["plans"]
    assert [view["quadrants_total"] for view in plans if view["plan"] == name] == [6]
