"""Whatever happens to the browser, the frame that was asked for comes, and nothing else does."""

import asyncio
import contextlib
import os
import signal

import psutil
import pytest
from playwright.async_api import Error as PlaywrightError

from services.renderer import leftovers
from services.renderer.frame import Frame
from services.renderer.renderer import Renderer
from services.tiling.quadrant import Box, frame_box
from tests.renderer.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


def processes(renderer: Renderer) -> list[psutil.Process]:
    return leftovers.find(renderer.browser.folder / "profile")


def of_type(renderer: Renderer, kind: str) -> psutil.Process:
    """One Chromium process; the browser process itself has no type."""
    for process in processes(renderer):
        words = process.cmdline()
        if kind == "browser" and not any(word.startswith("--type=") for word in words):
            return process
        if f"--type={kind}" in words:
            return process
    raise AssertionError(f"no {kind} process")


def driver_of(renderer: Renderer) -> psutil.Process:
    """Other tests of this process may have drivers of their own; the browser's parent is the one."""
    driver = of_type(renderer, "browser").parent()
    assert driver is not None and "node" in driver.name()
    return driver


async def one_browser(renderer: Renderer) -> None:
    def browsers() -> int:
        words = [process.cmdline() for process in processes(renderer)]
        return sum(bool(found) and not any(w.startswith("--type=") for w in found) for found in words)

    await until("one browser", lambda: browsers() == 1)


def same(a: Frame, b: Frame) -> bool:
    return all(
        bool((left == right).all())
        for left, right in ((a.colour, b.colour), (a.object, b.object), (a.depth, b.depth))
    )


def place(x: int, y: int) -> Box:
    """A few pixels of a place: what goes wrong here does not depend on how many there are."""
    left, top, _, _ = frame_box((x, y))
    return Box(left, top, left + 256, top + 256)


async def good(renderer: Renderer, frame: tuple[int, int]) -> Frame:
    """The place drawn by a page that is well."""
    return await renderer.draw(1, place(*frame))


@pytest.mark.parametrize("victim", ["browser", "gpu-process", "renderer", "driver", "chrome://crash"])
async def test_a_killed_process_costs_no_frame(stub: Renderer, victim: str) -> None:
    before = await good(stub, (3, -2))
    if victim == "driver":
        driver_of(stub).kill()
    elif victim.startswith("chrome://"):
        with contextlib.suppress(PlaywrightError):
            await stub.page.tab.goto(victim)
    else:
        os.kill(of_type(stub, victim).pid, signal.SIGKILL)
    assert same(await stub.draw(1, place(3, -2)), before)
    await one_browser(stub)


async def test_a_gpu_process_killed_again_and_again_costs_no_frame(stub: Renderer) -> None:
    before = await good(stub, (0, 0))
    for _ in range(4):
        os.kill(of_type(stub, "gpu-process").pid, signal.SIGKILL)
        assert same(await stub.draw(1, place(0, 0)), before)
        await until(
            "a GPU process", lambda: any("--type=gpu-process" in p.cmdline() for p in processes(stub))
        )


async def test_a_page_that_dies_while_nobody_draws_is_replaced_at_once(stub: Renderer) -> None:
    await good(stub, (0, 0))
    page, replaced = stub.page, stub.stage.replaced
    os.kill(of_type(stub, "browser").pid, signal.SIGKILL)
    await until("a new page", lambda: stub.page is not page)
    assert stub.stage.replaced == replaced + 1


@pytest.mark.parametrize("stopped", ["browser", "driver"])
async def test_a_stopped_browser_is_killed_and_replaced(stub: Renderer, stopped: str) -> None:
    before = await good(stub, (1, 1))
    old, driver = of_type(stub, "browser"), driver_of(stub)
    stub.page.vigil.quiet_seconds = 1.0
    for process in [driver] if stopped == "driver" else processes(stub):
        process.suspend()
    assert same(await stub.draw(1, place(1, 1)), before)
    # Of a parent that was killed, another process reaps the children: they are dead before they are gone.
    await until("the old browser's end", lambda: not old.is_running())
    await until("the driver's end", lambda: not driver.is_running())
    await one_browser(stub)


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ("hang", "hung"),
        ("never", "hung"),
        ("exhaust", "crashed"),
        ("flicker", "differs"),
        ("throw", "failed"),
        ("silent", "bad frame"),
        ("short", "bad frame"),
        ("blank", "bad frame"),
        ("careless blank", "context lost"),
        ("careless stale", "context lost"),
    ],
)
async def test_a_page_that_goes_wrong_is_replaced_and_the_frame_drawn_again(
    stub: Renderer, fault: str, cause: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = await good(stub, (5, 5))
    await good(stub, (6, 6))
    page = stub.page
    page.vigil.busy_seconds = page.vigil.quiet_seconds = 1.0
    await page.tab.evaluate("fault => { window.stub.fault = fault; }", fault)
    assert same(await stub.draw(1, place(5, 5)), before)
    assert stub.page is not page
    assert f"{cause}: " in caplog.text
    await one_browser(stub)


async def test_a_frame_sent_to_the_address_of_an_earlier_one_is_not_taken(stub: Renderer) -> None:
    before = await good(stub, (5, 5))
    await stub.page.tab.evaluate("() => { window.stub.fault = 'late'; }")
    other = await good(stub, (6, 6))
    assert await stub.page.tab.evaluate("() => window.stub.late") == 404
    assert not same(other, before)
    await stub.page.tab.evaluate("() => { window.stub.fault = null; }")


async def test_a_job_called_off_leaves_the_page_to_the_next_one(stub: Renderer) -> None:
    before = await good(stub, (2, 2))
    begun = asyncio.Event()
    called_off = asyncio.create_task(stub.draw(1, Box(0, 0, 1_024, 1_024), begun.set))
    await begun.wait()
    called_off.cancel()
    with pytest.raises(asyncio.CancelledError):
        await called_off
    replaced = stub.stage.replaced
    assert same(await stub.draw(1, place(2, 2)), before)
    assert stub.stage.replaced == replaced


async def test_the_browser_reaches_no_other_address(stub: Renderer) -> None:
    asked: list[asyncio.StreamWriter] = []
    trap = await asyncio.start_server(lambda _, writer: asked.append(writer), "127.0.0.1", 0)
    port = trap.sockets[0].getsockname()[1]
    address = f"http://127.0.0.1:{port}/"
    said = await stub.page.tab.evaluate(
        "url => fetch(url, { mode: 'no-cors' }).then(() => 'reached', () => 'refused')", address
    )
    assert said == "refused"
    # Without the page's policy the way is closed as well.
    tab = await stub.browser.new_tab()
    answer = await tab.goto(address)
    assert answer is not None and answer.status == 403
    await tab.close()
    trap.close()
    await trap.wait_closed()
    assert asked == []
