"""The performer of render jobs: one browser and one page, replaced when they fail."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from protocol.work import RenderWork
from services.backoff import exponential
from services.renderer.browser import Browser
from services.renderer.frame import BadFrame, Frame
from services.renderer.page import Page, PageFault
from services.renderer.site import Site
from services.tiling.quadrant import Box
from services.worker import Result, Task, TryFailed

TRIES = 3
"""Times one job is drawn, each on a new page, before it goes back to the keeper."""
IN_PAGE = 2
"""Frames the page is asked for at once: while it sends one, it draws the next."""
OPENINGS = 4
"""Times a page that works is sought before this process gives up and leaves the rest to its supervisor."""

log = logging.getLogger("renderer")


class Unusable(Exception):
    """Raised when no page can be had, however often the browser is started."""


class Renderer:
    """Draws frames in the order in which jobs came, and cuts and encodes beside it."""

    def __init__(self, site: Site, folder: Path, configured: str | None, scene: str) -> None:
        self.replaced = 0
        self.mending = False
        """Whether a browser or page is being replaced now."""
        self._site = site
        self._folder = folder
        self._configured = configured
        self._scene = scene
        self._browser: Browser | None = None
        self._page: Page | None = None
        # asyncio.Semaphore wakes those who wait in the order in which they came.
        self._turns = asyncio.Semaphore(IN_PAGE)
        self._replacing = asyncio.Lock()
        self._drawing: set[asyncio.Task[Frame]] = set()

    @property
    def browser(self) -> Browser:
        """The browser that runs."""
        assert self._browser is not None
        return self._browser

    @property
    def page(self) -> Page:
        """The page that draws."""
        assert self._page is not None
        return self._page

    @property
    def source(self) -> str:
        """What pixels made now come from."""
        major = self.browser.version.partition(".")[0]
        return f"{self._scene} build {self.page.info.build}, Chromium {major}"[:300]

    async def open(self) -> None:
        """Start the browser and build the scene; raises NoChromium or Unusable."""
        await self._start_browser()
        try:
            self._page = await Page.open(self.browser, self._site)
        except PageFault as fault:
            await self._replace(fault)
        log.info("ready: %s draws %s build %s", self.browser.name, self._scene, self.page.info.build)

    async def close(self) -> None:
        """End the browser; nothing of it stays."""
        for drawing in self._drawing:
            drawing.cancel()
        await asyncio.gather(*self._drawing, return_exceptions=True)
        if self._browser is not None:
            await self._browser.close()

    async def watch(self) -> None:
        """Replace a page that dies while nobody draws, until cancelled."""
        while True:
            page = self.page
            await page.gone.wait()
            await self._replace_once(page, PageFault("closed", "it ended while nothing was drawn"))

    async def perform(self, task: Task) -> Result:
        """Draw the job's frame and cut its quadrants."""
        work = task.lease.work
        if not isinstance(work, RenderWork):
            raise TryFailed("bug", f"The renderer was given a {work.kind} job.", retry=False)
        pixels = Box(work.x, work.y, work.x + work.width, work.y + work.height)
        task.say("waits for the page")
        frame = await self.draw(task.lease.job, pixels, lambda: task.say(f"draws ({work.x}, {work.y})"))
        source = self.source
        task.say("encodes")
        try:
            tiles = await asyncio.to_thread(frame.tiles, work.quadrants)
        except BadFrame as error:
            raise TryFailed("bug", f"The job cannot be drawn: {error}.", retry=False) from error
        return Result(tiles=tiles, source=source)

    async def draw(self, job: int, pixels: Box, begun: Callable[[], None] = lambda: None) -> Frame:
        """Draw world pixels when it is their turn; raises TryFailed if no page can."""
        await self._turns.acquire()
        begun()
        # If we are called off meanwhile, the page still comes to its end before it draws more.
        drawing = asyncio.create_task(self._draw(job, pixels))
        self._drawing.add(drawing)
        drawing.add_done_callback(self._drawn)
        return await asyncio.shield(drawing)

    def _drawn(self, drawing: asyncio.Task[Frame]) -> None:
        self._drawing.discard(drawing)
        self._turns.release()
        # Whoever called it off does not look at it any more.
        if not drawing.cancelled():
            drawing.exception()

    async def _draw(self, job: int, pixels: Box) -> Frame:
        for attempt in range(1, TRIES + 1):
            async with self._replacing:
                page = self.page
            try:
                return await page.draw(job, pixels)
            except PageFault as fault:
                log.warning("job %d: %s", job, fault)
                await self._replace_once(page, fault)
                if attempt == TRIES:
                    reason = f"The page failed {TRIES} times at this frame, at last: {fault}."
                    raise TryFailed("transient", reason) from fault
        raise AssertionError("unreachable")

    async def _replace_once(self, page: Page, fault: PageFault) -> None:
        """Replace a page, unless somebody who saw its end as well has already done so."""
        async with self._replacing:
            if self.page is page:
                await self._replace(fault)

    async def _replace(self, fault: PageFault) -> None:
        """Replace the page, and say so meanwhile."""
        self.mending = True
        try:
            await self._open_another(fault)
        finally:
            self.mending = False

    async def _open_another(self, fault: PageFault) -> None:
        """Open a new page, in a new browser unless the present one still serves."""
        self.replaced += 1
        if self._page is not None:
            # With a dead driver no event says so, and `watch` must look at the next page.
            self._page.gone.set()
        browser = self.browser
        for attempt in range(1, OPENINGS + 1):
            # A page that does not even close has taken the browser with it.
            closed = attempt == 1 and self._page is not None and await self._page.close()
            if not (closed and self.browser.connected):
                await self.browser.close(hangs=not closed)
                await asyncio.sleep(exponential(attempt - 1, first=0.5, limit=4.0) if attempt > 1 else 0)
                await self._start_browser()
            try:
                self._page = await Page.open(self.browser, self._site)
            except PageFault as error:
                log.warning("could not open a page: %s", error)
                continue
            what = "page" if self.browser is browser else "browser"
            log.warning("replaced the %s (%s)", what, fault)
            return
        raise Unusable(f"No page could be opened in {OPENINGS} tries, after: {fault}.")

    async def _start_browser(self) -> None:
        self._browser = Browser(self._folder, self._configured, self._site.origin)
        await self._browser.start()
