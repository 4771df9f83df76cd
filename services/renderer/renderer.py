"""The performer of render jobs: they are drawn in the order in which they came, each frame once."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from protocol.work import RenderWork
from services.config import AppConfig, Recycle
from services.renderer.answer import Incomplete
from services.renderer.browser import Browser
from services.renderer.frame import BadFrame, Frame
from services.renderer.page import Page, PageFault
from services.renderer.site import Site
from services.renderer.stage import Stage
from services.tiling.quadrant import Box
from services.worker import Result, Task, TryFailed

TRIES = 3
"""Times one job is drawn, each on a new page, before it goes back to the keeper."""
IN_PAGE = 2
"""Frames the page is asked for at once: while it sends one, it draws the next."""
LENIENCY = 4.0
"""How many times longer each further try may take: what hung twice at the same frame is rather slow."""

log = logging.getLogger("renderer")


class Drawing:
    """One frame that is drawn, for all jobs that want it meanwhile."""

    def __init__(self) -> None:
        self.wanted = 0
        self.begun = False
        self.hearing: list[Callable[[], None]] = []
        """Told when it begins."""
        self.task: asyncio.Task[Frame] | None = None

    def begin(self) -> None:
        """Its turn has come."""
        self.begun = True
        for heard in self.hearing:
            heard()


class Renderer:
    """Draws frames on a stage, and cuts and encodes beside it."""

    def __init__(
        self, site: Site, folder: Path, configured: str | None, scene: str, limits: Recycle | None = None
    ) -> None:
        self.stage = Stage(site, folder, configured, limits or Recycle())
        self._scene = scene
        # asyncio.Semaphore wakes those who wait in the order in which they came.
        self._turns = asyncio.Semaphore(IN_PAGE)
        self._drawings: dict[Box, Drawing] = {}

    @property
    def browser(self) -> Browser:
        """The browser in use."""
        return self.stage.browser

    @property
    def page(self) -> Page:
        """The page in use."""
        return self.stage.page

    def doing(self) -> str:
        """How it stands with the browser, in a few words."""
        if self.stage.mending:
            return "replacing the browser"
        stage = self.stage
        counted = f"{stage.frames} frames, {stage.recycled} recycles, {stage.megabytes} MB"
        return f"{self.browser.name}, {self.page.graphics}; {counted}"

    def take_over(self, config: AppConfig) -> None:
        """Follow a changed configuration, as far as that can be done while drawing."""
        self.stage.limits = config.recycle

    async def open(self) -> None:
        """Start the browser and build the scene; raises NoChromium or Unusable."""
        await self.stage.open()
        page = self.page
        log.info(
            "ready: %s, %s, draws %s, page %s", self.browser.name, page.graphics, self._scene, page.build
        )

    async def close(self) -> None:
        """End the browser; nothing of it stays."""
        drawings = [drawing.task for drawing in self._drawings.values() if drawing.task]
        for task in drawings:
            task.cancel()
        await asyncio.gather(*drawings, return_exceptions=True)
        await self.stage.close()

    async def watch(self) -> None:
        """Replace a page that dies while nobody draws, and relieve one in time, until cancelled."""
        await self.stage.watch()

    async def perform(self, task: Task) -> Result:
        """Draw the job's frame and cut its quadrants."""
        work = task.lease.work
        if not isinstance(work, RenderWork):
            raise TryFailed("bug", f"The renderer was given a {work.kind} job.", retry=False)
        pixels = Box(work.x, work.y, work.x + work.width, work.y + work.height)
        task.say("waits for the page")
        frame = await self.draw(task.lease.job, pixels, lambda: task.say(f"draws ({work.x}, {work.y})"))
        task.say("encodes")
        try:
            tiles = await asyncio.to_thread(frame.tiles, work.quadrants)
        except BadFrame as error:
            raise TryFailed("bug", f"The job cannot be drawn: {error}.", retry=False) from error
        thanks = self.stage.site.thanks
        source = f"{self._scene}; {frame.source}" + (f"; {thanks}" if thanks else "")
        return Result(tiles=tiles, source=_line(source))

    async def draw(self, job: int, pixels: Box, begun: Callable[[], None] = lambda: None) -> Frame:
        """Draw world pixels when it is their turn; raises TryFailed if no page can.

        Jobs that want the same frame at the same time get the same drawing.
        """
        drawing = self._drawings.get(pixels)
        if drawing is None:
            drawing = self._drawings[pixels] = Drawing()
            drawing.task = asyncio.create_task(self._in_turn(job, pixels, drawing))
        task = drawing.task
        assert task is not None
        drawing.hearing.append(begun)
        if drawing.begun:
            begun()
        drawing.wanted += 1
        try:
            return await asyncio.shield(task)
        finally:
            drawing.wanted -= 1
            # What has begun comes to its end, also if all who want it are called off.
            if not drawing.wanted and not drawing.begun:
                self._drawings.pop(pixels, None)
                task.cancel()

    async def _in_turn(self, job: int, pixels: Box, drawing: Drawing) -> Frame:
        try:
            async with self._turns:
                drawing.begin()
                return await self._draw(job, pixels)
        finally:
            if self._drawings.get(pixels) is drawing:
                del self._drawings[pixels]

    async def _draw(self, job: int, pixels: Box) -> Frame:
        for attempt in range(1, TRIES + 1):
            page = await self.stage.present()
            try:
                frame = await page.draw(job, pixels, leniency=LENIENCY ** (attempt - 1))
            except Incomplete as error:
                raise TryFailed(error.error_class, str(error)) from error
            except PageFault as fault:
                log.warning("job %d: %s", job, fault)
                await self.stage.replace(page, fault)
                if attempt == TRIES:
                    reason = f"The page failed {TRIES} times at this frame, at last: {fault}."
                    raise TryFailed("transient", reason) from fault
                continue
            self.stage.accept(page, frame)
            return frame
        raise AssertionError("unreachable")


def _line(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)[:300]
