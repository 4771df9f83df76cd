"""A picture that is made while its caller asks whether it is done."""

import asyncio
from dataclasses import dataclass

from tests.provider.call import Call


@dataclass
class Job:
    """What a queue remembers."""

    id: str
    call: Call
    picture: asyncio.Task[bytes]
    ready_at: float
    polls_left: int
    is_cancelled: bool = False
