"""A warm page against a browser per render of the same scene, and whether frames agree where they overlap."""

import asyncio
import contextlib
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil

from bench.figure import Figure
from bench.keeper import Asker, KeeperProcess, keeper
from protocol.ingest import Publish
from protocol.plan import Plan, Step
from protocol.work import Lease
from services.renderer import leftovers
from services.renderer.browser import Browser
from services.renderer.page import Page
from services.renderer.renderer import IN_PAGE, Renderer
from services.renderer.scenes import files
from services.renderer.site import Site
from services.renderer.usage import megabytes
from services.scene import Scene
from services.tiling.quadrant import Box, frame_box, frame_quadrants
from services.worker import Result, Worker

Frames = Sequence[tuple[int, int]]

FIRST = (0, 0)
WARM_UP = [(x, y) for y in range(-4, 4) for x in (-5, 4)]
"""Drawn before anything is measured, elsewhere: a page that is open for weeks has its code compiled."""
ROUNDS = [[(x, top + y) for y in range(2) for x in range(-4, 4)] for top in (-4, -2, 0, 2)]
"""Frames drawn as a plan asks for them: neighbours, none of them drawn before. In each round they are drawn
for a keeper and in a page that does nothing but draw, in turn one or the other first, and two of them each by
a browser launched for it: so what else the machine does meanwhile slows all three alike."""
FIRSTS = 3
SHIFTS = [(512, 0), (0, 512), (-300, 411)]

ALONE = """async requests => {
    // Drawn to the end, but neither read back, beyond one pixel of each block, nor sent.
    const gl = WebGL2RenderingContext.prototype;
    const { readPixels, getBufferSubData } = gl;
    gl.readPixels = function (x, y, width, height, ...where) { readPixels.call(this, x, y, 1, 1, ...where); };
    gl.getBufferSubData = function (target, offset, planes) {
        getBufferSubData.call(this, target, offset, planes, 0, 4);
        // The page looks at the last byte of a plane for the picture of a lost context.
        planes[planes.length / 3 - 1] = planes[planes.length - 1] = 255;
    };
    const started = performance.now();
    for (const request of requests) await window.tilewright.draw(request);
    const took = performance.now() - started;
    Object.assign(gl, { readPixels, getBufferSubData });
    return took / 1000;
}"""


def figures() -> Iterator[Figure]:
    """Everything measured in one run, on the real scene."""
    yield from asyncio.run(_measure())


class Counting(Worker):
    """A worker that tells how many results the keeper has taken."""

    taken = 0
    heard: asyncio.Event

    def told(self, lease: Lease, result: Result, taken: bool) -> None:
        """Count what the keeper says it has on disk."""
        self.taken += taken
        self.heard.set()


async def _measure() -> list[Figure]:
    found = files(Scene())
    site = Site(found.page, found.city)
    await site.open()
    acked: list[float] = []
    alone: list[float] = []
    launched: list[float] = []
    used: list[Counter[str]] = []
    with tempfile.TemporaryDirectory(prefix="tw-") as folder, keeper() as keeping:
        renderer = Renderer(site, Path(folder) / "warm", None, "san-francisco")
        asker = Asker(keeping.sockets.address("ingest"))
        worker = Counting(
            keeping.sockets.address("work"), "bench-1", ["render"], renderer.perform, slots=IN_PAGE + 1
        )
        worker.heard, stop = asyncio.Event(), asyncio.Event()
        working = asyncio.create_task(worker.run(stop))
        try:
            await renderer.open()
            await _acked(asker, worker, WARM_UP)
            async with _opened(Path(folder) / "alone", site) as other:
                drawing = await Page.open(other, site)
                await drawing.tab.evaluate(ALONE, _requests(WARM_UP))
                for number, frames in enumerate(ROUNDS):
                    if number % 2:
                        alone.append(await drawing.tab.evaluate(ALONE, _requests(frames)) / len(frames))
                    before = await asyncio.to_thread(_used, renderer, keeping)
                    acked.append(await _seconds(_acked(asker, worker, frames)) / len(frames))
                    used.append(_spent(before, await asyncio.to_thread(_used, renderer, keeping), frames))
                    if not number % 2:
                        alone.append(await drawing.tab.evaluate(ALONE, _requests(frames)) / len(frames))
                    cold = [_seconds(_launch(Path(folder) / "cold", site, frame)) for frame in frames[::8]]
                    launched.append(statistics.mean([await one for one in cold]))
            memory = await asyncio.to_thread(lambda: megabytes(renderer.browser.processes()))
            differing = await _differing(renderer)
            first = [await _first(Path(folder) / "cold", site, FIRST) for _ in range(FIRSTS)]
            drawn_by = renderer.page.graphics
        finally:
            stop.set()
            await asyncio.gather(working, return_exceptions=True)
            asker.close()
            await renderer.close()
            await site.close()
    count = sum(map(len, ROUNDS))
    return [
        Figure(
            "render_acked_seconds",
            statistics.median(acked),
            "s",
            note=f"1024², drawn by {drawn_by}, read, checked, cut, encoded, in the keeper; {count} frames",
        ),
        Figure(
            "render_alone_seconds",
            statistics.median(alone),
            "s",
            note="the same frames drawn in another page, neither read back nor sent",
        ),
        Figure(
            "render_launch_seconds",
            statistics.median(launched),
            "s",
            note=f"with a browser launched for each, drawn, cut and encoded; {2 * len(launched)} launches",
        ),
        Figure(
            "render_acked_vs_launch",
            _ratio(launched, acked),
            "×",
            ">= 25",
            f"median of {len(ROUNDS)} rounds of {len(ROUNDS[0])} frames",
        ),
        Figure("render_acked_vs_alone", _ratio(alone, acked), "×", ">= 0.85", "the same"),
        Figure(
            "render_acked_processor",
            statistics.median(sum(spent.values()) for spent in used),
            "s",
            note="of all processors for a frame: " + _where(used),
        ),
        Figure(
            "render_first_frame_seconds",
            statistics.median(first),
            "s",
            "<= 4",
            "from the browser being up to the first frame, which is drawn twice and compared",
        ),
        Figure(
            "render_browser_megabytes",
            memory,
            "MB",
            "<= 1500",
            f"all its processes after {count} frames, shared memory counted once",
        ),
        Figure(
            "render_overlap_differing_pixels",
            differing,
            "px",
            "== 0",
            f"{len(SHIFTS)} shifted frames against the canonical ones: colour, object, depth",
        ),
    ]


