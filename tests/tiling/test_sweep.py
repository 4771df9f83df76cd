"""Plans on made-up maps: never a seam, nothing twice, and almost never more left out than must be."""

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.tiling.field import Field
from services.tiling.planning import Map, plan
from services.tiling.quadrant import Quadrant
from services.tiling.reach import unreachable
from services.tiling.region import rectangle
from tests.tiling.exhaustive import TooMany, fewest_left_out
from tests.tiling.maps import judge, made_up, planned

coordinates = st.integers(-3, 16)
blobs = st.builds(
    lambda x, y, width, height: rectangle(x, y, x + width, y + height),
    coordinates,
    coordinates,
    st.integers(0, 3),
    st.integers(0, 3),
)
sides = st.integers(0, 13)
thorough = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@thorough
@given(sides, sides, st.lists(blobs, max_size=6), st.lists(blobs, max_size=2), st.booleans(), st.randoms())
def test_no_map_makes_a_seam(
    right: int,
    bottom: int,
    finished: list[frozenset[Quadrant]],
    reserved: list[frozenset[Quadrant]],
    repair: bool,
    chance: random.Random,
) -> None:
    region = rectangle(0, 0, right, bottom)
    stands = frozenset().union(*finished)
    ground = Map(stands, frozenset().union(*reserved) - stands)
    judge(plan(region, ground, repair=repair), region, ground, chance)


@thorough
@given(st.sets(st.tuples(sides, sides), min_size=1, max_size=60), st.lists(blobs, max_size=3), st.randoms())
def test_no_outline_makes_a_seam(
    region: set[tuple[int, int]], finished: list[frozenset[Quadrant]], chance: random.Random
) -> None:
    ground = Map(frozenset().union(*finished))
    judge(plan(region, ground), region, ground, chance)


def test_a_sweep_of_seeds() -> None:
    """Nothing beyond what the planner calls reachable is drawn, and nearly everything within."""
    left_out = beyond = 0
    for seed in range(60):
        world = made_up(seed)
        made = planned(world)
        judge(made, world.region, Map(world.finished), random.Random(seed))
        land = Field(world.region, world.finished)
        lost = {land.quadrant(i) for i in unreachable(land)} & world.region
        assert lost <= set(made.left_out)
        left_out += len(made.left_out)
        beyond += len(lost)
    assert left_out <= 1.1 * beyond + 5


def test_small_maps_compare_with_every_order_there_is() -> None:
    more = unknown = 0
    for seed in range(80):
        world = made_up(seed, side=5)
        if left := len(planned(world).left_out):
            try:
                more += left - fewest_left_out(world.region, world.finished, at_most=left, most_maps=10_000)
            except TooMany:
                unknown += 1
    assert more <= 1
    assert unknown <= 3
