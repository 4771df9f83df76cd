"""The page that draws: it stays open, draws one frame at a time, and says when it cannot go on."""

import asyncio
import logging
import random
import re
from contextlib import suppress
from typing import Any, Literal

from playwright.async_api import ConsoleMessage
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Page as Tab
from pydantic import ValidationError

from services.renderer.answer import Answer, Incomplete, Info
from services.renderer.browser import CLOSE_SECONDS, Browser
from services.renderer.fingerprint import fingerprint
from services.renderer.frame import BadFrame, Frame, size
from services.renderer.outbox import BYTES, Outbox, new_mark
from services.renderer.site import Expected, Site
from services.renderer.vigil import Hung, Vigil
from services.tiling.quadrant import Box

READY_SECONDS = 120.0
BUILDING = 20.0
"""How many frames' time a scene may take to build before it counts as hung."""
DRAW_SECONDS = 120.0
"""How long a page that works, or waits for what it downloads, may take for a frame."""
FRAME = 1_024
"""World pixels along one side of a common frame."""
PIECE = 128
"""World pixels along one side of what is drawn again of a frame: 2 % of the work of drawing it."""
SOFTWARE = re.compile(r"(SwiftShader|llvmpipe|softpipe|Basic Render)(?: \((LLVM[^()]*)\))?")
COMPLAINTS = 50
"""Different errors of one page that are logged."""

DRAW = """async request => {
    const drawn = await window.tilewright.draw(request);
    const lost = drawn.lost || window.tilewright.lost();
    return { job: drawn.job, lost, failed: drawn.failed ?? [] };
}"""
OUTBOX = "([mark, bytes]) => window.tilewright.outbox?.(mark, bytes) ?? false"
GRAPHICS = """() => {
    const gl = document.createElement("canvas").getContext("webgl2");
    const known = gl?.getExtension("WEBGL_debug_renderer_info");
    const name = known ? gl.getParameter(known.UNMASKED_RENDERER_WEBGL) : gl?.getParameter(gl.RENDERER);
    gl?.getExtension("WEBGL_lose_context")?.loseContext();
    return name ?? "";
}"""

log = logging.getLogger("page")

Cause = Literal["crashed", "closed", "context lost", "hung", "bad frame", "differs", "failed"]


class PageFault(Exception):
    """Raised when the page did not draw what was asked; it must not be used again."""

    def __init__(self, cause: Cause, reason: str) -> None:
        super().__init__(f"{cause}: {reason}")
        self.cause = cause


