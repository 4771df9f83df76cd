"""The outline of a polygon: rings of whole-numbered points that neither cross, touch nor overlap anywhere.

Found by a sweep from left to right (M. Shamos and D. Hoey, "Geometric intersection problems", 1976) with
whole numbers only, so that the answer is exact.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from services.tiling.region import BadRegion

Point = tuple[int, int]


class Corner(NamedTuple):
    """A point of a ring and its place in the ring as it was given."""

    point: Point
    place: int


@dataclass(frozen=True, eq=False, slots=True)
class Edge:
    """An edge of a ring; `first` is its left end, or the upper one if it is vertical."""

    first: Point
    last: Point
    ring: int
    places: tuple[int, int]

    def side(self, point: Point) -> int:
        """Positive if the point lies below the edge on the map, negative above it, 0 on its line."""
        (ax, ay), (bx, by) = self.first, self.last
        return (bx - ax) * (point[1] - ay) - (by - ay) * (point[0] - ax)


def check(rings: Sequence[Sequence[Corner]]) -> None:
    """Raise BadRegion unless the rings outline one area: the first runs around it, the others are its holes.

    Every ring has at least three corners, each other than the one before it.
    """
    _check_corners(rings)
    starts: dict[Point, list[Edge]] = {}
    ends: dict[Point, list[Edge]] = {}
    for number, ring in enumerate(rings):
        for here, there in zip(ring, [*ring[1:], ring[0]], strict=True):
            first, last = sorted((here.point, there.point))
            edge = Edge(first, last, number, (here.place, there.place))
            starts.setdefault(first, []).append(edge)
            ends.setdefault(last, []).append(edge)
    across: list[Edge] = []
    seen: set[int] = set()
    for point in sorted({*starts, *ends}):
        _pass(point, starts.get(point, []), ends.get(point, []), across, seen)


def _pass(point: Point, starting: list[Edge], ending: list[Edge], across: list[Edge], seen: set[int]) -> None:
    """Move the sweep over one corner; `across` holds the edges under the sweep line from top to bottom."""
    at = _find(point, across, ending, starting)
    if not ending:
        edge = starting[0]
        if edge.ring not in seen:
            seen.add(edge.ring)
            _check_nesting(edge, across[:at])
    if len(starting) == 2 and starting[0].side(starting[1].last) < 0:
        starting = starting[::-1]
    across[at : at + len(ending)] = starting
    around = across[max(at - 1, 0) : at + len(starting) + 1]
    for upper, lower in pairwise(around):
        if fault := _fault(upper, lower):
            raise BadRegion(fault)


def _find(point: Point, across: list[Edge], ending: list[Edge], starting: list[Edge]) -> int:
    """Where among the edges a corner lies, or where the first of the edges that end in it stands."""
    low, high = 0, len(across)
    while low < high:
        middle = (low + high) // 2
        edge = across[middle]
        side = edge.side(point)
        if side == 0 and edge not in ending:
            meeting = ending or starting
            along = (own for own in meeting if edge.side(own.first) == edge.side(own.last) == 0)
            raise BadRegion(_fault(edge, next(along, meeting[0])))
        if side > 0:
            low = middle + 1
        else:
            high = middle
    return low


def _fault(one: Edge, other: Edge) -> str:
    """What is wrong with two edges, or nothing."""
    if one.first == other.first or one.last == other.last:
        # Corners are unique, so that these follow each other in one ring.
        away = other.last if one.first == other.first else other.first
        return "" if one.side(away) else _meeting("overlaps", one, other)
    if one.last == other.first or other.last == one.first:
        return ""
    a, b = one.side(other.first), one.side(other.last)
    c, d = other.side(one.first), other.side(one.last)
    if a == b == 0:
        apart = one.last < other.first or other.last < one.first
        return "" if apart else _meeting("overlaps", one, other)
    if _same(a, b) or _same(c, d):
        return ""
    return _meeting("crosses" if a and b and c and d else "touches", one, other)


def _same(a: int, b: int) -> bool:
    return (a > 0 and b > 0) or (a < 0 and b < 0)


def _check_corners(rings: Sequence[Sequence[Corner]]) -> None:
    seen: dict[Point, tuple[int, int]] = {}
    for number, ring in enumerate(rings):
        for corner in ring:
            if corner.point in seen:
                ring_before, place = seen[corner.point]
                raise BadRegion(
                    f"Point {corner.place} of {name(number)} lies on point {place} of {name(ring_before)}: "
                    "an outline may touch itself nowhere."
                )
            seen[corner.point] = (number, corner.place)


def _check_nesting(edge: Edge, above: list[Edge]) -> None:
    """Raise BadRegion unless the ring that begins with this edge does so inside the outer ring alone."""
    crossed = Counter(other.ring for other in above)
    around = [ring for ring, edges in crossed.items() if edges % 2]
    if edge.ring == 0 and around:
        raise BadRegion(f"The outer ring lies inside of {name(around[0])}; the outer ring comes first.")
    if edge.ring and 0 not in around:
        raise BadRegion(f"{name(edge.ring).capitalize()} lies outside of the outer ring.")
    if edge.ring and len(around) > 1:
        raise BadRegion(f"{name(edge.ring).capitalize()} lies inside of {name(max(around))}.")


def name(ring: int) -> str:
    """A ring as a sentence names it."""
    return f"hole {ring}" if ring else "the outer ring"


def _meeting(how: str, one: Edge, other: Edge) -> str:
    one, other = sorted((one, other), key=lambda edge: (edge.ring, edge.places))
    return f"{_named(one).capitalize()} {how} {_named(other)} (points are counted from 0)."


def _named(edge: Edge) -> str:
    return f"the edge from point {edge.places[0]} to {edge.places[1]} of {name(edge.ring)}"
