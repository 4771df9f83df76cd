"""The renderer and the real keeper: what is published as a render comes to stand on the map."""

import asyncio
import io
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image

from protocol.codec import catalogue
from protocol.control import GetStatus, Status
from protocol.event import Events, JobChange, PlanChange, Watch
from protocol.ingest import Accepted
from protocol.region import Render
from protocol.work import Fetch, Pixels
from services.client import Client
from services.config import Sockets
from services.renderer import leftovers

TREE = Path(__file__).resolve().parent.parent.parent
ANSWERS = catalogue(Accepted, Events, Pixels, Status)


@pytest.fixture
async def control(short: Path) -> AsyncIterator[Client]:
    """The control socket of a keeper that a renderer works for."""
    sockets = Sockets(short)
    started = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", program, "--name", f"{kind}-1", "--data", short),
            cwd=TREE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        for kind, program in (("keeper", "services.keeper"), ("renderer", "tests.renderer.stubbed"))
    ]
    client = Client(sockets.address("control"), ANSWERS)
    yield client
    await client.close()
    for process in reversed(started):
        process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(30):
            codes = [await process.wait() for process in started]
    finally:
        for process in started:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
    left = leftovers.find(sockets.folder / "renderer-1.chromium" / "profile")
    shutil.rmtree(sockets.folder)
    assert (codes, left) == ([0, 0], [])


async def test_a_published_render_comes_to_stand_on_the_map(control: Client) -> None:
    # Two quadrants that lie in two canonical frames.
    wanted = [(-1, 0), (0, 0)]
    accepted = await control.ask(Render(plan="look", quadrants=wanted), Accepted, timeout=60)
    assert len(accepted.jobs) == 2
    seen: list[str] = []
    since = 0
    async with asyncio.timeout(90):
        while "settled" not in seen:
            news = await control.ask(Watch(since=since, wait=5), Events, timeout=30)
            for event in news.events:
                since = event.seq
                if isinstance(event.change, JobChange | PlanChange):
                    seen.append(event.change.state)
    assert seen.count("complete") == 2
    assert "error" not in seen
    status = await control.ask(GetStatus(), Status)
    assert status.renders == 8
    for layer, mode in (("render", "RGB"), ("object", "RGBA"), ("depth", "RGB")):
        answer = await control.exchange(Fetch(layer=layer, quadrants=wanted))
        assert isinstance(answer.body, Pixels)
        assert {(tile.x, tile.y) for tile in answer.body.tiles} == set(wanted)
        for png in answer.attachments:
            image = Image.open(io.BytesIO(png))
            assert (image.size, image.mode) == ((512, 512), mode)
