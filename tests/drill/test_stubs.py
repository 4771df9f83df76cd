"""The drill's own parts: the schedule, the pictures, the ledgers, the stubs."""

import io
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from services.config import Sockets
from services.drill.faults import draw
from services.drill.ledger import Ledger, facts
from services.drill.picture import note_in, picture
from services.drill.stage import Stage
from services.drill.stubs.scribe import FOLDER
from services.keeper.inspection import check_png

TREE = Path(__file__).resolve().parents[2]


def test_a_seed_always_draws_the_same_faults() -> None:
    def schedule(seed: int) -> list[str]:
        return [str(one) for one in draw(seed, jobs=500, faults=80, kills=20, stops=15, lease_seconds=1.0)]

    assert schedule(7) == schedule(7)
    assert schedule(7) != schedule(8)
    assert len(schedule(7)) == 80
    assert sum(": kill " in fault for fault in schedule(7)) == 20
    assert sum(": stop " in fault for fault in schedule(7)) == 15


def test_few_faults_are_drawn_as_well() -> None:
    assert draw(1, jobs=10, faults=0, kills=0, stops=0, lease_seconds=1.0) == []
    assert len(draw(1, jobs=10, faults=3, kills=2, stops=1, lease_seconds=1.0)) == 3


@pytest.mark.parametrize(("alpha", "mode"), [(False, "RGB"), (True, "RGBA")])
def test_a_picture_is_one_that_the_keeper_takes_and_says_what_it_is(alpha: bool, mode: str) -> None:
    note = {"x": -3, "y": 4}
    content = picture(note, alpha=alpha)
    check_png(content, mode, "it")
    assert Image.open(io.BytesIO(content)).size == (512, 512)
    assert note_in(content) == note
    assert note_in(picture(alpha=alpha)) == {}


def test_a_line_that_was_cut_short_is_no_fact(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, "w")
    ledger.note("acked", job=1)
    ledger.note("acked", job=2)
    ledger.close()
    (file,) = tmp_path.iterdir()
    file.write_text(file.read_text() + '{"what": "ack')
    assert [fact["job"] for fact in facts(tmp_path)["acked"]] == [1, 2]


def test_a_worker_without_a_keeper_ends_when_it_is_told_to(short: Path) -> None:
    """F28: what it still wants to say, its goodbye above all, keeps it from nothing."""
    data, config = short / "w", short / "app_config.json"
    data.mkdir()
    config.write_text(json.dumps({"models": [{"name": "P", "model_id": "p", "provider": "pixel-art"}]}))
    Sockets(data).prepare()
    worker = subprocess.Popen(
        [sys.executable, "-m", "services.drill.stubs.generator", "--data", data, "--config", config],
        cwd=TREE,
        env={"PATH": "", FOLDER: str(short)},
    )
    try:
        while not list(short.glob("generator-1.*")):
            assert worker.poll() is None
            time.sleep(0.02)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(30) == 0
    finally:
        worker.kill()
        worker.wait()


async def test_a_stage_that_is_closed_leaves_nothing() -> None:
    stage = Stage("http://127.0.0.1:1/edit", lease_seconds=1.0)
    await stage.close()
    stage.remove()
    assert not stage.folder.exists()
    assert not stage.sockets.folder.exists()
