"""The renderer as the supervisor starts it: one process, the real scene, and nothing left behind."""

import asyncio
import json
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from services.renderer import leftovers
from services.renderer.vintage import FILE
from tests.renderer.desk import Desk

TREE = Path(__file__).resolve().parent.parent.parent


class Started:
    """`python -m services.renderer` with a desk to serve."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.config = data / "app_config.json"
        self.desk = Desk(data)
        self.folder = self.desk.sockets.folder / "renderer-1.chromium"
        self.process: asyncio.subprocess.Process | None = None

    async def start(self, program: str = "services.renderer", **config: object) -> None:
        settings = json.loads((TREE / "app_config.json").read_text())
        self.config.write_text(json.dumps({**settings, **config}))
        command = [
            "-m",
            program,
            "--name",
            "renderer-1",
            "--data",
            self.data,
            "--config",
            self.config,
        ]
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, *command, cwd=TREE, stderr=asyncio.subprocess.DEVNULL, start_new_session=True
        )

    def chromium(self) -> list[psutil.Process]:
        return leftovers.find(self.folder / "profile")

    def browser(self) -> psutil.Process:
        """The one browser process: it has no type."""
        [found] = [p for p in self.chromium() if not any(w.startswith("--type=") for w in p.cmdline())]
        return found

    def log(self) -> str:
        return (self.data / "logs" / "renderer-1.log").read_text()

    async def ended(self, seconds: float = 20.0) -> int:
        assert self.process is not None
        return await asyncio.wait_for(self.process.wait(), seconds)


@pytest.fixture
async def renderer(short: Path) -> AsyncIterator[Started]:
    started = Started(short)
    started.desk.open()
    yield started
    if started.process is not None and started.process.returncode is None:
        os.killpg(started.process.pid, signal.SIGKILL)
        await started.process.wait()
    leftovers.kill(started.folder / "profile")
    started.desk.close()
    shutil.rmtree(started.desk.sockets.folder)


async def test_a_killed_browser_costs_no_job_and_a_stop_leaves_nothing(renderer: Started) -> None:
    await renderer.start()
    desk = renderer.desk
    [first] = desk.put((0, 0))
    await desk.done(first)
    old = renderer.browser()
    jobs = desk.put((1, 0), (0, 1), (0, 0))
    await desk.until("work begun", lambda: not desk.waiting or len(desk.waiting) < 3)
    old.kill()
    await desk.done(*jobs)
    assert renderer.browser().pid != old.pid
    assert desk.nacked == []
    assert desk.acked[first][1] == desk.acked[jobs[-1]][1]
    assert "replaced the browser" in renderer.log()
    assert renderer.process is not None
    renderer.process.send_signal(signal.SIGTERM)
    assert await renderer.ended() == 0
    assert desk.goodbyes == 1
    assert renderer.chromium() == []
    assert not renderer.folder.exists()


async def test_what_a_killed_renderer_leaves_is_swept_by_the_next_one(renderer: Started) -> None:
    await renderer.start("tests.renderer.stubbed")
    await renderer.desk.done(*renderer.desk.put((0, 0)))
    assert renderer.process is not None
    # A stopped Chromium does not notice that its renderer is gone.
    old = renderer.chromium()
    for process in old:
        process.suspend()
    os.killpg(renderer.process.pid, signal.SIGKILL)
    await renderer.ended()
    assert renderer.chromium()
    # This desk has no leases that run out: what the dead one asked for must not be answered.
    renderer.desk.parked.clear()
    (renderer.data / FILE).write_text("scene-0")
    await renderer.start("tests.renderer.stubbed")
    await renderer.desk.done(*renderer.desk.put((1, 0)))
    async with asyncio.timeout(20):
        while "draws beside renders of page scene-0" not in renderer.log():  # noqa: ASYNC110 - a file
            await asyncio.sleep(0.05)
    assert not any(process.is_running() for process in old)
    assert renderer.browser()


async def test_a_browser_that_is_not_there_ends_the_start_with_a_sentence(renderer: Started) -> None:
    await renderer.start(browser="/nowhere/chromium")
    assert await renderer.ended() == 1
    assert '"browser" in app_config.json is /nowhere/chromium, which is not a program.' in renderer.log()
    assert not renderer.folder.exists()


async def test_a_source_that_cannot_be_had_fails_the_jobs_until_it_can(renderer: Started) -> None:
    scene = {"source": "geojson", "file": "houses.geojson"}
    await renderer.start("tests.renderer.stubbed", scene=scene)
    desk = renderer.desk
    desk.put((0, 0))
    await desk.until("a refusal", lambda: bool(desk.nacked))
    assert desk.nacked[0].error_class == "transient" and desk.nacked[0].retry
    assert "houses.geojson cannot be read (No such file or directory)" in desk.nacked[0].reason
    assert "nothing can be drawn for now" in renderer.log()
    house = {"type": "Polygon", "coordinates": [[[0, 0], [1e-4, 0], [1e-4, 1e-4], [0, 0]]]}
    (renderer.data / "houses.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": house}]})
    )
    async with asyncio.timeout(30):
        while " ready: " not in renderer.log():  # noqa: ASYNC110 - a file
            await asyncio.sleep(0.05)
    # This desk takes no lease back when a worker says goodbye, so it is asked for a frame of its own.
    await desk.done(*desk.put((1, 0)))
