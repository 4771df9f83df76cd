"""Start the keeper: `python -m services.keeper`."""

import asyncio
import contextlib
import gc
import sqlite3
import sys
from typing import NoReturn

from services.keeper.database import DatabaseHeld, DatabaseRefused, damaged, is_damage
from services.keeper.keeper import Keeper
from services.process import Process, run

AGAIN_SECONDS = 0.2


async def serve(process: Process) -> None:
    """Keep one world until told to stop; a folder it must not touch ends it with a sentence."""
    try:
        keeper = await _opened(process)
        if keeper is None:
            return
        process.take_over.append(keeper.take_over)
        # What is here by now stays: looking through it again and again would keep everybody waiting.
        gc.freeze()
        await keeper.run(process.stop, process.pulse)
    except DatabaseRefused as refused:
        _end(process, refused)
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        _end(process, damaged(process.data, str(error)))


def _end(process: Process, refused: DatabaseRefused) -> NoReturn:
    process.log.error("%s", refused)
    print(refused, file=sys.stderr)
    sys.exit(refused.exit_code)


async def _opened(process: Process) -> Keeper | None:
    """The keeper, once no other program has its database locked; None if it is to stop before that."""
    told = False
    while not process.stop.is_set():
        try:
            return Keeper(process.config, process.data, process.sockets, name=process.name)
        except DatabaseHeld as held:
            if not told:
                told = True
                process.log.warning("%s", held)
            process.pulse.doing(str(held))
        # Not wait_for: before Python 3.12 it misses a cancellation in the moment of a change.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(AGAIN_SECONDS):
                await process.stop.wait()
    return None


if __name__ == "__main__":
    run("keeper", serve)
