"""One Chromium with Playwright's driver: started, told apart from all others, and ended without remains."""

import asyncio
import contextlib
import logging
import os
import shutil
from pathlib import Path

import psutil
from playwright.async_api import BrowserContext, Page, Playwright, async_playwright
from playwright.async_api import Error as PlaywrightError

from services.renderer import leftovers
from services.renderer.chromium import NoChromium, graphics_here, is_root, programs, switches_here

START_SECONDS = 60.0
CLOSE_SECONDS = 2.0
"""How long anything may take to close by itself before it is killed."""
SOCKET_PATH_LIMIT = 107 - len("/org.chromium.Chromium.XXXXXX/SingletonSocket")
MARK = "TILEWRIGHT_CHILD"
"""By this the supervisor finds what a killed renderer leaves behind."""
PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "FONTCONFIG_PATH", "FONTCONFIG_FILE", MARK)
"""All that Chromium sees of our environment: no keys."""

log = logging.getLogger("browser")


class Browser:
    """A running browser in a private folder, which reaches `origin` and no other address.

    Nothing of it is left after `close`.
    """

    def __init__(self, folder: Path, configured: str | None, origin: str) -> None:
        self.folder = folder
        self.origin = origin
        self.program = ""
        self.version = ""
        self.sandboxed = False
        self._configured = configured
        self.profile = folder / "profile"
        self._playwright: Playwright | None = None
        self._context: BrowserContext | None = None
        self._drivers: list[psutil.Process] = []

    async def start(self) -> None:
        """Start the first Chromium that starts; raises NoChromium with what every one of them said.

        What an earlier life left on this folder is killed first.
        """
        await self._sweep()
        self.folder.mkdir(mode=0o700)
        others = await asyncio.to_thread(leftovers.drivers)
        self._playwright = await asyncio.wait_for(async_playwright().start(), START_SECONDS)
        self._drivers = [found for found in await asyncio.to_thread(leftovers.drivers) if found not in others]
        refusals: list[str] = []
        for program in programs(self._configured, self._playwright.chromium.executable_path):
            try:
                self._context = await self._launch_as_safe_as_it_goes(program)
            except PlaywrightError as error:
                refusals.append(f"{program}: {_gist(error.message)}")
                continue
            browser = self._context.browser
            self.program = str(program)
            self.version = browser.version if browser else ""
            return
        await self.close()
        found = (
            f"No Chromium could be started ({'; '.join(refusals)})." if refusals else "No Chromium was found."
        )
        raise NoChromium(
            f"{found} Install one with `.venv/bin/playwright install chromium`, "
            'or name yours as "browser" in app_config.json.'
        )

    @property
    def name(self) -> str:
        """Program and version, for a person."""
        unsafe = "" if self.sandboxed else ", no sandbox"
        return f"Chromium {self.version} ({self.program}{unsafe})"

    @property
    def connected(self) -> bool:
        """Whether the browser answers as far as we know; one that hangs seems to."""
        browser = self._context.browser if self._context else None
        return browser is not None and browser.is_connected()

    @property
    def tabs(self) -> list[Page]:
        """Its open tabs; the one that it starts with stays empty."""
        return self._context.pages[1:] if self._context else []

    def processes(self) -> list[psutil.Process]:
        """All of it that runs. It takes a while: every process of this machine is looked at."""
        return leftovers.find(self.profile)

    async def new_tab(self) -> Page:
        """An empty tab."""
        assert self._context is not None
        return await self._context.new_page()

    async def close(self, *, hangs: bool = False) -> None:
        """End the browser and its driver, in order unless it hangs, and remove their folder."""
        if hangs:
            await asyncio.to_thread(leftovers.kill, self.profile)
        with contextlib.suppress(PlaywrightError, TimeoutError, OSError):
            if self._context is not None:
                await asyncio.wait_for(self._context.close(), CLOSE_SECONDS)
        with contextlib.suppress(PlaywrightError, TimeoutError, OSError):
            if self._playwright is not None:
                await asyncio.wait_for(self._playwright.stop(), CLOSE_SECONDS)
        await asyncio.to_thread(leftovers.end, self._drivers)
        self._context = self._playwright = None
        await self._sweep()

    async def _launch_as_safe_as_it_goes(self, program: Path) -> BrowserContext:
        """With Chromium's sandbox, unless this machine has none for us.

        Containers have none, nor has Ubuntu since 23.10 for a Chromium that is not its own.
        """
        if is_root():
            return await self._launch(program, sandbox=False)
        try:
            return await self._launch(program, sandbox=True)
        except PlaywrightError as error:
            # Playwright's words for it, whatever Chromium's were.
            if "sandboxing failed" not in error.message:
                raise
            log.warning("%s starts without its sandbox: there is none it could use here", program)
            return await self._launch(program, sandbox=False)

    async def _launch(self, program: Path, *, sandbox: bool) -> BrowserContext:
        assert self._playwright is not None
        self.sandboxed = sandbox
        return await self._playwright.chromium.launch_persistent_context(
            self.profile,
            executable_path=program,
            args=switches_here(),
            env=self._environment(),
            chromium_sandbox=sandbox,
            accept_downloads=False,
            artifacts_dir=self.folder / "artifacts",
            service_workers="block",
            # Our own site is the proxy for every address and refuses all but its own. Interception by
            # Playwright would do the same, but takes 0.9 s for every frame that the page sends.
            proxy={"server": self.origin},
            viewport={"width": 64, "height": 64},
            device_scale_factor=1,
            timeout=START_SECONDS * 1_000,
            # We end it ourselves, after the last frame is handed in.
            handle_sigint=False,
            handle_sigterm=False,
            handle_sighup=False,
        )

    def _environment(self) -> dict[str, str | float | bool]:
        passed: dict[str, str | float | bool] = {
            name: os.environ[name] for name in PASSED_ON if name in os.environ
        }
        passed |= graphics_here()
        passed["HOME"] = str(self.folder)
        if len(str(self.folder)) <= SOCKET_PATH_LIMIT:
            passed["TMPDIR"] = str(self.folder)
        return passed

    async def _sweep(self) -> None:
        killed = await asyncio.to_thread(leftovers.kill, self.profile)
        if killed:
            log.info("killed %d processes of a browser that had not ended", killed)
        await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)


def _gist(message: str) -> str:
    """What the program itself said last, out of a launch error with pages of Playwright's log."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    said = [line.partition("[err]")[2].strip() for line in lines if "[err]" in line]
    return (said[-1:] or lines or ["it gave no reason"])[0][:300]
