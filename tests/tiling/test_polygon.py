"""Which quadrants a polygon overlaps, and which polygons are none; compared with the slow way."""

import math
import random
from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.tiling.polygon import FARTHEST, POINT_LIMIT, quadrants_of
from services.tiling.quadrant import SIZE
from services.tiling.region import BadRegion, bounding, rectangle
from tests.tiling.drawing import cells

Ring = list[tuple[float, float]]


def scaled(*points: tuple[float, float]) -> Ring:
    """Points in quadrants as points in pixels."""
    return [(x * SIZE, y * SIZE) for x, y in points]


def box(x0: float, y0: float, x1: float, y1: float) -> Ring:
    return scaled((x0, y0), (x1, y0), (x1, y1), (x0, y1))


def why_not(*rings: Ring) -> str:
    with pytest.raises(BadRegion) as refused:
        quadrants_of(rings)
    sentence = str(refused.value)
    assert sentence[0].isupper()
    assert sentence.endswith(".")
    return sentence


@pytest.mark.parametrize(
    ("ring", "drawing"),
    [
        (
            scaled((0.5, 0.5), (3.5, 0.5), (0.5, 3.5)),
            """
            S S S S
            S S S .
            S S . .
            S . . .
            """,
        ),
        (
            # The diagonal runs through corners: what it only touches does not count.
            scaled((0, 0), (4, 0), (0, 4)),
            """
            S S S S
            S S S .
            S S . .
            S . . .
            """,
        ),
        (
            scaled((0, 0), (1, 0), (1, 2), (2, 2), (2, 0), (3, 0), (3, 3), (0, 3)),
            """
            S . S .
            S . S .
            S S S .
            . . . .
            """,
        ),
        (
            # A needle thinner than a quadrant, from corner to corner.
            scaled((0, 0), (3, 1.9), (3, 2)),
            """
            S S . .
            . S S .
            . . . .
            """,
        ),
        (box(1.25, 1.25, 1.5, 1.5), ". .\n. S"),
        (box(0.999, 0, 2.001, 1), "S S S ."),
    ],
)
def test_a_quadrant_counts_when_the_area_overlaps_it(ring: Ring, drawing: str) -> None:
    assert quadrants_of([ring]) == cells(drawing, "S")


def test_borders_alone_do_not_count() -> None:
    assert quadrants_of([box(-2, -1, 1, 2)]) == rectangle(-2, -1, 0, 1)
    assert quadrants_of([[(0, 0), (512, 0), (512, 512.001), (0, 512)]]) == {(0, 0), (0, 1)}


def test_winding_closing_and_repeated_points_make_no_difference() -> None:
    ring = scaled((0.3, 0.2), (2.7, 0.4), (1.1, 2.6))
    expected = quadrants_of([ring])
    for other in (ring[::-1], [*ring, ring[0]], [ring[0], ring[0], *ring[1:], ring[-1]], ring[1:] + ring[:1]):
        assert quadrants_of([other]) == expected


def test_holes_are_left_out_where_they_take_a_whole_quadrant() -> None:
    drawing = """
        S S S S S
        S . . S S
        S . . S S
        S S S S S
    """
    outer = box(0, 0, 5, 4)
    assert quadrants_of([outer, box(1, 1, 3, 3)]) == cells(drawing, "S")
    assert quadrants_of([outer, box(1, 1, 3.5, 3)[::-1], box(3.75, 1, 4, 2)]) == cells(drawing, "S")
    assert quadrants_of([outer, box(1.1, 1.1, 2.9, 2.9)]) == rectangle(0, 0, 4, 3)


def test_crossing_edges_are_named() -> None:
    assert why_not(scaled((0, 0), (2, 2), (2, 0), (0, 2))) == (
        "The edge from point 0 to 1 of the outer ring crosses the edge from point 2 to 3 of the outer ring "
        "(points are counted from 0)."
    )
    assert "point 1 to 2 of the outer ring crosses the edge from point 0 to 1 of hole 1" in why_not(
        box(0, 0, 2, 2), scaled((1, 0.5), (3, 1), (1, 1.5))
    )


