"""The renderer at the lease loop: jobs in, PNG files out, in the order in which they came."""

import asyncio
import io
from pathlib import Path

import pytest
from PIL import Image

from services.renderer.renderer import Renderer
from services.tiling.quadrant import frame_quadrants
from services.worker import Worker
from tests.renderer.desk import Desk

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_jobs_are_drawn_in_the_order_in_which_they_came(stub: Renderer, short: Path) -> None:
    desk = Desk(short).open()
    frames = [(x, y) for y in range(-1, 1) for x in range(-2, 2)]
    jobs = desk.put(*frames)
    before = await stub.page.tab.evaluate("() => window.stub.drawn.length")
    stop = asyncio.Event()
    worker = Worker(desk.sockets.address("work"), "renderer-1", ["render"], stub.perform, slots=2)
    working = asyncio.create_task(worker.run(stop))
    await desk.done(*jobs)
    stop.set()
    await working
    drawn = await stub.page.tab.evaluate("() => window.stub.drawn")
    assert drawn[before:] == [[1024 * x, 1024 * y] for x, y in frames]
    assert desk.goodbyes == 1
    for job, frame in zip(jobs, frames, strict=True):
        ack, attachments = desk.acked[job]
        assert {(tile.x, tile.y) for tile in ack.tiles} == set(frame_quadrants(frame))
        assert len(ack.tiles) == len(attachments) == 12
        for tile in ack.tiles:
            image = Image.open(io.BytesIO(attachments[tile.attachment]))
            assert (image.size, image.mode) == ((512, 512), "RGBA" if tile.layer == "object" else "RGB")
        assert ack.made.source == f"san-francisco build stub-1, Chromium {stub.browser.version.split('.')[0]}"
    desk.close()


async def test_a_job_whose_quadrants_are_not_in_its_frame_is_a_bug_not_a_loop(
    stub: Renderer, short: Path
) -> None:
    desk = Desk(short).open()
    [job] = desk.put((0, 0))
    desk.works[job] = desk.works[job].model_copy(update={"quadrants": [(9, 9)]})
    desk.refresh()
    stop = asyncio.Event()
    worker = Worker(desk.sockets.address("work"), "renderer-1", ["render"], stub.perform)
    working = asyncio.create_task(worker.run(stop))
    await desk.until("a nack", lambda: bool(desk.nacked))
    stop.set()
    await working
    assert (desk.nacked[0].error_class, desk.nacked[0].retry) == ("bug", False)
    assert desk.nacked[0].reason.startswith("The job cannot be drawn: quadrant (9, 9)")
    desk.close()
