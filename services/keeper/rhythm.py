"""The rhythm of a model that allows so many calls a minute: when the next one may begin; pure."""

LATE_SECONDS = 0.2
"""How late the keeper may notice that a call may begin: so much of the time that was lost is made up for."""

LONGEST_PACE_SECONDS = 60.0 + LATE_SECONDS


def following(before: float, *, per_minute: int, now: float) -> float:
    """When the next call may begin after one that begins now; evenly, so that no minute has more.

    `before` is what the call before it came to. Of n calls the last begins at least (n − 1) intervals less
    the time made up for after the first, which is a whole minute for one call too many.
    """
    interval = (60.0 + LATE_SECONDS) / per_minute
    return max(before, now - LATE_SECONDS) + interval
