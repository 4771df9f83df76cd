"""A keeper of its own for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.keeper.house import Clock, House, Peer, opened


@pytest.fixture
def house(short: Path) -> Iterator[House]:
    with opened(short) as house:
        yield house


@pytest.fixture
def clock(house: House) -> Clock:
    return house.clock


@pytest.fixture
def worker(house: House) -> Peer:
    return house.peer("work")


@pytest.fixture
def control(house: House) -> Peer:
    return house.peer("control")