def test_touching_and_overlapping_is_refused() -> None:
    # A corner on an edge, a corner on a corner, a way out and back, an edge along another one.
    assert " touches " in why_not(scaled((0, 0), (4, 0), (4, 4), (2, 0), (0, 4)))
    assert why_not(scaled((0, 0), (1, 1), (2, 0), (2, 2), (1, 1), (0, 2))) == (
        "Point 4 of the outer ring lies on point 1 of the outer ring: an outline may touch itself nowhere."
    )
    assert " overlaps " in why_not(scaled((0, 0), (4, 0), (2, 0), (2, 2)))
    assert " overlaps " in why_not(box(0, 0, 4, 4), box(0, 1, 1, 2))
    assert "Point 0 of hole 1 lies on point 0 of the outer ring" in why_not(box(0, 0, 4, 4), box(0, 0, 4, 4))
    assert " touches " in why_not(box(0, 0, 4, 4), scaled((0, 2), (1, 1), (1, 3)))


def test_holes_lie_in_the_outer_ring_and_not_in_each_other() -> None:
    outer = box(0, 0, 4, 4)
    assert why_not(outer, box(5, 0, 6, 1)) == "Hole 1 lies outside of the outer ring."
    assert why_not(outer, box(1, 1, 2, 2), box(-3, 0, -2, 1)) == "Hole 2 lies outside of the outer ring."
    assert why_not(box(1, 1, 2, 2), outer).endswith("the outer ring.")
    assert why_not(outer, box(1, 1, 3, 3), box(1.5, 1.5, 2, 2)) == "Hole 2 lies inside of hole 1."
    assert why_not(outer, box(1.5, 1.5, 2, 2), box(1, 1, 3, 3)) == "Hole 1 lies inside of hole 2."


def test_what_is_no_polygon() -> None:
    assert why_not() == "The polygon has no ring."
    assert why_not([]) == "The outer ring has fewer than 3 different points."
    assert why_not([(0, 0), (1, 1), (0, 0)]) == "The outer ring has fewer than 3 different points."
    assert why_not([(5, 5)] * 9) == "The outer ring has fewer than 3 different points."
    assert why_not([(0, 0), (1, 1), (2, 2)]) == "The outer ring has no area: its points lie on one line."
    assert why_not(box(0, 0, 4, 4), [(1, 1), (2, 2)]) == "Hole 1 has fewer than 3 different points."
    far = f"Point 1 of the outer ring does not lie within ±{FARTHEST:,} quadrants."
    for wrong in (math.nan, math.inf, -math.inf, 1e300, 10**400, 512_000_001, -512_000_001.5):
        assert why_not([(0, 0), (wrong, 0), (0, 512)]) == far
        assert why_not([(0, 0), (0, wrong), (512, 0)]) == far


@pytest.mark.chaos
def test_too_large_is_said_at_once() -> None:
    too_many = "The polygon covers more than 1,000,000 quadrants. Fill it in parts."
    assert len(quadrants_of([box(0, 0, 1000, 1000)])) == 1_000_000
    assert why_not(box(0, 0, 1000, 1000.001)) == too_many
    assert why_not(box(-900_000, 0, 900_000, 0.001)) == too_many
    assert why_not(box(-FARTHEST, -FARTHEST, FARTHEST, FARTHEST)) == too_many
    assert why_not(scaled((0, 0), (700_000, 700_000), (700_000, 700_001))) == too_many
    assert why_not([(i, i * i / 1e6) for i in range(POINT_LIMIT + 1)]) == (
        "The polygon has 100,001 points; 100,000 is the most. Simplify it."
    )
    zigzag = [(i * 4, (-1) ** i * 450.0 * SIZE) for i in range(60_000)]
    assert "to and fro" in why_not([*zigzag, (240_000, 500 * SIZE), (0, 500.0 * SIZE)])


def test_a_detailed_outline_around_a_large_region() -> None:
    points = 10_000
    chance = random.Random(7)
    ring = []
    for i in range(points):
        radius = (180 + chance.random()) * SIZE
        angle = 2 * math.pi * i / points
        ring.append((radius * math.cos(angle), radius * math.sin(angle)))
    found = quadrants_of([ring])
    assert 102_000 < len(found) < 104_000
    x0, y0, x1, y1 = bounding(found)
    assert -182 <= x0 <= -180 <= 179 <= x1 <= 181
    assert -182 <= y0 <= -180 <= 179 <= y1 <= 181
    ring[5_000], ring[5_001] = ring[5_001], ring[5_000]
    assert "crosses" in why_not(ring)


