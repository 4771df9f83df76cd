"""Batches whose transaction cannot be committed: what had no part in that is not forgotten with it."""

import asyncio
import sqlite3
from pathlib import Path

from services.keeper.batch import Batches
from services.keeper.database import DatabaseFile
from services.keeper.slices import LongDeed
from services.keeper.store import Store


async def test_what_waits_behind_a_deed_that_cannot_be_written_is_done_all_the_same(tmp_path: Path) -> None:
    file = DatabaseFile(tmp_path)
    batches = Batches(
        Store(file.connection),
        serve=list,
        settle=lambda: None,
        remember=lambda: lambda: None,
        take_back=lambda lease: None,
    )
    done: list[str] = []
    over = asyncio.Event()

    def full() -> LongDeed:
        done.append("full")
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error
        yield

    def behind() -> LongDeed:
        done.append("behind")
        over.set()
        return None
        yield

    batches.in_background(full())
    batches.in_background(behind())
    try:
        async with asyncio.timeout(30):
            await over.wait()
    finally:
        batches.cancel()
        file.close()
    assert done == ["full", "behind"]