class Page:
    """One tab with the scene in it."""

    def __init__(self, tab: Tab, site: Site, browser: Browser) -> None:
        self.tab = tab
        self.gone = asyncio.Event()
        """Set when the tab crashed or closed, also while nobody draws."""
        self.frames = 0
        """How many it has drawn that were accepted."""
        self.vigil = Vigil(lambda: tab.evaluate("() => 0"), browser.processes, lambda: site.serving > 0)
        self.graphics = ""
        """What draws: the GPU as WebGL calls it, or `software` and which."""
        self.build = ""
        """The version of the page, and the digest of its files."""
        self._site = site
        self._browser = browser
        self._crashed = False
        self._under_way = 0
        self._at_rest = asyncio.Event()
        self._at_rest.set()
        self._info: Info | None = None
        self._outbox: Outbox | None = None
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
                page = cls(await browser.new_tab(), site, browser)
        except TimeoutError:
            raise PageFault("hung", f"the browser opened no tab within {READY_SECONDS:g} s") from None
        except PlaywrightError as error:
            raise PageFault("failed", f"the browser opened no tab: {_first_line(error)}") from error
        try:
            await page._build()
        except PageFault:
            await page.close()
            raise
        return page

    async def _build(self) -> None:
        """Load the page and wait until it has built its scene; raises PageFault."""
        try:
            async with asyncio.timeout(READY_SECONDS):
                await self.vigil.keep(self._load(), leniency=BUILDING)
        except TimeoutError:
            raise PageFault("hung", f"the scene was not built within {READY_SECONDS:g} s") from None
        except Hung as error:
            raise PageFault("hung", f"the scene was not built: {error}") from error
        except PlaywrightError as error:
            raise PageFault("failed", f"the scene could not be built: {_first_line(error)}") from error
        except ValidationError as error:
            raise PageFault("failed", f"the page does not keep to its contract: {error}") from error

    async def _load(self) -> None:
        await self.tab.goto(f"{self._site.origin}/", timeout=READY_SECONDS * 1_000)
        digest = await asyncio.to_thread(fingerprint, self._site.pages)
        self._info = Info.model_validate(await self.tab.evaluate("() => window.tilewright.ready"))
        self.build = f"{self._info.build} {digest}"
        self.graphics = _graphics(str(await self.tab.evaluate(GRAPHICS)))
        mark = new_mark()
        if await self.tab.evaluate(OUTBOX, [mark, BYTES]):
            self._outbox = await asyncio.to_thread(Outbox.find, self._browser.profile, mark)
            if self._outbox is None:
                log.info("frames are posted, as the file that the page keeps was not found")

    @property
    def info(self) -> Info:
        """What the page says of itself."""
        assert self._info is not None
        return self._info

    @property
    def words(self) -> str:
        """What draws, with its versions."""
        version = f"state {self.info.version}, " if self.info.version else ""
        return f"{version}page {self.build}, Chromium {self._browser.version}, {self.graphics}"

    async def draw(
        self, job: int, pixels: Box, *, leniency: float = 1.0, known: Frame | None = None
    ) -> Frame:
        """Draw the world pixels; raises PageFault if the frame is not beyond doubt the one asked for.

        A lost WebGL context gives blank or old pixels without any error, so the page is asked for it
        before and after it reads them, each frame has an address of its own, and the pixels are checked.

        Two drawings must agree. A scene is complete before it is drawn, and pixels depend on their place
        alone, so they can differ only where the machine does not repeat itself: from its first moment in a
        new page or GPU process, or by and by. So the first frame of a page is drawn twice as a whole, and of
        every later one a piece, each time another; that costs 2 %. Instead, a frame that is `known` already
        may be compared. Raises Incomplete if a part of the scene could not be loaded.
        """
        whole = self.frames == 0
        again = None if known else pixels if whole else _piece(pixels)
        length = _length(pixels)
        expected = self._site.expect(job, length + (_length(again) if again else 0))
        place = self._outbox.take(expected.length) if self._outbox else None
        self._under_way += 1
        self._at_rest.clear()
        try:
            answer = await self._answer(
                _request(expected, pixels, again, place),
                leniency * max(1.0, expected.length / size(FRAME, FRAME)),
            )
            content = await self._content(answer, expected, place)
        except PlaywrightError as error:
            raise self._fault(error, expected) from error
        finally:
            if self._outbox and place is not None:
                self._outbox.give_back(place)
            self._under_way -= 1
            if not self._under_way:
                self._at_rest.set()
            self._site.forget(expected)
        frame = self._taken(content[:length], pixels, self._scene())
        other = self._taken(content[length:], again, None) if again else known
        if other and (differing := await asyncio.to_thread(frame.differing, other)):
            drawn = "before" if known else "again"
            raise PageFault("differs", f"{differing} pixels of the frame were others when drawn {drawn}")
        self.frames += 1
        return frame

    async def at_rest(self) -> None:
        """Wait until it draws nothing."""
        await self._at_rest.wait()

    async def tidy(self) -> None:
        """Give back the memory that nothing in the page needs: a quarter of it, after many frames."""
        with suppress(PlaywrightError, TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                session = await self.tab.context.new_cdp_session(self.tab)
                await session.send("HeapProfiler.collectGarbage")
                await session.detach()

    async def close(self) -> bool:
        """Close the tab, whatever it is doing; whether it did close."""
        if self._outbox:
            self._outbox.close()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.tab.close()
        except TimeoutError:
            return False
        except PlaywrightError:
            return self.tab.is_closed()
        return True

    async def _answer(self, request: dict[str, Any], leniency: float) -> Answer:
        """What the page says to a request; raises PageFault if that is nothing usable."""
        try:
            async with asyncio.timeout(DRAW_SECONDS):
                said = await self.vigil.keep(self.tab.evaluate(DRAW, request), leniency=leniency)
            return Answer.model_validate(said)
        except TimeoutError:
            raise PageFault("hung", f"no frame within {DRAW_SECONDS:g} s") from None
        except Hung as error:
            raise PageFault("hung", str(error)) from error
        except ValidationError as error:
            raise PageFault("failed", f"the page does not keep to its contract: {error}") from error

    async def _content(self, answer: Answer, expected: Expected, place: int | None) -> memoryview:
        """What was left or sent under this name; raises PageFault or Incomplete if nothing was."""
        if answer.lost:
            raise PageFault("context lost", "WebGL was lost while the frame was read")
        if answer.failed:
            raise Incomplete(answer.failed)
        found: memoryview | None = None
        if answer.job == expected.nonce and expected.content.done() and not expected.content.cancelled():
            if refused := expected.content.exception():
                raise PageFault("bad frame", str(refused))
            found = expected.content.result()
        elif answer.job == expected.nonce and self._outbox and place is not None:
            found = await asyncio.to_thread(self._outbox.read, place, expected.nonce, expected.length)
        if found is None:
            raise PageFault("bad frame", f"the page answered for {answer.job} without its frame")
        return found

    def _taken(self, content: memoryview, pixels: Box, scene: Box | None) -> Frame:
        """The frame in these bytes; raises PageFault unless it is one."""
        try:
            return Frame.read(content, pixels, scene, self.words)
        except BadFrame as error:
            raise PageFault("bad frame", str(error)) from error

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


def _graphics(name: str) -> str:
    """What WebGL says of itself, in short."""
    if software := SOFTWARE.search(name):
        return "software, " + " ".join(filter(None, software.groups()))
    return name[:80] or "no WebGL"


def _piece(pixels: Box) -> Box:
    """A part of the frame, each time another one."""
    width, height = min(PIECE, pixels.right - pixels.left), min(PIECE, pixels.bottom - pixels.top)
    left, top = (
        random.randint(pixels.left, pixels.right - width),
        random.randint(pixels.top, pixels.bottom - height),
    )
    return Box(left, top, left + width, top + height)


def _length(pixels: Box) -> int:
    return size(pixels.right - pixels.left, pixels.bottom - pixels.top)


def _request(expected: Expected, pixels: Box, again: Box | None, place: int | None) -> dict[str, Any]:
    name = {"job": expected.nonce, "url": expected.path, "place": place}
    return {**name, **_rectangle(pixels), "again": _rectangle(again) if again else None}


def _rectangle(pixels: Box) -> dict[str, int]:
    left, top, right, bottom = pixels
    return {"x": left, "y": top, "width": right - left, "height": bottom - top}


def _first_line(error: PlaywrightError) -> str:
    return (error.message.strip().splitlines() or ["no reason given"])[0][:500]
