"""The map does not depend on who drew what when, or died over it: neighbours agree to the last bit."""

import io
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.system.conftest import Founder
from tests.system.kills import check_drawn_once, kill_all, processes
from tests.system.world import World, until

ACROSS = [
    {"id": "island", "quadrants": [[0, 0], [1, 0], [0, 1], [1, 1]]},
    {"id": "above", "quadrants": [[0, -1], [1, -1]], "after": ["island"]},
    {"id": "left", "quadrants": [[-1, 0], [-1, 1]], "after": ["island"]},
    {"id": "corner", "quadrants": [[-1, -1]], "after": ["above", "left"]},
]
"""The rectangle from −1,−1 to 1,1 as no planner begins it: from its lower right corner."""


def assembled(world: World, layer: str, bounds: tuple[int, int, int, int]) -> np.ndarray:
    """The pixels of a rectangle of quadrants."""
    x0, y0, x1, y1 = bounds
    tiles = world.tiles(layer)
    rows = []
    for y in range(y0, y1 + 1):
        row = []
        for x in range(x0, x1 + 1):
            sha256 = tiles[(x, y)]
            blob = Path(world.data / "blobs" / sha256[:2] / f"{sha256[2:]}.png")
            row.append(np.asarray(Image.open(io.BytesIO(blob.read_bytes())).convert("RGB")))
        rows.append(np.hstack(row))
    return np.vstack(rows)


@pytest.mark.timeout(400)
def test_the_map_is_the_same_pixel_for_pixel_in_another_order_and_under_fire(found: Founder) -> None:
    bounds = (-1, -1, 1, 1)
    first = found("first").start()
    first.publish({"id": "whole", "rectangle": list(bounds)})
    first.settled("whole")
    assert len(processes(first)) > 4
    assert first.stop() == 0
    assert processes(first) == []
    assert first.command("status").returncode == 3

    # The second world draws its frames backwards, fills the rectangle from another corner with infills that
    # lie across those of the first, and loses every one of its processes meanwhile, the supervisor at last.
    second = found("second").start()
    for number, x in enumerate((2, 0, -2)):
        second.publish(
            {
                "id": f"render-{number}",
                "steps": [{"id": "r", "kind": "render", "quadrants": [[x, y] for y in (2, 0, -2)]}],
            }
        )
    second.publish({"id": "late", "steps": ACROSS})
    kill_all(second, 1)
    assert second.process is not None
    os.kill(second.process.pid, signal.SIGKILL)
    second.process.wait()
    until("everything to end", lambda: not processes(second), patience=20)
    second.start()
    view = second.settled("late")
    assert view["counts"].get("complete") == sum(view["counts"].values())
    assert second.stop() == 0
    assert processes(second) == []

    check_drawn_once(second, 9)
    for layer in ("render", "generation"):
        one, other = assembled(first, layer, bounds), assembled(second, layer, bounds)
        assert int((one != other).sum()) == 0, layer
        assert len(np.unique(one.reshape(-1, 3), axis=0)) > 16
