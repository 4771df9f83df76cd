"""The planner: never a seam, how little it leaves out, how few calls and waves, how long it takes."""

import gc
import math
import random
import statistics
import time
from collections.abc import Iterator

from bench.figure import Figure
from services.tiling.field import Field
from services.tiling.planning import Map, Planning, calls, plan
from services.tiling.quadrant import Quadrant
from services.tiling.reach import unreachable
from services.tiling.region import Region, rectangle
from tests.tiling.exhaustive import TooMany, fewest_left_out
from tests.tiling.maps import judge, made_up, planned

MAPS = 10_000
SMALL_MAPS = 1_000
SIDES = (25, 50, 100, 200, 400)
ROUNDS = 3


def figures() -> Iterator[Figure]:
    """Everything that issue 3 asks of plans."""
    yield from _sweep()
    yield from _exhaustive()
    yield from _free()
    yield from _times()


def _sweep() -> Iterator[Figure]:
    illegal = 0
    left_out: list[int] = []
    beyond: list[int] = []
    waves: list[int] = []
    for seed in range(MAPS):
        world = made_up(seed)
        made = planned(world)
        try:
            judge(made, world.region, Map(world.finished), random.Random(seed))
        except AssertionError as error:
            print(f"map {seed}: {error}")
            illegal += 1
        land = Field(world.region, world.finished)
        beyond.append(len({land.quadrant(i) for i in unreachable(land)} & world.region))
        left_out.append(len(made.left_out))
        if world.finished and made.steps:
            waves.append(_waves(made))
    note = f"{MAPS:,} maps to 14×14 with up to 6 blobs, each in the given and a random order"
    yield Figure("illegal_plans", illegal, "plans", "== 0", note)
    more = sum(left_out) - sum(beyond)
    least = f"{statistics.mean(beyond):.4f} cannot be filled by proof; {more} quadrants more in all maps"
    yield Figure("left_out", statistics.mean(left_out), "quadrants per map", "", least)
    yield Figure("waves_with_blobs", statistics.median(waves), "median", "<= 8", f"at most {max(waves)}")


def _exhaustive() -> Iterator[Figure]:
    more: list[int] = []
    unknown = 0
    for seed in range(SMALL_MAPS):
        world = made_up(seed, side=5)
        left = len(planned(world).left_out)
        try:
            least = (
                fewest_left_out(world.region, world.finished, at_most=left, most_maps=100_000) if left else 0
            )
        except TooMany:
            unknown += 1
            continue
        more.append(left - least)
    note = f"{len(more)} maps to 5×5, every order tried, scaffold 2 around; {unknown} with too many orders"
    yield Figure("left_out_over_exhaustive", statistics.mean(more), "quadrants per map", "", note)


def _free() -> Iterator[Figure]:
    incomplete = over = 0
    most_waves = 0
    for width in range(1, 15):
        for height in range(1, 15):
            made = plan(rectangle(0, 0, width - 1, height - 1), Map())
            incomplete += bool(made.left_out)
            over += len(made.steps) > calls(width, height)
            most_waves = max(most_waves, _waves(made))
    yield Figure("free_incomplete", incomplete, "rectangles", "== 0", "1×1 to 14×14")
    yield Figure("free_over_seg", over, "rectangles", "== 0", "more calls than seg(w)·seg(h)")
    yield Figure("free_waves", most_waves, "waves", "<= 3")


def _times() -> Iterator[Figure]:
    took = {side: _best(rectangle(0, 0, side - 1, side - 1), Map()) for side in SIDES}
    yield Figure("plan_200x200_free", took[200], "s", "<= 1.5", f"best of {ROUNDS}")
    slope = statistics.linear_regression([math.log(s * s) for s in SIDES], [math.log(took[s]) for s in SIDES])
    note = ", ".join(f"{side}: {seconds:.3f} s" for side, seconds in took.items())
    yield Figure("plan_time_exponent", slope.slope, "of the area", "", note)
    for name, finished in (("blobs", _blobs()), ("salt", _salt())):
        seconds = _best(rectangle(0, 0, 39, 39), Map(finished))
        note = f"{len(finished)} of 1,600 finished, as {name}; best of {ROUNDS}"
        yield Figure(f"plan_40x40_{name}", seconds, "s", "<= 0.5", note)


def _best(region: Region, ground: Map) -> float:
    found = []
    for _ in range(ROUNDS):
        gc.collect()
        began = time.perf_counter()
        plan(region, ground)
        found.append(time.perf_counter() - began)
    return min(found)


def _waves(made: Planning) -> int:
    return max((step.wave for step in made.steps), default=0)


def _blobs() -> Region:
    chance = random.Random(1)
    finished: set[Quadrant] = set()
    while len(finished) < 480:
        x, y = chance.randrange(40), chance.randrange(40)
        finished |= rectangle(x, y, min(39, x + chance.randint(0, 6)), min(39, y + chance.randint(0, 6)))
    return frozenset(finished)


def _salt() -> Region:
    chance = random.Random(1)
    return frozenset(cell for cell in sorted(rectangle(0, 0, 39, 39)) if chance.random() < 0.3)
