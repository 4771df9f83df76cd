"""Houses for the gateway's tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.gateway.house import House
from tests.gateway.painter import Painter


@pytest.fixture
async def house(short: Path) -> AsyncIterator[House]:
    """A data folder in which nothing runs yet."""
    house = House(short)
    async with aiohttp.ClientSession() as house.session:
        yield house
    house.close()


@pytest.fixture
async def open_house(house: House) -> House:
    """A keeper and a gateway, nobody working."""
    await house.open("keeper", "gateway")
    return house


@pytest.fixture
async def busy_house(open_house: House) -> AsyncIterator[House]:
    """A keeper, a gateway and a painter."""
    painter = Painter(open_house)
    yield open_house
    await painter.close()
