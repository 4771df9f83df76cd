"""Where pictures are worked on: threads of their own, one for each processor."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

# Six threads at 64 calls under way, as asyncio has on two processors, took a tenth more processor time than
# two, since they get into each other's way. And whoever waits for a disk or a name server holds up none.
_THREADS = ThreadPoolExecutor(os.cpu_count() or 1, "picture")


async def apart(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What the work gives, done beside the event loop, in the order in which it was asked for."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, partial(work, *args, **kwargs))
