"""The page that draws: it stays open, draws one frame at a time, and says when it cannot go on."""

import asyncio
import logging
from typing import Literal

from playwright.async_api import ConsoleMessage
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Page as Tab
from pydantic import BaseModel, ConfigDict, ValidationError

from services.renderer.browser import CLOSE_SECONDS, Browser
from services.renderer.frame import BadFrame, Frame
from services.renderer.site import Expected, Site
from services.tiling.quadrant import Box

READY_SECONDS = 120.0
FIRST_SECONDS = 60.0
"""The first frame compiles shaders."""
LEAST_SECONDS = 10.0
PATIENCE = 20.0
"""A later frame may take this many times as long as the one before it, within the bounds above."""
COMPLAINTS = 50
"""Different errors of one page that are logged."""

DRAW = """async request => {
    const drawn = await window.tilewright.draw(request);
    return { job: drawn.job, lost: drawn.lost || window.tilewright.lost() };
}"""

log = logging.getLogger("page")

Cause = Literal["crashed", "closed", "context lost", "hung", "bad frame", "failed"]


class PageFault(Exception):
    """Raised when the page did not draw what was asked; it must not be used again."""

    def __init__(self, cause: Cause, reason: str) -> None:
        super().__init__(f"{cause}: {reason}")
        self.cause = cause


class Info(BaseModel):
    """What the page says of itself once its scene is built; bounds in world pixels, x0, y0, x1, y1."""

    model_config = ConfigDict(extra="ignore")

    build: str
    metres_per_pixel: float
    bounds: tuple[float, float, float, float]


class Page:
    """One tab with the scene in it."""

    def __init__(self, tab: Tab, site: Site) -> None:
        self.tab = tab
        self.gone = asyncio.Event()
        """Set when the tab crashed or closed, also while nobody draws."""
        self._site = site
        self._crashed = False
        self.patience = FIRST_SECONDS
        """How long the next frame may take."""
        self._info: Info | None = None
        self._complaints: set[str] = set()
        tab.on("crash", self._on_crash)
        tab.on("close", lambda _: self.gone.set())
        tab.on("pageerror", lambda error: self._complain(error.message))
        tab.on("console", self._on_console)

    @classmethod
    async def open(cls, browser: Browser, site: Site) -> "Page":
        """A page whose scene is built; raises PageFault if that cannot be."""
        try:
            async with asyncio.timeout(READY_SECONDS):
                page = cls(await browser.new_tab(), site)
                await page.tab.goto(f"{site.origin}/", timeout=READY_SECONDS * 1_000)
                said = await page.tab.evaluate("() => window.tilewright.ready")
                page._info = Info.model_validate(said)
        except TimeoutError:
            raise PageFault("hung", f"the scene was not built within {READY_SECONDS:g} s") from None
        except PlaywrightError as error:
            raise PageFault("failed", f"the scene could not be built: {_first_line(error)}") from error
        except ValidationError as error:
            raise PageFault("failed", f"the page does not keep to its contract: {error}") from error
        return page

    @property
    def info(self) -> Info:
        """What the page says of itself."""
        assert self._info is not None
        return self._info

    async def draw(self, job: int, pixels: Box) -> Frame:
        """Draw the world pixels; raises PageFault if the frame is not beyond doubt the one asked for.

        A lost WebGL context gives blank or old pixels without any error, so the page is asked for it
        before and after it reads them, each frame has an address of its own, and the pixels are checked.
        """
        width, height = pixels.right - pixels.left, pixels.bottom - pixels.top
        expected = self._site.expect(job, width, height)
        request = {
            "job": expected.nonce,
            "x": pixels.left,
            "y": pixels.top,
            "width": width,
            "height": height,
            "url": expected.path,
        }
        clock = asyncio.get_running_loop().time
        started = clock()
        try:
            async with asyncio.timeout(self.patience):
                said = await self.tab.evaluate(DRAW, request)
        except TimeoutError:
            raise PageFault("hung", f"no frame within {self.patience:g} s") from None
        except PlaywrightError as error:
            raise self._fault(error, expected) from error
        finally:
            self._site.forget(expected)
        if said["lost"]:
            raise PageFault("context lost", "WebGL was lost while the frame was read")
        if said["job"] != expected.nonce or not expected.content.done() or expected.content.cancelled():
            raise PageFault("bad frame", f"the page answered for {said['job']} without its frame")
        try:
            frame = Frame.read(expected.content.result(), pixels, self._scene())
        except BadFrame as error:
            raise PageFault("bad frame", str(error)) from error
        self.patience = min(FIRST_SECONDS, max(LEAST_SECONDS, PATIENCE * (clock() - started)))
        return frame

    async def close(self) -> bool:
        """Close the tab, whatever it is doing; whether it did close."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.tab.close()
        except TimeoutError:
            return False
        except PlaywrightError:
            return self.tab.is_closed()
        return True

    def _scene(self) -> Box:
        left, top, right, bottom = self.info.bounds
        return Box(int(left), int(top), int(right), int(bottom))

    def _on_crash(self, _: Tab) -> None:
        self._crashed = True
        self.gone.set()

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._complain(message.text)

    def _complain(self, text: str) -> None:
        # The same complaint in every frame is worth one line.
        if len(self._complaints) < COMPLAINTS and text not in self._complaints:
            self._complaints.add(text)
            log.error("in the page: %s", text[:500])

    def _fault(self, error: PlaywrightError, expected: Expected) -> PageFault:
        content = expected.content
        if content.done() and not content.cancelled() and (refused := content.exception()):
            return PageFault("bad frame", str(refused))
        if self._crashed or "crashed" in error.message:
            return PageFault("crashed", "the process of the page ended")
        if "CONTEXT_LOST" in error.message:
            return PageFault("context lost", _first_line(error))
        if self.tab.is_closed() or "closed" in error.message:
            return PageFault("closed", "the browser ended")
        return PageFault("failed", _first_line(error))


def _first_line(error: PlaywrightError) -> str:
    return (error.message.strip().splitlines() or ["no reason given"])[0][:500]
