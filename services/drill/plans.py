"""The plans of one drill, drawn from its seed: far enough apart that none is in another's way."""

import random
from itertools import count
from typing import Any

from protocol.plan import Plan, Step

FEW_MODEL = "stub-few"
"""The model of which only few jobs may be in workers' hands at once."""

APART = 32
ROW = 64
LARGEST = 10
LARGE_ROWS = 2
"""So many make a plan that the keeper of a drill leaves to a drafter."""


class Plans:
    """Plans without end; the number of each says where on the map it lies."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(f"plans {seed}")
        self._numbers = count()

    def next(self) -> Plan:
        """A small one, or one that is large to the keeper of a drill."""
        common, (x, y) = self._common()
        if self._chance.random() < 0.6:
            width, height = (self._chance.choice((2, 3, 4, 6, 8, 9, LARGEST)) for _ in range(2))
            return Plan(**common, rectangle=(x, y, x + width - 1, y + height - 1))
        return Plan(**common, steps=_steps(self._chance, x, y))

    def in_parts(self, rows: int = 1) -> Plan:
        """One that somebody sends in parts: some rows of seven to nine steps."""
        common, (x, y) = self._common()
        tops = range(y, y + 3 * rows, 3)
        steps = [_islands(x, top, self._chance.randint(7, 9), f"{top}-") for top in tops]
        return Plan(**common, steps=[step for row in steps for step in row])

    def _common(self) -> tuple[dict[str, Any], tuple[int, int]]:
        number, chance = next(self._numbers), self._chance
        # Odd, so that most plans need few frames beyond their own ground: renders take the longest to check.
        corner = number % ROW * APART + 1, number // ROW * APART + 1
        common: dict[str, Any] = {
            "id": f"plan-{number:04}",
            "prompt": f"the ground of plan {number}",
            "lane": chance.choice(("bulk", "bulk", "bulk", "interactive")),
            "model_id": chance.choice((None, None, None, FEW_MODEL)),
        }
        return common, corner


def _islands(x: int, y: int, count: int, name: str) -> list[Step]:
    cells = [
        [(left, y), (left + 1, y), (left, y + 1), (left + 1, y + 1)] for left in range(x, x + 3 * count, 3)
    ]
    return [Step(id=f"{name}{number}", quadrants=four) for number, four in enumerate(cells)]


def _steps(chance: random.Random, x: int, y: int) -> list[Step]:
    """A row of islands; some wait for one before them, some for a render that was asked for."""
    steps: list[Step] = []
    for number in range(chance.randint(4, 10)):
        left = x + 3 * number
        cells = [(left, y), (left + 1, y), (left, y + 1), (left + 1, y + 1)]
        after = [chance.choice(steps).id] if steps and chance.random() < 0.6 else []
        if chance.random() < 0.2:
            steps.append(Step(id=f"r{number}", kind="render", quadrants=cells[:2], after=after))
        else:
            steps.append(Step(id=f"s{number}", quadrants=cells, after=after))
    return steps
