"""The drawing of the city alone, held against flat boxes on the same ground and against its colour alone."""

import asyncio
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

from playwright.async_api import Page as Tab

from bench.colour import COLOUR_ALONE
from bench.figure import Figure
from services.renderer.browser import Browser
from services.renderer.scenes import files
from services.renderer.site import Site
from services.scene import Scene
from services.tiling.quadrant import frame_box

FRAMES = [(1, -1), (-1, 2), (-3, 0), (3, 1), (-3, -2), (0, -3)]
"""Dense streets, hills with a lake, a hospital, a large junction, a park, big buildings."""
ROUNDS = 5
DRAW = """async ([x, y, width, height]) => {
    const started = performance.now();
    await window.tilewright.draw({ job: "bench", x, y, width, height, url: "" });
    return (performance.now() - started) / 1000;
}"""
"""Draws and reads back, but sends nothing."""


def figures() -> Iterator[Figure]:
    """Both measured in turn, so that what else the machine does slows both alike."""
    yield from asyncio.run(_measure())


async def _measure() -> list[Figure]:
    found = files(Scene())
    site = Site(found.page, found.city)
    await site.open()
    first: list[float] = []
    city: list[float] = []
    ratios: list[float] = []
    passes: list[float] = []
    with tempfile.TemporaryDirectory(prefix="tw-") as folder:
        browser = Browser(Path(folder) / "chromium", None, site.origin)
        await browser.start()
        try:
            full, flat = await _open(browser, site, ""), await _open(browser, site, "?flat")
            for frame in FRAMES:
                first.append(await _seconds(full, frame) / await _seconds(flat, frame))
                pairs = [(await _seconds(full, frame), await _seconds(flat, frame)) for _ in range(ROUNDS)]
                city.append(statistics.median(hot for hot, _ in pairs))
                ratios.append(statistics.median(hot / cold for hot, cold in pairs))
            await flat.close()
            colour = await _open(browser, site, "", COLOUR_ALONE)
            for frame in FRAMES:
                await _seconds(full, frame), await _seconds(colour, frame)
                passes.append(
                    statistics.median(
                        [await _seconds(full, frame) / await _seconds(colour, frame) for _ in range(ROUNDS)]
                    )
                )
        finally:
            await browser.close()
            await site.close()
    listed = ", ".join(f"{ratio:.1f}" for ratio in ratios)
    shares = ", ".join(f"{ratio:.2f}" for ratio in passes)
    return [
        Figure(
            "scene_draw_seconds",
            statistics.median(city),
            "s",
            note=f"1024² of the city drawn and read back, warm; {len(FRAMES)} frames",
        ),
        Figure(
            "scene_draw_vs_flat_boxes",
            statistics.median(ratios),
            "×",
            "<= 2.5",
            note=f"warm, median of the frames: {listed}",
        ),
        Figure(
            "scene_first_draw_vs_flat_boxes",
            statistics.median(first),
            "×",
            note="the same with chunks and shadows built in it",
        ),
        Figure(
            "scene_draw_vs_colour_alone",
            statistics.median(passes),
            "×",
            "<= 1.35",
            note=f"all planes against one, drawn and read back, warm, median of the frames: {shares}",
        ),
    ]


async def _open(browser: Browser, site: Site, query: str, first: str = "") -> Tab:
    tab = await browser.new_tab()
    if first:
        await tab.add_init_script(f"({first})()")
    await tab.goto(f"{site.origin}/{query}")
    await tab.evaluate("() => window.tilewright.ready")
    return tab


async def _seconds(tab: Tab, frame: tuple[int, int]) -> float:
    box = frame_box(frame)
    size = [box.right - box.left, box.bottom - box.top]
    seconds: float = await tab.evaluate(DRAW, [box.left, box.top, *size])
    return seconds
