"""A warm page against a browser per render of the same scene, and whether frames agree where they overlap."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import numpy as np

from bench.figure import Figure
from services.config import Scene
from services.renderer.browser import Browser
from services.renderer.frame import Frame
from services.renderer.page import Page
from services.renderer.renderer import Renderer
from services.renderer.scenes import files
from services.renderer.site import Site
from services.tiling.quadrant import Box, frame_box, frame_quadrants

Draw = Callable[[int, Box], Awaitable[Frame]]

WARM_UP = [(0, 0), (1, 0)]
ROUNDS = [
    [(-2, 0), (-1, 0), (-2, 1), (-1, 1)],
    [(0, -2), (1, -2), (0, -1), (1, -1)],
    [(2, 0), (3, 0), (2, 1), (3, 1)],
    [(-2, -2), (-1, -2), (-2, -1), (-1, -1)],
    [(0, 2), (1, 2), (0, 3), (1, 3)],
]
"""Frames drawn as a plan asks for them: neighbours, none of them drawn before. Each round is followed by one
launch, so that what else the machine does meanwhile slows both ways alike."""
SHIFTS = [(512, 0), (0, 512), (-300, 411)]


def figures() -> Iterator[Figure]:
    """Everything measured in one run, on the real scene."""
    yield from asyncio.run(_measure())


async def _measure() -> list[Figure]:
    found = files(Scene())
    site = Site(found.page, found.city)
    await site.open()
    warm: list[float] = []
    launched: list[float] = []
    with tempfile.TemporaryDirectory(prefix="tw-") as folder:
        renderer = Renderer(site, Path(folder) / "warm", None, "san-francisco")
        try:
            await renderer.open()
            await asyncio.gather(*(_cut(renderer.draw, frame) for frame in WARM_UP))
            for frames in ROUNDS:
                # As the renderer works: one frame is cut and encoded while the next is drawn.
                together = asyncio.gather(*(_cut(renderer.draw, frame) for frame in frames))
                warm.append(await _seconds(together) / len(frames))
                launched.append(await _seconds(_launch(Path(folder) / "cold", site, frames[0])))
            differing = await _differing(renderer)
        finally:
            await renderer.close()
            await site.close()
    per_frame, per_launch = statistics.median(warm), statistics.median(launched)
    # Round by round: what else the machine does then slows both, and leaves their ratio alone.
    ratio = statistics.median(cold / hot for cold, hot in zip(launched, warm, strict=True))
    count = sum(map(len, ROUNDS))
    return [
        Figure(
            "render_warm_seconds",
            per_frame,
            "s",
            note=f"1024² drawn, read back, cut and encoded; {count} frames, {len(ROUNDS[0])} in a row",
        ),
        Figure(
            "render_launch_seconds",
            per_launch,
            "s",
            note=f"the same with a browser launched for each frame; {len(launched)} launches",
        ),
        Figure("render_warm_vs_launch", ratio, "×", ">= 8", note=f"median of {len(warm)} rounds"),
        Figure(
            "render_overlap_differing_pixels",
            differing,
            "px",
            "== 0",
            note=f"{len(SHIFTS)} shifted frames against the canonical ones: colour, object, depth",
        ),
    ]


async def _seconds(work: Awaitable[object]) -> float:
    started = time.perf_counter()
    await work
    return time.perf_counter() - started


async def _cut(draw: Draw, frame: tuple[int, int]) -> None:
    drawn = await draw(1, frame_box(frame))
    await asyncio.to_thread(drawn.tiles, frame_quadrants(frame))


async def _launch(folder: Path, site: Site, frame: tuple[int, int]) -> None:
    browser = Browser(folder, None, site.origin)
    await browser.start()
    try:
        page = await Page.open(browser, site)
        await _cut(page.draw, frame)
    finally:
        await browser.close()


async def _differing(renderer: Renderer) -> int:
    """Pixels of shifted frames that are not those of the canonical frames under them, in any plane."""
    differing = 0
    for x, y in SHIFTS:
        shifted = await renderer.draw(1, Box(x, y, x + 1_024, y + 1_024))
        under = {(i // 1_024, j // 1_024) for i in (x, x + 1_023) for j in (y, y + 1_023)}
        for frame in under:
            differing += _differ(shifted, await renderer.draw(1, frame_box(frame)))
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
