"""Eight hours of work in one run: memory and failures of the renderer over 20,000 frames of the real scene.

`python -m bench.endurance [FRAMES [FRAMES_OF_A_PAGE]]`; too long for `make bench`, about an hour on two
cores. With the second number a page is relieved after so many frames, so that a short run has that in it
too. Ctrl-C ends it with the figures of what was drawn. Where another Chromium runs beside it, what both
share counts half: the level then falls and rises by 100 MB as that one comes and goes.
"""

import asyncio
import signal
import sys
import tempfile
import time
from pathlib import Path

import psutil

from bench.figure import Figure
from bench.renderer import kind_of
from services.config import Recycle
from services.renderer.leftovers import drivers
from services.renderer.renderer import IN_PAGE, Renderer
from services.renderer.scenes import files
from services.renderer.site import Site
from services.renderer.usage import megabytes
from services.scene import Scene
from services.tiling.quadrant import frame_box, frame_quadrants
from services.worker import TryFailed

FRAMES = 20_000
SETTLED = 500
"""After so many frames, or a tenth of all, the memory has its level."""
LOOK = 100
"""Frames between two looks at the memory; in a short run there are twenty looks."""
LOOKS = 10
"""Looks at the memory between two at its parts."""
AREA = [(x, y) for y in range(-3, 4) for x in range(-5, 5)]
"""The whole city, frame by frame, over and over."""


class Run:
    """So many frames drawn and encoded one after the other, until they are there or `stop` is set."""

    def __init__(self, renderer: Renderer, count: int) -> None:
        self.stop = asyncio.Event()
        self.drawn = 0
        self.failed = 0
        self.sizes: list[tuple[int, int]] = []
        """After how many frames browser and worker had how many megabytes."""
        self._renderer = renderer
        self._count = count
        self._look = max(1, min(LOOK, count // 20))
        self._turns = iter(range(count))
        self._began = time.perf_counter()

    async def go(self) -> None:
        """Draw as the worker does: while a frame is encoded, the page draws the next."""
        await asyncio.gather(*(self._go_on() for _ in range(IN_PAGE + 1)))
        await self._weigh()

    async def _go_on(self) -> None:
        # One iterator for all, so each number is drawn once.
        for number in self._turns:
            if self.stop.is_set():
                return
            frame = AREA[number % len(AREA)]
            try:
                drawn = await self._renderer.draw(number, frame_box(frame))
                await asyncio.to_thread(drawn.tiles, frame_quadrants(frame))
            except TryFailed as failure:
                self.failed += 1
                print(f"frame {number}: {failure.reason}", flush=True)
            self.drawn += 1
            if self.drawn % self._look == 0:
                await self._weigh()

    async def _weigh(self) -> None:
        size = await asyncio.to_thread(_size, self._renderer)
        self.sizes.append((self.drawn, size))
        pace = self.drawn / (time.perf_counter() - self._began)
        stage = self._renderer.stage
        print(
            f"{self.drawn} of {self._count} frames, {pace:.2f} frames/s, {size} MB, {self.failed} failed, "
            f"{stage.recycled} recycles, {stage.replaced} replaced",
            flush=True,
        )
        if len(self.sizes) % LOOKS == 0:
            parts = await asyncio.to_thread(_parts, self._renderer)
            print("  " + ", ".join(f"{name} {size} MB" for name, size in parts.items()), flush=True)

    def figures(self) -> list[Figure]:
        """What it came to, as far as it came."""
        settled = min(SETTLED, self.drawn // 10)
        after, level = next((size for size in self.sizes if size[0] >= settled), self.sizes[-1])
        most = max(size for drawn, size in self.sizes if drawn >= after)
        stage = self._renderer.stage
        note = f"{level} MB after {after} frames, at most {most} MB; {stage.recycled} recycles"
        of = (
            f"of {self.drawn}" if self.drawn == self._count else f"of {self.drawn}, {self._count} were wanted"
        )
        return [
            Figure("render_endurance_memory", most / level, "×", "<= 1.2", f"browser and worker: {note}"),
            Figure("render_endurance_failed", self.failed, "frames", "== 0", of),
            Figure(
                "render_endurance_replaced", stage.replaced, "pages", "== 0", "that failed and were replaced"
            ),
        ]


async def measure(count: int, limits: Recycle) -> list[Figure]:
    """The figures of so many frames, or of those that were drawn until Ctrl-C."""
    found = files(Scene())
    site = Site(found.page, found.city)
    await site.open()
    loop = asyncio.get_running_loop()
    with tempfile.TemporaryDirectory(prefix="tw-") as folder:
        renderer = Renderer(site, Path(folder) / "chromium", None, "san-francisco", limits)
        try:
            await renderer.open()
            run = Run(renderer, count)
            # What is under way comes to its end.
            loop.add_signal_handler(signal.SIGINT, run.stop.set)
            watching = asyncio.create_task(renderer.watch())
            await run.go()
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        finally:
            await renderer.close()
            await site.close()
    return run.figures()


def _size(renderer: Renderer) -> int:
    return megabytes([psutil.Process(), *renderer.browser.processes()])


def _parts(renderer: Renderer) -> dict[str, int]:
    """How large what runs is, by kind; Playwright's driver, which draws nothing, comes beside the others."""
    kinds: dict[str, list[psutil.Process]] = {"worker": [psutil.Process()]}
    for process in renderer.browser.processes():
        kinds.setdefault(kind_of(process), []).append(process)
    kinds["and the driver"] = drivers()
    return {kind: megabytes(processes) for kind, processes in kinds.items()}


def main() -> int:
    """Print the figures; 1 if a goal is missed."""
    count, *of_a_page = map(int, sys.argv[1:] or [FRAMES])
    limits = Recycle(frames=of_a_page[0]) if of_a_page else Recycle()
    found = asyncio.run(measure(max(1, count), limits))
    for figure in found:
        print(f"{figure.name}: {figure.value:.4g} {figure.unit} ({figure.goal}) {figure.note}")
    return 0 if all(figure.ok for figure in found) else 1


if __name__ == "__main__":
    sys.exit(main())
