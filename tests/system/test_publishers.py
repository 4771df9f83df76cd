"""Plans from programs that have none of our code."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from services.config import Sockets
from tests.system.conftest import Founder
from tests.system.world import TREE

NODE = Path(sys.executable).parent / "node"


@pytest.mark.parametrize(
    "publisher", [[NODE, "examples/publish.mjs"], [sys.executable, "examples/publish.py"]]
)
def test_a_stranger_publishes_a_plan(found: Founder, publisher: list[Path | str], tmp_path: Path) -> None:
    world = found(services={"renderer": 0, "generator": 0}).start()
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps({"id": "from-outside", "rectangle": [5, 5, 7, 6]}))
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
    assert [(view["plan"], view["quadrants_total"]) for view in plans] == [("from-outside", 6)]