def side(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> Fraction:
    (ax, ay), (bx, by), (cx, cy) = ([Fraction(v) for v in point] for point in (a, b, c))
    return (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)


def meet(one: Ring, other: Ring) -> bool:
    """Whether two closed segments have a point in common."""
    (a, b), (c, d) = one, other
    if max(a[0], b[0]) < min(c[0], d[0]) or max(c[0], d[0]) < min(a[0], b[0]):
        return False
    if max(a[1], b[1]) < min(c[1], d[1]) or max(c[1], d[1]) < min(a[1], b[1]):
        return False
    return side(a, b, c) * side(a, b, d) <= 0 and side(c, d, a) * side(c, d, b) <= 0


def is_simple(rings: list[Ring]) -> bool:
    """The slow way: every pair of edges of one or several rings."""
    corners = [corner for ring in rings for corner in ring]
    if len(set(corners)) < len(corners):
        return False
    edges = [[ring[i - 1], ring[i]] for ring in rings for i in range(len(ring))]
    for one, other in combinations(edges, 2):
        common = set(one) & set(other)
        if not common:
            if meet(one, other):
                return False
        else:
            (corner,) = common
            a, b = (next(end for end in edge if end != corner) for edge in (one, other))
            ahead = (a[0] - corner[0]) * (b[0] - corner[0]) + (a[1] - corner[1]) * (b[1] - corner[1])
            if side(corner, a, b) == 0 and ahead > 0:
                return False
    return True


def area(ring: list[tuple[Fraction, Fraction]]) -> Fraction:
    return sum(
        (a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, [*ring[1:], *ring[:1]], strict=True)), Fraction()
    )


def clipped(ring: Ring, x: int, y: int) -> Fraction:
    """Twice the area that a ring has in a quadrant (Sutherland and Hodgman, 1974)."""
    left: list[tuple[Fraction, Fraction]] = [(Fraction(px), Fraction(py)) for px, py in ring]
    for axis, limit, sign in ((0, x, 1), (0, x + 1, -1), (1, y, 1), (1, y + 1, -1)):
        border = limit * SIZE
        kept: list[tuple[Fraction, Fraction]] = []
        for a, b in zip([*left[-1:], *left[:-1]], left, strict=True):
            inside = [sign * (point[axis] - border) >= 0 for point in (a, b)]
            if inside[0] != inside[1]:
                t = (border - a[axis]) / (b[axis] - a[axis])
                kept.append((a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])))
            if inside[1]:
                kept.append(b)
        left = kept
    return abs(area(left))


@settings(max_examples=600, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(-5, 5), st.integers(-5, 5)).map(lambda p: (p[0] * 192.0, p[1] * 192.0)),
        min_size=3,
        max_size=9,
        unique=True,
    )
)
def test_random_rings_compare_with_the_slow_way(ring: Ring) -> None:
    if not is_simple([ring]):
        why_not(ring)
        return
    expected = {cell for cell in rectangle(-3, -3, 2, 2) if clipped(ring, *cell)}
    assert quadrants_of([ring]) == expected


@settings(max_examples=200, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(3, 40), st.floats(0.01, 4.0))
def test_stars_compare_with_the_slow_way(chance: random.Random, points: int, size: float) -> None:
    """Rings with rounded, crooked coordinates around a hole that is sometimes too large."""
    middle = (chance.uniform(-2, 2), chance.uniform(-2, 2))

    def star(low: float, high: float) -> Ring:
        angles = sorted(chance.uniform(0, 2 * math.pi) for _ in range(points))
        ring: Ring = []
        for angle in angles:
            radius = chance.uniform(low, high) * size
            # Sixteenths of a pixel, which are kept exactly.
            x = round((middle[0] + radius * math.cos(angle)) * 8192) / 16
            y = round((middle[1] + radius * math.sin(angle)) * 8192) / 16
            if (x, y) not in (ring[:1] + ring[-1:]):
                ring.append((x, y))
        return ring

    outer, hole = star(0.5, 1.0), star(0.1, 0.55)
    try:
        found = quadrants_of([outer, hole])
    except BadRegion as refused:
        flat = "different" in str(refused) or "no area" in str(refused)
        assert flat or "lies outside" in str(refused) or not is_simple([outer, hole])
        return
    assert is_simple([outer, hole])
    x0, y0, x1, y1 = bounding(found)
    around = rectangle(x0 - 1, y0 - 1, x1 + 1, y1 + 1)
    assert found == {cell for cell in around if clipped(outer, *cell) - clipped(hole, *cell)}
