"""Pockets: quadrants that a growth left over, tried again in other orders.

Around each one what was laid is taken back, with all that depends on it, and grown anew from another
lattice and with other choices between equals; the better of both stays. The choices come from a
generator with a fixed seed, so the same map always gives the same plan.
"""

from collections.abc import Iterable
from random import Random

from services.tiling.field import SPARE
from services.tiling.growth import PERIOD, Growth

TRIES = 24
"""Orders tried for one quadrant before it is left out."""
BUDGET, BUDGET_SMALL = 100, 40_000
"""Tries for one plan, and the tries × quadrants that a small one may have besides; they bound its time."""
SUPPORT = 3
"""How far from what is missing scaffold may be laid for its sake."""


def support(growth: Growth, missing: set[int]) -> None:
    """Lay scaffold around what is missing, as far as it helps to fill it."""
    if not missing:
        return
    _allow(growth, missing)
    growth.offer(sorted(growth.supports))
    growth.drain()
    growth.supports = set()


def fill_pockets(growth: Growth) -> None:
    """Fill more of what is missing, where another order can."""
    chance = Random(1)
    hopeless: set[int] = set()
    budget = BUDGET + BUDGET_SMALL // (len(growth.missing) + sum(len(s.places) for s in growth.steps) or 1)
    growth.chance = chance
    while budget > 0 and (left := growth.missing - hopeless):
        place = min(left)
        for number in range(TRIES):
            budget -= 1
            if _grown_better(growth, place, number, chance):
                break
        else:
            hopeless.add(place)
    growth.chance = None
    growth.at_random = False
    growth.prune()


def _grown_better(growth: Growth, place: int, number: int, chance: Random) -> bool:
    """Grow the surroundings of a place anew; whether less is missing then."""
    before = len(growth.missing)
    area = _square(growth, place, 2 + number % 3)
    removed = growth.remove(growth.makers(area))
    kept = len(growth.steps)
    growth.turn(chance.randrange(PERIOD), chance.randrange(PERIOD))
    growth.at_random = number % 4 >= 2
    if number % 2:
        _allow(growth, [place])
    around = {i for step in removed for i in step.places} | area
    width = growth.field.width
    growth.offer(sorted({i + dy * width + dx for i in around for dy in (-1, 0) for dx in (-1, 0)}))
    growth.drain()
    growth.supports = set()
    support(growth, growth.missing & around)
    growth.prune(since=kept)
    if len(growth.missing) < before:
        return True
    growth.remove(growth.since(kept))
    growth.restore(removed)
    return False


def _allow(growth: Growth, places: Iterable[int]) -> None:
    use = growth.field.use
    growth.supports = {i for place in places for i in _square(growth, place, SUPPORT) if use[i] == SPARE}


def _square(growth: Growth, place: int, radius: int) -> set[int]:
    width = growth.field.width
    return {place + dy * width + dx for dy in range(-radius, radius + 1) for dx in range(-radius, radius + 1)}
