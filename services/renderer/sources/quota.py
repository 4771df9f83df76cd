"""How often a service was asked today for what it counts; kept in a file, for restarts."""

import fcntl
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

NEW_DAY = timedelta(hours=8)
"""When the count begins anew, in UTC: midnight in California, but for its summer time."""


class Spent(Exception):
    """Raised when the limit of a day is reached; says as a clause when the next one begins."""


class Quota:
    """A limit for each day, also for several renderers of one data folder."""

    def __init__(self, file: Path | None, limit: int, clock: Callable[[], float] = time.time) -> None:
        self._file = file
        self._limit = limit
        self._clock = clock

    def take(self) -> None:
        """Count one request, before it is sent; raises Spent. A disk that does not take it stops it, too."""
        now = datetime.fromtimestamp(self._clock(), UTC)
        day = (now - NEW_DAY).date()
        if self._file is None:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            count = _count(file.read(), day.isoformat())
            if count >= self._limit:
                anew = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1) + NEW_DAY
                raise Spent(
                    f"the daily limit of {self._limit} sessions is reached (scene.daily_sessions); it begins "
                    f"anew at {anew:%Y-%m-%d %H:%M} UTC"
                )
            file.truncate(0)
            file.write(json.dumps({"day": day.isoformat(), "sessions": count + 1}))


def _count(text: str, day: str) -> int:
    """How many were counted that day; what cannot be read counts as none."""
    try:
        said = json.loads(text)
        return int(said["sessions"]) if said["day"] == day else 0
    except (ValueError, LookupError, TypeError):
        return 0
