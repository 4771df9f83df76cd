"""Houses with a studio, painters in them, and desks to look at them from."""

import asyncio
import fcntl
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.gateway.house import CONFIG, NIGHT, TREE, House
from tests.gateway.indoors import Indoors
from tests.studio.desk import Desk
from tests.studio.painter import Painter

Desks = Callable[..., Awaitable[Desk]]
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run these tests in one event loop, so that one browser serves them all."""
    for item in items:
        if HERE in item.path.parents and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="session")
def built_studio(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The studio as its sources are now, built once for all the workers of a run."""
    shared = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        shared = shared.parent
    folder = shared / "studio"
    with open(shared / "studio.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            build(folder)
    return folder


def build(folder: Path) -> None:
    """Build the studio; the folder is there only once it is whole."""
    draft = folder.with_name("studio.draft")
    node = TREE / ".venv" / "bin" / "node"
    command = [str(node) if node.exists() else "node", "node_modules/vite/bin/vite.js", "build", "studio"]
    subprocess.run([*command, "--outDir", str(draft), "--logLevel", "warn"], cwd=TREE / "web", check=True)
    draft.rename(folder)


@pytest_asyncio.fixture(loop_scope="session")
async def house(request: pytest.FixtureRequest, short: Path, built_studio: Path) -> AsyncIterator[House]:
    """A keeper and a gateway on a port that stays the same when the gateway comes back.

    They run in this process, unless the test asks for a house that can be killed.
    """
    house: House = getattr(request, "param", Indoors)(short)
    house.studio = built_studio
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    models = [
        {**model, "cost_per_image": 0.5} if model["model_id"] == "chunky" else model
        for model in [*CONFIG["models"], NIGHT]
    ]
    house.configure(http={"port": port}, lease_seconds=600, models=models, passes=["class", "depth16"])
    async with aiohttp.ClientSession() as house.session:
        await house.open("keeper", "gateway")
        yield house
    await asyncio.to_thread(house.close)


@pytest_asyncio.fixture(loop_scope="session")
async def painter(house: House) -> AsyncIterator[Painter]:
    """A worker in the house."""
    painter = Painter(house)
    yield painter
    await painter.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One browser for all tests; each desk is a context of its own, which shares nothing."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    async with async_playwright() as playwright:
        # At its limit Chromium keeps no process in reserve, which costs as much as a page and is never taken.
        switches = ["--no-sandbox", "--renderer-process-limit=1"]
        browser = await playwright.chromium.launch(executable_path=chromium, args=switches)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def desk(house: House, browser: Browser) -> AsyncIterator[Desks]:
    """Makes desks, each with storage and connections of its own; no page may have met an error."""
    desks: list[Desk] = []

    async def make(place: str | None = None, *, phone: bool = False) -> Desk:
        size = {"width": 390, "height": 844} if phone else {"width": 1440, "height": 720}
        context = await browser.new_context(
            viewport=size,
            has_touch=phone,
            is_mobile=phone,
            reduced_motion="no-preference" if phone else "reduce",
        )
        address = (await house.url("")).rstrip("/")
        desks.append(Desk(await context.new_page(), address))
        return await (desks[-1].open(place) if place is not None else desks[-1].open())

    yield make
    for one in desks:
        await one.page.context.close()
    assert [one.errors for one in desks if one.errors] == []
