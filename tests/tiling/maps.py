"""Made-up maps with finished blobs on and around a region, and the judge of a plan for one."""

import random
from collections.abc import Collection
from dataclasses import dataclass

from services.tiling.planning import Map, PlannedStep, Planning, plan
from services.tiling.quadrant import Quadrant
from services.tiling.region import rectangle
from services.tiling.seam import Refusal, Window, place

Cell = tuple[int, int]


@dataclass(frozen=True)
class MadeUp:
    """A rectangle to fill and what is finished on it and up to a few quadrants around it."""

    region: frozenset[Quadrant]
    finished: frozenset[Quadrant]


def made_up(seed: int, *, side: int = 14, blobs: int = 6) -> MadeUp:
    """The map of that number: up to `side` × `side` quadrants, up to `blobs` finished blobs."""
    chance = random.Random(seed)
    width, height = chance.randint(1, side), chance.randint(1, side)
    finished: set[Quadrant] = set()
    for _ in range(chance.randint(0, blobs)):
        x, y = chance.randint(-3, width + 2), chance.randint(-3, height + 2)
        if chance.random() < 0.5:
            finished |= rectangle(x, y, x + chance.randint(0, 3), y + chance.randint(0, 3))
        else:
            finished |= _walk(chance, x, y)
    return MadeUp(rectangle(0, 0, width - 1, height - 1), frozenset(finished))


def _walk(chance: random.Random, x: int, y: int) -> set[Quadrant]:
    walked = {Quadrant(x, y)}
    for _ in range(chance.randint(0, 9)):
        step_x, step_y = chance.choice(((1, 0), (-1, 0), (0, 1), (0, -1)))
        x, y = x + step_x, y + step_y
        walked.add(Quadrant(x, y))
    return walked


def planned(world: MadeUp, *, repair: bool = False) -> Planning:
    """The plan for a made-up map."""
    return plan(world.region, Map(world.finished), repair=repair)


def judge(made: Planning, region: Collection[Cell], ground: Map, chance: random.Random) -> None:
    """Fail unless every step is legal, in the given order and in a random one that `after` allows."""
    wanted = {cell for cell in region if cell not in ground.finished}
    kept = [cell for step in made.steps for cell in step.quadrants]
    assert len(set(kept)) == len(kept), "a quadrant is drawn twice"
    assert set(kept) <= wanted | set(made.repaired), "a quadrant outside of the region is put on the map"
    assert set(made.repaired) <= set(kept) & set(ground.finished), "named as drawn anew, but not drawn"
    assert {*kept} - set(made.repaired) | set(made.left_out) == wanted, "a quadrant is forgotten"
    assert not set(kept) & set(made.left_out), "a quadrant is drawn and left out"
    assert all(made.left_out.values()), "a quadrant is left out without a reason"
    spare = {cell for step in made.steps for cell in (*step.scaffold, *step.padding)}
    assert not spare & ({*region, *ground.reserved, *ground.failed} | set(ground.finished))
    assert not {*kept} & set(ground.reserved)
    first = walk(made, ground, list(made.steps))
    assert walk(made, ground, shuffled(made.steps, chance)) == first, "a step sees what comes by chance"


def walk(made: Planning, ground: Map, steps: Collection[PlannedStep]) -> dict[str, Window]:
    """Do the steps one by one; the window of each. Fails at the first that is not legal."""
    finished = set(ground.finished) - set(made.repaired)
    windows: dict[str, Window] = {}
    for step in steps:
        assert set(step.after) <= set(windows), f"{step.id} comes before what it waits for"
        window = place(step.infill, finished)
        assert not isinstance(window, Refusal), f"{step.id}: {window.reason}"
        windows[step.id] = window
        finished.update(step.quadrants, step.scaffold)
    return windows


def shuffled(steps: Collection[PlannedStep], chance: random.Random) -> list[PlannedStep]:
    """The steps in a random order that `after` allows."""
    waits = {step.id: len(set(step.after)) for step in steps}
    followers: dict[str, list[PlannedStep]] = {step.id: [] for step in steps}
    for step in steps:
        for name in set(step.after):
            followers[name].append(step)
    ready = [step for step in steps if not step.after]
    ordered: list[PlannedStep] = []
    while ready:
        at = chance.randrange(len(ready))
        ready[at], ready[-1] = ready[-1], ready[at]
        step = ready.pop()
        ordered.append(step)
        for follower in followers[step.id]:
            waits[follower.id] -= 1
            if not waits[follower.id]:
                ready.append(follower)
    assert len(ordered) == len(steps), "steps wait for each other in a circle"
    return ordered
