"""The watchdog: kills what has gone silent, and lets no output grow for ever."""

import asyncio
import contextlib
import time

from services.supervision.roster import Roster

SILENT_BEATS = 5
BEAT_SECONDS = 1.0
SILENT_START_SECONDS = 60.0
"""A process that starts may be busy in C code, e.g. compiling; after this it hangs."""
WATCH_SECONDS = 0.5


async def watch(roster: Roster) -> None:
    """Watch until cancelled. A process busy in C code looks the same as a dead one."""
    before = time.monotonic()
    while True:
        await asyncio.sleep(WATCH_SECONDS)
        now = time.monotonic()
        if now - before > 4 * WATCH_SECONDS:
            # It was we who were stopped or starved: the beats still lie unread.
            for child in roster.children:
                child.last_beat = child.last_beat and now
        before = now
        for child in roster.children:
            # A full disk is no reason to stop watching.
            with contextlib.suppress(OSError):
                child.trim()
            limit = SILENT_BEATS * BEAT_SECONDS if child.ready_at is not None else SILENT_START_SECONDS
            heard = child.last_beat or child.started_at
            if child.state in ("starting", "ready") and now - heard > limit:
                child.kill(f"was silent for {now - heard:.0f} s and was killed")
