"""Houses for the gateway's tests."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.gateway.house import House
from tests.gateway.indoors import Indoors
from tests.gateway.painter import Painter


@pytest.fixture
async def house(short: Path) -> AsyncIterator[Indoors]:
    """A data folder in which nothing runs yet; what will, runs in this process."""
    house = Indoors(short)
    async with aiohttp.ClientSession() as house.session:
        yield house
    await asyncio.to_thread(house.close)


@pytest.fixture
async def mortal_house(short: Path) -> AsyncIterator[House]:
    """A data folder in which nothing runs yet; what will, are processes, which can be killed."""
    house = House(short)
    async with aiohttp.ClientSession() as house.session:
        yield house
    house.close()


@pytest.fixture
async def open_house(house: Indoors) -> Indoors:
    """A keeper and a gateway, nobody working."""
    await house.open("keeper", "gateway")
    return house


@pytest.fixture
async def busy_house(open_house: Indoors) -> AsyncIterator[Indoors]:
    """A keeper, a gateway and a painter."""
    painter = Painter(open_house)
    yield open_house
    await painter.close()


@pytest.fixture(scope="module")
def alone() -> Iterator[Indoors]:
    """A gateway without a keeper: what it refuses by itself needs none."""
    folder = Path(tempfile.mkdtemp(prefix="tw-"))
    house = Indoors(folder)
    house.start("gateway")
    yield house
    house.close()
    shutil.rmtree(folder)


@pytest.fixture
async def door(alone: Indoors) -> AsyncIterator[Indoors]:
    """The one gateway of its module, asked by this test."""
    async with aiohttp.ClientSession() as alone.session:
        await alone.url("")
        yield alone
    assert alone.rooms["gateway"].lives, alone.out("gateway")
