"""The page in use and the browser around it: opened, replaced when they fail, relieved when old."""

import asyncio
import logging
from pathlib import Path

from services.backoff import exponential
from services.config import Recycle
from services.renderer.answer import Incomplete
from services.renderer.browser import Browser
from services.renderer.chromium import NoChromium
from services.renderer.frame import Frame
from services.renderer.page import Page, PageFault
from services.renderer.site import Site
from services.renderer.usage import megabytes

OPENINGS = 4
"""Times a page that works is sought before this process gives up and leaves the rest to its supervisor."""
DOUBTS = 2
"""New pages that draw a frame otherwise than it was drawn before, until it is the frame that is doubted."""
WEIGHING_SECONDS = 10.0
LEAST_FRAMES = 100
"""A browser that needs more memory than it may is not relieved more often than after so many frames."""

log = logging.getLogger("stage")


class Unusable(Exception):
    """Raised when no page can be had, however often the browser is started."""


class Stage:
    """One page that draws; there is another before it goes, unless it dies.

    A new page draws the last accepted frame of the one before it, and must draw the same.
    """

    def __init__(self, site: Site, folder: Path, configured: str | None, limits: Recycle) -> None:
        self.limits = limits
        self.frames = 0
        """Accepted frames of all pages."""
        self.replaced = 0
        """Pages and browsers that failed."""
        self.recycled = 0
        """Pages and browsers that were relieved."""
        self.megabytes = 0
        """The memory of the browser when it was last measured."""
        self.mending = False
        """Whether there is no page now, because another is being opened."""
        self.site = site
        # A short name: sockets in it have paths of limited length.
        self._folders = (folder, folder.with_suffix(".spare"))
        self._configured = configured
        self._started: list[Browser] = []
        """Every browser that may run; more than one only while one relieves another."""
        self._browser: Browser | None = None
        self._page: Page | None = None
        self._replacing = asyncio.Lock()
        self._last: tuple[tuple[str, str], Frame] | None = None
        """The last accepted frame, and which page and source it is of."""
        self._doubts = 0
        self._since = 0
        """Accepted frames since the page was opened, or could not be relieved."""
        self._heavy = False
        """Whether the browser is too large although its page is new."""

    @property
    def browser(self) -> Browser:
        """The browser in use."""
        assert self._browser is not None
        return self._browser

    @property
    def page(self) -> Page:
        """The page in use."""
        assert self._page is not None
        return self._page

    async def open(self) -> None:
        """Start the browser and build the scene; raises NoChromium or Unusable."""
        # What an earlier life of this process left where we do not start now.
        await self._new_browser(self._folders[1]).close()
        self._browser = await self._start(self._folders[0])
        try:
            self._page = await self._open_page(self._browser)
        except PageFault as fault:
            await self._replace(fault)

    async def close(self) -> None:
        """End the browser; nothing of it stays."""
        for browser in list(self._started):
            await self._end(browser)

    async def present(self) -> Page:
        """The page in use, once there is one."""
        async with self._replacing:
            return self.page

    async def watch(self) -> None:
        """Replace a page that dies while nobody draws, and relieve one in time, until cancelled."""
        tasks = [asyncio.create_task(self._await_deaths()), asyncio.create_task(self._await_age())]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def replace(self, page: Page, fault: PageFault) -> None:
        """Replace a page, unless somebody who saw its end as well has already done so."""
        async with self._replacing:
            if self.page is page:
                await self._replace(fault)

    def accept(self, page: Page, frame: Frame) -> None:
        """Count a frame, and remember it for the next page."""
        self.frames += 1
        self._since += 1
        self._doubts = 0
        self._last = (_looks(page), frame)

    async def recycle(self, *, whole: bool = False) -> bool:
        """Draw on in a new page, or a whole new browser; False if there was none, and the old one goes on.

        Frames are drawn in the old one until the new one has drawn, and those under way are finished there.
        """
        old_browser, old = self.browser, self.page
        browser = old_browser
        # Both will be open for a while.
        await old.tidy()
        try:
            if whole:
                browser = await self._start(self._other(old_browser.folder))
            page = await self._open_page(browser)
        except (PageFault, NoChromium, TimeoutError) as error:
            log.warning("the page draws on, as no other could be opened: %s", error)
            for spare in [found for found in self._started if found is not self.browser]:
                await self._end(spare)
            return False
        async with self._replacing:
            overtaken = self.page is not old
            if not overtaken:
                self._browser, self._page = browser, page
                self.recycled += 1
                self._since = 0
        if overtaken:
            # It died meanwhile, and has been replaced already.
            await (self._end(browser) if whole else page.close())
            return False
        log.info("drew on in a new %s after %d frames", "browser" if whole else "page", old.frames)
        # So that `watch` looks at the new page.
        old.gone.set()
        await old.at_rest()
        await (self._end(old_browser) if whole else old.close())
        return True

    async def _await_deaths(self) -> None:
        while True:
            page = self.page
            await page.gone.wait()
            await self.replace(page, PageFault("closed", "it ended while nothing was drawn"))

    async def _await_age(self) -> None:
        """Relieve the page between two frames, when it is old or large."""
        weighed = -1
        while True:
            if weighed != self.frames:
                weighed = self.frames
                await self._weigh()
            await asyncio.sleep(WEIGHING_SECONDS)
            large = self.megabytes > self.limits.megabytes and self._since >= LEAST_FRAMES
            if not large and self._since < self.limits.frames:
                continue
            log.info("the page is relieved: %d frames, %d MB", self._since, self.megabytes)
            if not await self.recycle(whole=large and self._heavy):
                self._since = 0
            await self._weigh()
            self._heavy = self.megabytes > self.limits.megabytes

    async def _weigh(self) -> None:
        browser = self.browser
        self.megabytes = await asyncio.to_thread(lambda: megabytes(browser.processes()))

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
                await self._end(self.browser, hangs=not closed)
                await asyncio.sleep(exponential(attempt - 1, first=0.5, limit=4.0) if attempt > 1 else 0)
                self._browser = await self._start(self.browser.folder)
            try:
                self._page = await self._open_page(self.browser)
            except PageFault as error:
                log.warning("could not open a page: %s", error)
                continue
            self._since = 0
            what = "page" if self.browser is browser else "browser"
            log.warning("replaced the %s (%s)", what, fault)
            return
        raise Unusable(f"No page could be opened in {OPENINGS} tries, after: {fault}.")

    async def _open_page(self, browser: Browser) -> Page:
        """A page that draws as the one before it did; raises PageFault."""
        page = await Page.open(browser, self.site)
        if self._last is None:
            return page
        looks, frame = self._last
        if looks != _looks(page):
            log.warning("the scene is another now; what is drawn may not fit what was drawn before")
            self._last = None
            return page
        try:
            await page.draw(0, frame.pixels, known=frame)
        except Incomplete as error:
            log.warning("the new page could not be compared with the one before it: %s", error)
        except PageFault as fault:
            self._doubt(frame, fault)
            await page.close()
            raise
        return page

    def _doubt(self, frame: Frame, fault: PageFault) -> None:
        self._doubts += fault.cause == "differs"
        if self._doubts >= DOUBTS:
            x, y, _, _ = frame.pixels
            log.error(
                "the frame at (%d, %d) was drawn otherwise before: draw it again, and those near it", x, y
            )
            self._last = None
            self._doubts = 0

    async def _start(self, folder: Path) -> Browser:
        browser = self._new_browser(folder)
        self._started.append(browser)
        await browser.start()
        return browser

    async def _end(self, browser: Browser, *, hangs: bool = False) -> None:
        await browser.close(hangs=hangs)
        # Whoever is called off meanwhile leaves it to `close`.
        if browser in self._started:
            self._started.remove(browser)

    def _new_browser(self, folder: Path) -> Browser:
        return Browser(folder, self._configured, self.site.origin)

    def _other(self, folder: Path) -> Path:
        return self._folders[folder == self._folders[0]]


def _looks(page: Page) -> tuple[str, str]:
    """What decides how a page draws."""
    return page.build, page.info.version
