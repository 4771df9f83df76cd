"""A warm page against a browser per render of the same scene, and whether frames agree where they overlap."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Iterator
from pathlib import Path

import numpy as np

from bench.figure import Figure
from services.config import Scene
from services.renderer.browser import Browser
from services.renderer.frame import Frame
from services.renderer.page import Page
from services.renderer.scenes import files
from services.renderer.site import Site
from services.tiling.quadrant import Box, frame_box, frame_quadrants

WARM_UP = [(0, 0), (1, 0)]
FRAMES = [(-1, 0), (0, -1), (-2, 1), (2, 1), (1, -2), (-1, 2), (3, 0), (-3, -1)]
"""Frames in different quarters of the city, none of them drawn in the warm-up."""
LAUNCHES = 3
SHIFTS = [(512, 0), (0, 512), (-300, 411)]


def figures() -> Iterator[Figure]:
    """Everything measured in one run, on the real scene."""
    yield from asyncio.run(_measure())


async def _measure() -> list[Figure]:
    found = files(Scene())
    site = Site(found.page, found.city)
    await site.open()
    with tempfile.TemporaryDirectory(prefix="tw-") as folder:
        try:
            browser = Browser(Path(folder) / "warm", None, site.origin)
            await browser.start()
            try:
                page = await Page.open(browser, site)
                for frame in WARM_UP:
                    await _cut(page, frame)
                warm = [await _seconds(_cut(page, frame)) for frame in FRAMES]
                differing = await _differing(page)
            finally:
                await browser.close()
            cold = [
                await _seconds(_launch(Path(folder) / "cold", site, frame)) for frame in FRAMES[:LAUNCHES]
            ]
        finally:
            await site.close()
    warm_seconds, cold_seconds = statistics.median(warm), statistics.median(cold)
    how = f"median of {len(warm)} frames of 1024², drawn, read back, cut and encoded"
    return [
        Figure("render_warm_seconds", warm_seconds, "s", note=how),
        Figure(
            "render_launch_seconds", cold_seconds, "s", note=f"a browser per frame, median of {len(cold)}"
        ),
        Figure("render_warm_vs_launch", cold_seconds / warm_seconds, "×", ">= 8", note="in the same run"),
        Figure(
            "render_overlap_differing_pixels",
            differing,
            "px",
            "== 0",
            note=f"canonical frames against {len(SHIFTS)} shifted ones, in colour, object and depth",
        ),
    ]


async def _seconds(work: Awaitable[None]) -> float:
    started = time.perf_counter()
    await work
    return time.perf_counter() - started


async def _cut(page: Page, frame: tuple[int, int]) -> None:
    drawn = await page.draw(1, frame_box(frame))
    await asyncio.to_thread(drawn.tiles, frame_quadrants(frame))


async def _launch(folder: Path, site: Site, frame: tuple[int, int]) -> None:
    browser = Browser(folder, None, site.origin)
    await browser.start()
    try:
        await _cut(await Page.open(browser, site), frame)
    finally:
        await browser.close()


async def _differing(page: Page) -> int:
    """Pixels of shifted frames that are not those of the canonical frames under them, in any plane."""
    differing = 0
    for x, y in SHIFTS:
        shifted = await page.draw(1, Box(x, y, x + 1_024, y + 1_024))
        under = {(i // 1_024, j // 1_024) for i in (x, x + 1_023) for j in (y, y + 1_023)}
        for frame in under:
            differing += _differ(shifted, await page.draw(1, frame_box(frame)))
    return differing


def _differ(frame: Frame, other: Frame) -> int:
    a, b = frame.pixels, other.pixels
    both = Box(max(a.left, b.left), max(a.top, b.top), min(a.right, b.right), min(a.bottom, b.bottom))
    return sum(
        int((_part(mine, a, both) != _part(theirs, b, both)).any(axis=2).sum())
        for mine, theirs in (
            (frame.colour, other.colour),
            (frame.object, other.object),
            (frame.depth, other.depth),
        )
    )


def _part(plane: np.ndarray, whole: Box, part: Box) -> np.ndarray:
    return plane[
        part.top - whole.top : part.bottom - whole.top, part.left - whole.left : part.right - whole.left
    ]
