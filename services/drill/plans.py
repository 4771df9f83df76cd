"""The plans of one drill, drawn from its seed: far enough apart that none is in another's way."""

import random
from collections.abc import Iterator
from typing import Any

from protocol.plan import Plan, Step

APART = 32
ROW = 64
LARGEST = 10


def plans(seed: int) -> Iterator[Plan]:
    """Plans without end; the number of each says where on the map it lies."""
    chance = random.Random(f"plans {seed}")
    number = 0
    while True:
        # Odd, so that most plans need few frames beyond their own ground: renders take the longest to check.
        x, y = number % ROW * APART + 1, number // ROW * APART + 1
        yield _plan(chance, f"plan-{number:04}", x, y)
        number += 1


def _plan(chance: random.Random, name: str, x: int, y: int) -> Plan:
    common: dict[str, Any] = {
        "id": name,
        "prompt": f"the ground of {name}",
        "lane": chance.choice(("bulk", "bulk", "bulk", "interactive")),
    }
    if chance.random() < 0.6:
        width, height = (chance.choice((2, 3, 4, 6, 8, 9, LARGEST)) for _ in range(2))
        return Plan(**common, rectangle=(x, y, x + width - 1, y + height - 1))
    return Plan(**common, steps=_steps(chance, x, y))


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
