"""The plans of one drill, drawn from its seed: far enough apart that none is in another's way."""

import random
from collections.abc import Collection
from itertools import count
from typing import Any

from protocol.plan import Plan, Step

FEW_MODEL = "stub-few"
"""The model of which only few jobs may be in workers' hands at once."""
PRICED_MODEL = "stub-priced"
"""The model whose calls cost something, within a daily budget and now and then a plan's cap."""
PRICE = 0.25
"""Of one call; sums of it are exact."""
BUDGET = 40 * PRICE
"""What its calls may cost in a day, until somebody allows more."""
DARK_MODEL = "stub-dark"
"""The model that turns the map into another layer."""
DARK_LAYER = "dark"
COMPARISON = "compare-"
"""How the names of comparisons begin."""

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
        self._light: dict[str, Plan] = {}
        """Those on whose ground nobody has drawn the other layer."""

    def next(self) -> Plan:
        """A small one, or one that is large to the keeper of a drill."""
        common, (x, y) = self._common()
        if self._chance.random() < 0.6:
            width, height = (self._chance.choice((2, 3, 4, 6, 8, 9, LARGEST)) for _ in range(2))
            plan = Plan(**common, rectangle=(x, y, x + width - 1, y + height - 1))
        else:
            plan = Plan(**common, steps=_steps(self._chance, x, y))
        self._light[plan.id] = plan
        return plan

    def dark(self, accepted: Collection[str]) -> Plan | None:
        """One that draws the other layer where an accepted plan draws the map; None if there is none left."""
        plan_id = next((plan_id for plan_id in accepted if plan_id in self._light), None)
        if plan_id is None:
            return None
        light = self._light.pop(plan_id)
        calls = [step for step in light.steps if step.kind == "generate"]
        known = {step.id for step in calls}
        steps = [
            step.model_copy(update={"after": [it for it in step.after if it in known]}) for step in calls
        ]
        return Plan(
            id=f"dark-{plan_id}",
            prompt=f"{light.prompt}, by night",
            lane=light.lane,
            model_id=DARK_MODEL,
            rectangle=light.rectangle,
            steps=steps,
        )

    def island(self) -> tuple[str, list[tuple[int, int]]]:
        """A name, and free ground for one call."""
        number = next(self._numbers)
        x, y = _corner(number)
        return f"{number:04}", [(x, y), (x + 1, y), (x, y + 1), (x + 1, y + 1)]

    def in_parts(self, rows: int = 1) -> Plan:
        """One that somebody sends in parts: some rows of seven to nine steps."""
        common, (x, y) = self._common()
        tops = range(y, y + 3 * rows, 3)
        steps = [_islands(x, top, self._chance.randint(7, 9), f"{top}-") for top in tops]
        return Plan(**common, steps=[step for row in steps for step in row])

    def _common(self) -> tuple[dict[str, Any], tuple[int, int]]:
        number, chance = next(self._numbers), self._chance
        model_id = chance.choice((None, None, None, FEW_MODEL, PRICED_MODEL))
        capped = model_id == PRICED_MODEL and chance.random() < 0.5
        common: dict[str, Any] = {
            "id": f"plan-{number:04}",
            "prompt": f"the ground of plan {number}",
            "lane": chance.choice(("bulk", "bulk", "bulk", "interactive")),
            "model_id": model_id,
            "cost_cap": chance.randint(2, 12) * PRICE if capped else None,
        }
        return common, _corner(number)


def _corner(number: int) -> tuple[int, int]:
    # Odd, so that most plans need few frames beyond their own ground: renders take the longest to check.
    return number % ROW * APART + 1, number // ROW * APART + 1


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
