"""A real Chromium, opened once for all tests of a module."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from services.renderer import leftovers
from services.renderer.renderer import Renderer
from services.renderer.scenes import BUILT
from services.renderer.site import Site
from services.renderer.sources.sample import sample
from tests.renderer.bare import Bare

STUB = Path(__file__).parent / "page"
CITY = sample(BUILT / "cities")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stub() -> AsyncIterator[Renderer]:
    """A renderer on the page that misbehaves when told to."""
    async for renderer in opened(Site(STUB, Bare())):
        yield renderer


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Renderer]:
    """A renderer on the real scene as it is now: a build meanwhile must not change a page opened again."""
    page = tmp_path_factory.mktemp("built") / "scene"
    shutil.copytree(BUILT / "scene", page)
    async for renderer in opened(Site(page, CITY)):
        yield renderer


async def opened(site: Site) -> AsyncIterator[Renderer]:
    """A renderer for as long as it is asked for; afterwards nothing of it may be left."""
    folder = Path(tempfile.mkdtemp(prefix="tw-"))
    renderer = Renderer(site, folder / "chromium", None, "san-francisco")
    await site.open()
    try:
        await renderer.open()
        watching = asyncio.create_task(renderer.watch())
        yield renderer
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    finally:
        await renderer.close()
        await site.close()
        left = leftovers.find(folder / "chromium" / "profile")
        shutil.rmtree(folder)
    assert left == [], "Chromium outlived its renderer"
