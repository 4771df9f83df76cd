"""Every adapter meets every way to go wrong, and comes out as docs/models.md says."""

import asyncio
import gc
from pathlib import Path
from typing import get_args

import pytest

from tests.provider.fault import MODES, OfThePicture
from tests.provider.matrix import (
    ADAPTERS,
    KEY,
    KEY_VARIABLE,
    LARGE,
    NOT_MET,
    WAYS,
    Lag,
    Met,
    documented,
    is_met,
    meet,
)
from tests.provider.trap import Trap

AT_ONCE = 12
UNANSWERED = (
    "nothing",
    "half an answer, then nothing",
    "a broken connection",
    "an answer that breaks off",
)
"""Ways after which nobody knows whether the call was paid for."""
REFUSED = ("429 seconds", "429 date", "429 body", "500", "401", "402", "403", "404", "422", "redirect")
"""What a provider answers with that did not take the call on."""
MEMORY_BYTES = 100 << 20


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)


@pytest.mark.parametrize("column", ADAPTERS)
async def test_every_fault_ends_as_the_document_says(column: str) -> None:
    rows = documented()
    turn = asyncio.Semaphore(AT_ONCE)
    async with Trap() as trap, Lag().watched() as lag:

        async def in_turn(way: str) -> Met:
            async with turn:
                return await meet(way, column, trap, lag)

        ways = [way for way in WAYS if is_met(way, column) and not way.endswith(LARGE)]
        met = dict(zip(ways, await asyncio.gather(*map(in_turn, ways)), strict=True))
    assert {way: came.breaches for way, came in met.items() if came.breaches} == {}
    assert {way: came.cell for way, came in met.items()} == {way: rows[way][column] for way in ways}
    unanswered = {way for way, came in met.items() if came.failure is not None and came.failure.sent}
    assert unanswered >= {way for way in UNANSWERED if way in met}
    assert not [way for way in unanswered if WAYS[way].mode in REFUSED]
    for way in (way for way in ways if way.startswith("429")):
        failure = met[way].failure
        # A date is of whole seconds, so it may ask for one more.
        assert failure is not None and failure.retry_after is not None, way
        assert 5.0 < failure.retry_after <= 8.0, way


@pytest.mark.parametrize("column", ADAPTERS)
async def test_no_answer_takes_much_memory(column: str) -> None:
    rows = documented()
    async with Trap() as trap, Lag().watched() as lag:
        for way in (way for way in WAYS if is_met(way, column) and way.endswith(LARGE)):
            gc.collect()
            before = from_now_on()
            came = await meet(way, column, trap, lag)
            assert came.breaches == []
            assert came.cell == rows[way][column], way
            assert peak() - before < MEMORY_BYTES, way


def test_the_document_has_a_row_for_each_way_and_a_column_for_each_adapter() -> None:
    rows = documented()
    assert list(rows) == list(WAYS)
    for way, row in rows.items():
        assert list(row) == list(ADAPTERS)
        assert [column for column, cell in row.items() if cell == NOT_MET] == [
            column for column in ADAPTERS if not is_met(way, column)
        ], way


def test_every_mode_of_the_server_is_met_by_every_adapter_that_can() -> None:
    assert {fault.mode for fault in WAYS.values()} == set(MODES)
    for way, fault in WAYS.items():
        if fault.mode in get_args(OfThePicture):
            assert all(is_met(way, column) for column in ADAPTERS), way


def from_now_on() -> int:
    """Forget the highest memory of this process; what it holds now, in bytes."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak()


def peak() -> int:
    """The most memory that this process held, in bytes."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) << 10
