"""Eight hours of work in one run: memory and failures of the renderer over 20,000 frames of the real scene.

`python -m bench.endurance [FRAMES]`; too long for `make bench`, about two hours on two cores.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

import psutil

from bench.figure import Figure
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
AREA = [(x, y) for y in range(-3, 4) for x in range(-5, 5)]
"""The whole city, frame by frame, over and over."""


async def measure(count: int) -> list[Figure]:
    """The figures of so many frames."""
    found = files(Scene())
    site = Site(found.page, found.city)
    await site.open()
    with tempfile.TemporaryDirectory(prefix="tw-") as folder:
        renderer = Renderer(site, Path(folder) / "chromium", None, "san-francisco")
        try:
            await renderer.open()
            watching = asyncio.create_task(renderer.watch())
            sizes, failed = await _work(renderer, count)
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            stage = renderer.stage
        finally:
            await renderer.close()
            await site.close()
    settled = min(SETTLED, count // 10) // LOOK
    level, most = sizes[settled], max(sizes[settled:])
    note = f"{level} MB after {settled * LOOK} frames, at most {most} MB; {stage.recycled} recycles"
    return [
        Figure("render_endurance_memory", most / level, "×", "<= 1.2", f"browser and worker: {note}"),
        Figure("render_endurance_failed", failed, "frames", "== 0", f"of {count}"),
        Figure("render_endurance_replaced", stage.replaced, "pages", "== 0", "that failed and were replaced"),
    ]


async def _work(renderer: Renderer, count: int) -> tuple[list[int], int]:
    """The memory after every hundred frames, and how many frames failed."""
    sizes: list[int] = []
    failed = 0
    turns = iter(range(count))

    async def go_on() -> None:
        nonlocal failed
        # One iterator for all, so each number is drawn once.
        for number in turns:
            if number % LOOK == 0:
                sizes.append(await asyncio.to_thread(_size, renderer))
                print(f"{number} frames, {sizes[-1]} MB, {renderer.doing()}", flush=True)
            frame = AREA[number % len(AREA)]
            try:
                drawn = await renderer.draw(number, frame_box(frame))
            except TryFailed as failure:
                failed += 1
                print(f"frame {number}: {failure.reason}", flush=True)
                continue
            await asyncio.to_thread(drawn.tiles, frame_quadrants(frame))

    await asyncio.gather(*(go_on() for _ in range(IN_PAGE + 1)))
    return sizes, failed


def _size(renderer: Renderer) -> int:
    return megabytes([psutil.Process(), *renderer.browser.processes()])


def main() -> int:
    """Print the figures; 1 if a goal is missed."""
    count = max(LOOK * 10, int(sys.argv[1]) if len(sys.argv) > 1 else FRAMES)
    found = asyncio.run(measure(count))
    for figure in found:
        print(f"{figure.name}: {figure.value:.4g} {figure.unit} ({figure.goal}) {figure.note}")
    return 0 if all(figure.ok for figure in found) else 1


if __name__ == "__main__":
    sys.exit(main())
