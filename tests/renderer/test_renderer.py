"""The renderer at the lease loop: jobs in, PNG files out, in the order in which they came."""

import asyncio
import functools
import io
import re
from pathlib import Path

import pytest
from PIL import Image

from services.renderer.fingerprint import fingerprint
from services.renderer.renderer import Renderer
from services.tiling.quadrant import frame_box, frame_quadrants
from services.worker import Worker
from tests.renderer.conftest import STUB
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
    # Beside each frame a piece of it, or all of it, was drawn once more.
    whole = [(x, y) for x, y, width in drawn[before:] if width == 1024]
    assert list(dict.fromkeys(whole)) == [(1024 * x, 1024 * y) for x, y in frames]
    assert desk.goodbyes == 1
    for job, frame in zip(jobs, frames, strict=True):
        ack, attachments = desk.acked[job]
        assert {(tile.x, tile.y) for tile in ack.tiles} == set(frame_quadrants(frame))
        assert len(ack.tiles) == len(attachments) == 12
        for tile in ack.tiles:
            image = Image.open(io.BytesIO(attachments[tile.attachment]))
            assert (image.size, image.mode) == ((512, 512), "RGBA" if tile.layer == "object" else "RGB")
        page = f"page stub-1 {fingerprint(STUB)}"
        drawn_by = f"{page}, Chromium {stub.browser.version}, {stub.page.graphics}"
        assert ack.made.source == f"san-francisco; {drawn_by}"
    desk.close()


async def test_jobs_that_want_the_same_frame_share_its_drawing(stub: Renderer) -> None:
    await stub.draw(1, frame_box((7, 7)))
    before = await stub.page.tab.evaluate("() => window.stub.drawn.length")
    begun: list[int] = []
    wanted = [(0, 0), (0, 0), (1, 0), (2, 0), (0, 0), (2, 0)]
    frames = await asyncio.gather(
        *(
            stub.draw(job, frame_box(frame), functools.partial(begun.append, job))
            for job, frame in enumerate(wanted)
        )
    )
    drawn = await stub.page.tab.evaluate("() => window.stub.drawn")
    assert [x for x, _, width in drawn[before:] if width == 1024] == [0, 1024, 2048]
    assert [frame.pixels for frame in frames] == [frame_box(frame) for frame in wanted]
    assert sorted(begun) == list(range(len(wanted)))


async def test_a_job_called_off_before_its_turn_is_not_drawn(stub: Renderer) -> None:
    frames = [asyncio.create_task(stub.draw(x, frame_box((x, 9)))) for x in range(4)]
    both = asyncio.create_task(stub.draw(9, frame_box((3, 9))))
    alone = asyncio.create_task(stub.draw(9, frame_box((5, 9))))
    await asyncio.sleep(0)
    for called_off in (frames[3], alone):
        called_off.cancel()
    drawn = await asyncio.gather(*frames, both, alone, return_exceptions=True)
    assert [isinstance(frame, asyncio.CancelledError) for frame in drawn] == [False] * 3 + [True, False, True]
    seen = await stub.page.tab.evaluate("() => window.stub.drawn")
    assert [3 * 1024, 9 * 1024, 1024] in seen
    assert [5 * 1024, 9 * 1024, 1024] not in seen


async def test_a_scene_that_could_not_be_loaded_fails_its_job_and_no_other(
    stub: Renderer, short: Path
) -> None:
    desk = Desk(short).open()
    failed = [
        {"address": "http://127.0.0.1:1/tiles/15/5241/12662.pbf?key=CANARY", "reason": "unreachable"},
        {"address": f"http://127.0.0.1:1/{'long' * 200}/b3dm", "reason": "503 Service Unavailable"},
    ]
    told = "([fault, failed]) => { Object.assign(window.stub, { fault, failed }); }"
    stop = asyncio.Event()
    worker = Worker(desk.sockets.address("work"), "renderer-1", ["render"], stub.perform, slots=2)
    working = asyncio.create_task(worker.run(stop))
    page, replaced = stub.page, stub.stage.replaced
    await page.tab.evaluate(told, ["incomplete", failed])
    bad, good = desk.put((-1, 0), (1, 0))
    await desk.done(good)
    await desk.until("a nack", lambda: bool(desk.nacked))
    again = desk.nacked[0]
    assert (again.job, again.error_class, again.retry) == (bad, "transient", True)
    tile = "http://127.0.0.1:1/tiles/15/5241/12662.pbf (unreachable)"
    assert again.reason.startswith(f"The scene is not complete here: could not load {tile}, ")
    assert "503 Service Unavailable" in again.reason
    assert "CANARY" not in again.reason
    assert len(again.reason) < 700
    await page.tab.evaluate(
        told, ["incomplete", [{"address": "http://a/b", "reason": "the server refused the key (status 403)"}]]
    )
    await desk.until("a refusal", lambda: desk.nacked[-1].error_class == "rejected")
    assert desk.nacked[-1].reason.endswith("http://a/b (the server refused the key (status 403)).")
    await page.tab.evaluate(told, [None, []])
    await desk.done(bad)
    assert (stub.page, stub.stage.replaced) == (page, replaced)
    stop.set()
    await working
    desk.close()


async def test_the_status_says_which_browser_draws_and_how_much(stub: Renderer) -> None:
    await stub.draw(1, frame_box((0, 0)))
    browser = re.escape(stub.browser.program)
    sandbox = "" if stub.browser.sandboxed else ", no sandbox"
    said = rf"Chromium \d+\.[\d.]+ \({browser}{sandbox}\), [^;]+; \d+ frames, \d+ recycles, \d+ MB"
    assert re.fullmatch(said, stub.doing())


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
