"""Ancestry: which steps of a plan come before which, whatever order its workers finish in."""

from collections import deque
from collections.abc import Sequence

from protocol.errors import Code, ProtocolError
from protocol.plan import Step

NEAR = 64
"""Steps looked at one by one before the whole plan is written out."""
_NOTHING: frozenset[int] = frozenset()


class Ancestry:
    """The order of a plan. Raises BAD_PLAN with the step's id for a plan that has none.

    Asked about steps of which one names the other, or that have equally many before them, it answers at
    once; for the rest it walks a little, and for plans with long chains it writes everything out, a bit
    for each pair: 50 MB for twenty thousand steps.
    """

    def __init__(self, steps: Sequence[Step]) -> None:
        number: dict[str, int] = {}
        for i, step in enumerate(steps):
            if step.id in number:
                raise ProtocolError(Code.BAD_PLAN, f"Two steps have the id {step.id}.", details=step.id)
            number[step.id] = i
        self._direct: list[frozenset[int]] = [
            _numbers(step, number) if step.after else _NOTHING for step in steps
        ]
        self._depth = [0] * len(steps)
        self._bits: list[int] | None = None
        self.order = self._ordered(steps)
        """The steps by position, each after those that it waits for."""

    def before(self, first: int, second: int) -> bool:
        """Whether the first step is complete whenever the second begins."""
        if first in self._direct[second]:
            return True
        if self._depth[first] + 1 >= self._depth[second]:
            return False
        if self._bits is None:
            frontier, seen = [second], {second}
            while frontier:
                for needed in self._direct[frontier.pop()]:
                    if needed == first:
                        return True
                    if needed not in seen and self._depth[needed] > self._depth[first]:
                        seen.add(needed)
                        frontier.append(needed)
                if len(seen) > NEAR:
                    break
            else:
                return False
            self._bits = self._written_out()
        return bool(self._bits[second] >> first & 1)

    def named(self, step: int) -> frozenset[int]:
        """The steps that this one names itself as coming before it."""
        return self._direct[step]

    def forward(self) -> Sequence[int]:
        """The steps as they were given if each comes after those that it waits for, or else put so."""
        if isinstance(self.order, range) or all(
            needed < i for i, direct in enumerate(self._direct) for needed in direct
        ):
            return range(len(self._direct))
        return self.order

    def _ordered(self, steps: Sequence[Step]) -> Sequence[int]:
        if not any(self._direct):
            return range(len(steps))
        waits = [len(needed) for needed in self._direct]
        followers: list[list[int]] = [[] for _ in steps]
        for i, needed in enumerate(self._direct):
            for other in needed:
                followers[other].append(i)
        ready = deque(i for i, count in enumerate(waits) if not count)
        ordered: list[int] = []
        while ready:
            i = ready.popleft()
            ordered.append(i)
            for follower in followers[i]:
                self._depth[follower] = max(self._depth[follower], self._depth[i] + 1)
                waits[follower] -= 1
                if not waits[follower]:
                    ready.append(follower)
        if len(ordered) < len(steps):
            stuck = steps[self._in_circle(waits)].id
            raise ProtocolError(Code.BAD_PLAN, f"Step {stuck} waits, in a circle, for itself.", details=stuck)
        return ordered

    def _in_circle(self, waits: list[int]) -> int:
        """A step of a circle: each that cannot begin waits for another such, until one comes again."""
        at = next(i for i, count in enumerate(waits) if count)
        seen: set[int] = set()
        while at not in seen:
            seen.add(at)
            at = next(i for i in self._direct[at] if waits[i])
        return at

    def _written_out(self) -> list[int]:
        bits = [0] * len(self._direct)
        for i in self.order:
            for needed in self._direct[i]:
                bits[i] |= bits[needed] | (1 << needed)
        return bits


def _numbers(step: Step, number: dict[str, int]) -> frozenset[int]:
    for name in step.after:
        if name not in number:
            raise ProtocolError(
                Code.BAD_PLAN, f"Step {step.id} waits for {name}, which is not in the plan.", details=step.id
            )
    return frozenset(number[name] for name in step.after)
