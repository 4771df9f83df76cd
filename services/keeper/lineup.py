"""The line-up: where plans that are accepted together come to stand. Pure."""

from collections import Counter
from collections.abc import Callable


class LineUp:
    """Where plans accepted together come to stand, behind so many pending jobs as `before` counts."""

    def __init__(self, before: Callable[[int], int]) -> None:
        self._before = before
        self._known: dict[int, int] = {}
        self._added: Counter[int] = Counter()

    def position(self, own: int, pending: int) -> int:
        """How many jobs stand before the first of a plan of this rank, of which so many are pending."""
        if own not in self._known:
            self._known[own] = self._before(own)
        position = self._known[own] + sum(jobs for other, jobs in self._added.items() if other <= own)
        self._added[own] += pending
        return position
