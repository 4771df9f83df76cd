"""How long to wait before the next try."""

import random


def exponential(attempt: int, *, first: float, limit: float, chance: random.Random | None = None) -> float:
    """Seconds before try number `attempt`+1: doubling from `first` up to `limit`, with full jitter.

    Without `chance` the upper bound itself is given. Full jitter after Brooker, "Exponential Backoff
    And Jitter", AWS Architecture Blog, 2015.
    """
    bound = min(limit, first * 2.0 ** min(max(attempt - 1, 0), 60))
    return chance.uniform(0, bound) if chance else bound
