"""Which processes there are: one keeper, any number of renderers and generators, one gateway."""

from collections.abc import Callable, Mapping

from protocol.life import WorkerKind
from services.supervision.child import Child

ORDER = ("keeper", "renderer", "generator", "gateway")
"""The order in which they start, and stop in reverse."""


class Roster:
    """The processes in order, those included that are to go and have not gone yet."""

    def __init__(self, counts: Mapping[WorkerKind, int], make: Callable[[str, str], Child]) -> None:
        self.counts = dict(counts)
        """How many of each kind are wanted."""
        self.keeper = make("keeper", "keeper")
        self._make = make
        self._named = {child.name: child for child in (self.keeper, make("gateway", "gateway"))}
        for kind in self.counts:
            self.hire(kind)

    @property
    def children(self) -> list[Child]:
        """All of them."""
        return sorted(self._named.values(), key=lambda child: (ORDER.index(child.kind), _number(child)))

    def get(self, name: str) -> Child | None:
        """The process of that name."""
        return self._named.get(name)

    def hire(self, kind: WorkerKind) -> list[Child]:
        """Add those that are wanted and not there."""
        names = [f"{kind}-{number}" for number in range(1, self.counts[kind] + 1)]
        new = [self._make(kind, name) for name in names if name not in self._named]
        self._named |= {child.name: child for child in new}
        return new

    def surplus(self, kind: WorkerKind) -> list[Child]:
        """Those that are there and not wanted, the highest number first."""
        found = [
            child for child in self.children if child.kind == kind and _number(child) > self.counts[kind]
        ]
        return found[::-1]

    def remove(self, child: Child) -> None:
        """It has gone."""
        del self._named[child.name]


def _number(child: Child) -> int:
    number = child.name.rpartition("-")[2]
    return int(number) if number.isdecimal() else 0
