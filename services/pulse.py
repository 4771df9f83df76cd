"""The heartbeat of a process: once a second it tells the supervisor that it lives and what it does."""

import asyncio
import contextlib
import os

from protocol.codec import catalogue
from protocol.errors import ProtocolError
from protocol.life import Beat, Heard
from services.client import Client

BEAT_SECONDS = 1.0


class Pulse:
    """What the supervisor knows of this process. A change of state is told at once."""

    def __init__(self, name: str, address: str) -> None:
        self.name = name
        self._ready = False
        self._doing = "starting"
        self._changed = asyncio.Event()
        self._client = Client(address, catalogue(Heard))

    def ready(self) -> None:
        """Say that this process can serve, so that what depends on it may start."""
        self._ready = True
        self._changed.set()

    def doing(self, what: str) -> None:
        """Say in a few words what this process does now."""
        self._doing = what[:300]

    async def run(self) -> None:
        """Beat until cancelled. A supervisor that does not listen is no reason to stop work."""
        while True:
            beat = Beat(name=self.name, pid=os.getpid(), ready=self._ready, doing=self._doing)
            with contextlib.suppress(ProtocolError):
                await self._client.ask(beat, Heard, timeout=BEAT_SECONDS, resend=BEAT_SECONDS)
            # Not wait_for: before Python 3.12 it misses a cancellation in the moment of a change.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(BEAT_SECONDS):
                    await self._changed.wait()
            self._changed.clear()

    async def close(self) -> None:
        """Let go of the socket."""
        await self._client.close()
