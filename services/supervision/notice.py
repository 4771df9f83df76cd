"""Word to the keeper that a worker's process has ended, so that what it held is free at once."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from protocol.control import Changed
from protocol.errors import Code, ProtocolError
from protocol.order import WorkerGone
from services.supervision.ask import NotRunning, ask

TRY_SECONDS = 0.5
LIMIT_SECONDS = 2.0
PAUSE_SECONDS = 0.05

# Threads of its own: a keeper that does not answer must not hold up what else the supervisor does in threads.
_threads = ThreadPoolExecutor(4, thread_name_prefix="notice")


async def worker_gone(address: str, name: str, too_late: Callable[[], bool]) -> bool:
    """Tell it until it is heard, for two seconds at most; whether it was.

    `too_late` says that the worker's successor lives: that one's leases would be taken for the dead one's.
    """
    loop = asyncio.get_running_loop()
    deadline = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < deadline and not too_late():
        tell = partial(ask, address, WorkerGone(name=name), Changed, timeout=TRY_SECONDS)
        try:
            await loop.run_in_executor(_threads, tell)
            return True
        except NotRunning:
            pass
        except ProtocolError as error:
            if error.code not in (Code.UNAVAILABLE, Code.BUSY):
                return False
        await asyncio.sleep(PAUSE_SECONDS)
    return False
