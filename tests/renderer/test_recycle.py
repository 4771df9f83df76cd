"""A page that has drawn long enough makes room for a new one, and no job notices."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from services.config import Recycle
from services.renderer import leftovers, stage
from services.renderer.frame import Frame
from services.renderer.renderer import Renderer
from services.tiling.quadrant import Box
from tests.renderer.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

HERE = Box(-300, 200, 0, 500)


def browsers(renderer: Renderer) -> list[Path]:
    """The profiles that a browser runs on."""
    folder = renderer.browser.folder
    both = (folder.with_suffix(""), folder.with_suffix(".spare"))
    return [found for found in both if leftovers.find(found / "profile")]


@asynccontextmanager
async def busy(renderer: Renderer) -> AsyncIterator[list[Frame]]:
    """The same frame drawn over and over, two at a time, as two jobs would."""
    stopped = asyncio.Event()
    drawn: list[Frame] = []

    async def go_on(job: int) -> None:
        # Two boxes, so that the drawings are not shared.
        while not stopped.is_set():
            drawn.append(await renderer.draw(job, HERE._replace(right=job)))
            # Jobs enough, and some of this machine for the page that is opened.
            await asyncio.sleep(0.05)

    jobs = [asyncio.create_task(go_on(job)) for job in (1, 2)]
    yield drawn
    stopped.set()
    await asyncio.gather(*jobs)


@pytest.mark.parametrize("whole", [False, True])
async def test_frames_are_drawn_while_another_page_is_opened(stub: Renderer, whole: bool) -> None:
    before = await stub.draw(1, HERE)
    page, browser = stub.page, stub.browser
    recycled, replaced = stub.stage.recycled, stub.stage.replaced
    async with busy(stub) as drawn:
        while not drawn:  # noqa: ASYNC110 - the first frame of many
            await asyncio.sleep(0.01)
        count, opened = len(drawn), page.frames
        assert await stub.stage.recycle(whole=whole)
        assert len(drawn) > count
        assert page.frames > opened
    assert page.tab.is_closed()
    assert stub.page is not page
    assert (stub.browser is browser) is not whole
    assert (stub.stage.recycled, stub.stage.replaced) == (recycled + 1, replaced)
    assert len(browsers(stub)) == 1
    # The new page has drawn before it came into use.
    assert stub.page.frames > 0
    for frame in [await stub.draw(1, HERE), *drawn]:
        assert frame.differing(before) == 0


async def test_an_old_page_gives_back_what_it_does_not_need_before_another_is_opened(stub: Renderer) -> None:
    tab = stub.page.tab
    await tab.evaluate("() => { window.litter = new WeakRef(new Array(1_000_000).fill(1)); }")
    await stub.page.tidy()
    assert await tab.evaluate("() => window.litter.deref() === undefined")
    # One that is gone has nothing to give back.
    assert await stub.stage.recycle()
    page = stub.page
    assert await stub.stage.recycle()
    await page.tidy()


async def test_a_page_is_relieved_after_its_frames(stub: Renderer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "WEIGHING_SECONDS", 0.05)
    # The loop that waits for age slept before it could notice; one of our own does not.
    watching = asyncio.create_task(stub.watch())
    page, recycled = stub.page, stub.stage.recycled
    stub.stage.limits = Recycle(frames=10)
    try:
        async with asyncio.timeout(60):
            while stub.stage.recycled == recycled:
                await stub.draw(1, HERE)
        # Called off before that, it would leave the old page open.
        await until("the old page closed", page.tab.is_closed)
    finally:
        stub.stage.limits = Recycle()
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    assert stub.page is not page
    assert page.frames >= 10
    assert stub.stage.megabytes > 0


async def test_a_page_draws_on_if_no_other_can_be_opened(
    stub: Renderer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    page, site = stub.page, stub.stage.site
    (tmp_path / "index.html").write_text(
        "<script>window.tilewright = { ready: Promise.reject(new Error('No scene.')) }</script>"
    )
    whole, site.pages = site.pages, tmp_path
    try:
        assert not await stub.stage.recycle()
    finally:
        site.pages = whole
    assert "No scene." in caplog.text
    assert stub.page is page
    assert (await stub.draw(1, HERE)).pixels == HERE
    # On a busy machine a tab may close after the patience with it has ended.
    await until("one tab", lambda: len(stub.browser.tabs) == 1)


async def test_a_new_page_that_draws_otherwise_is_not_used(
    stub: Renderer, caplog: pytest.LogCaptureFixture
) -> None:
    frame, page = await stub.draw(1, HERE), stub.page
    other = frame.colour.copy()
    other[7, 7, 0] ^= 1
    stub.stage.accept(page, dataclasses.replace(frame, colour=other))
    assert not await stub.stage.recycle()
    assert "differs: 1 pixels" in caplog.text
    assert stub.page is page
    # When a second one draws like the first, the picture before them was the wrong one.
    assert not await stub.stage.recycle()
    assert "draw it again" in caplog.text
    assert await stub.stage.recycle()
    await until("one tab", lambda: len(stub.browser.tabs) == 1)


async def test_a_stop_while_another_browser_is_opened_leaves_neither(stub: Renderer) -> None:
    page = stub.page
    recycling = asyncio.create_task(stub.stage.recycle(whole=True))
    async with asyncio.timeout(60):
        while len(browsers(stub)) < 2:  # noqa: ASYNC110 - processes do not tell us when they change
            await asyncio.sleep(0.05)
    recycling.cancel()
    await asyncio.gather(recycling, return_exceptions=True)
    # The fixture sees to it that neither outlives the renderer.
    assert stub.page is page