def _ratio(slow: Sequence[float], quick: Sequence[float]) -> float:
    """Round by round: what else the machine does then slows both, and leaves their ratio alone."""
    return statistics.median(a / b for a, b in zip(slow, quick, strict=True))


def _used(renderer: Renderer, keeping: KeeperProcess) -> Counter[str]:
    """Seconds of processor time so far, by what used them."""
    browser = {process: kind_of(process) for process in renderer.browser.processes()}
    assert keeping.process is not None
    others = {psutil.Process(): "worker", psutil.Process(keeping.process.pid): "keeper"}
    # Those of the other browsers sleep meanwhile.
    others |= {driver: "driver" for driver in leftovers.drivers()}
    used: Counter[str] = Counter()
    for process, kind in {**browser, **others}.items():
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            used[kind] += times.user + times.system
    return used


def kind_of(process: psutil.Process) -> str:
    """What a process of a browser does: `page`, `drawing`, or `browser` for all else."""
    with contextlib.suppress(psutil.Error):
        words = [word.removeprefix("--type=") for word in process.cmdline() if word.startswith("--type=")]
        return {"renderer": "page", "gpu-process": "drawing"}.get(words[0] if words else "", "browser")
    return "browser"


def _spent(before: Counter[str], after: Counter[str], frames: Frames) -> Counter[str]:
    return Counter({kind: (after[kind] - before[kind]) / len(frames) for kind in after})


def _where(rounds: Sequence[Counter[str]]) -> str:
    """In milliseconds, the most first."""
    kinds = {kind: 1_000 * statistics.median(spent[kind] for spent in rounds) for kind in rounds[0]}
    return ", ".join(f"{kind} {kinds[kind]:.0f} ms" for kind in sorted(kinds, key=kinds.__getitem__)[::-1])


async def _seconds(work: Awaitable[object]) -> float:
    started = time.perf_counter()
    await work
    return time.perf_counter() - started


async def _acked(asker: Asker, worker: Counting, frames: Frames) -> None:
    """From the plan being published to its last frame being on the keeper's disk."""
    steps = [
        Step(id=f"r{number}", kind="render", quadrants=[tuple(cell) for cell in frame_quadrants(frame)])
        for number, frame in enumerate(frames)
    ]
    wanted = worker.taken + len(frames)
    name = "bench-" + "-".join(map(str, frames[0]))
    await asyncio.to_thread(asker.ask, Publish(plan=Plan(id=name, steps=steps)))
    while worker.taken < wanted:
        worker.heard.clear()
        await worker.heard.wait()


def _requests(frames: Frames) -> list[dict[str, Any]]:
    corners = [frame_box(frame) for frame in frames]
    return [
        {"job": "alone", "x": at.left, "y": at.top, "width": 1_024, "height": 1_024, "url": ""}
        for at in corners
    ]


async def _launch(folder: Path, site: Site, frame: tuple[int, int]) -> None:
    """One frame as whoever launches a browser for it would make it: drawn once."""
    async with _opened(folder, site) as browser:
        page = await Page.open(browser, site)
        page.frames = 1
        await asyncio.to_thread((await page.draw(1, frame_box(frame))).tiles, frame_quadrants(frame))


async def _first(folder: Path, site: Site, frame: tuple[int, int]) -> float:
    """Seconds from a browser that runs to the first frame of ours: drawn twice, and compared."""
    async with _opened(folder, site) as browser:
        started = time.perf_counter()
        await (await Page.open(browser, site)).draw(1, frame_box(frame))
        return time.perf_counter() - started


@contextlib.asynccontextmanager
async def _opened(folder: Path, site: Site) -> AsyncIterator[Browser]:
    browser = Browser(folder, None, site.origin)
    await browser.start()
    try:
        yield browser
    finally:
        await browser.close()


async def _differing(renderer: Renderer) -> int:
    """Pixels of shifted frames that are not those of the canonical frames under them, in any plane."""
    differing = 0
    for x, y in SHIFTS:
        shifted = await renderer.draw(1, Box(x, y, x + 1_024, y + 1_024))
        under = {(i // 1_024, j // 1_024) for i in (x, x + 1_023) for j in (y, y + 1_023)}
        for frame in under:
            differing += shifted.differing(await renderer.draw(1, frame_box(frame)))
    return differing
