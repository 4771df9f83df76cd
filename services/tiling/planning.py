"""Planning: the steps that fill a region, legal in every order that their `after` allows."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from services.tiling.field import EDGE, MARGIN, WANTED, Field
from services.tiling.growth import PERIOD, Growth
from services.tiling.pockets import fill_pockets, support
from services.tiling.quadrant import Quadrant
from services.tiling.region import BadRegion, bounding, check_size
from services.tiling.repair import Grow, repaired
from services.tiling.seam import Refusal, place

Cell = tuple[int, int]

SMALL = 256
"""Quadrants up to which every lattice is grown; larger regions take the one that promises fewest calls."""
FIELD_LIMIT = 16_000_000
"""Places in the largest field."""


@dataclass(frozen=True)
class PlannedStep:
    """One model call: what it puts on the map, what it keeps as scaffold, and the steps it waits for."""

    id: str
    quadrants: tuple[Quadrant, ...]
    scaffold: tuple[Quadrant, ...]
    after: tuple[str, ...]
    wave: int
    padding: tuple[Quadrant, ...] = field(default=())

    @property
    def infill(self) -> frozenset[Quadrant]:
        """Everything that the model fills."""
        return frozenset((*self.quadrants, *self.scaffold, *self.padding))


@dataclass(frozen=True)
class Map:
    """What a plan finds: quadrants that are finished, that others have reserved, that failed before.

    Reserved ones (with their halo) are never drawn, not even as scaffold; failed ones only where the region
    asks for them.
    """

    finished: Collection[Cell] = frozenset()
    reserved: Collection[Cell] = frozenset()
    failed: Collection[Cell] = frozenset()


@dataclass(frozen=True)
class Planning:
    """Steps in a legal order, why each quadrant left out is, and the finished ones that are drawn anew."""

    steps: tuple[PlannedStep, ...]
    left_out: Mapping[Quadrant, str]
    repaired: tuple[Quadrant, ...] = ()


def plan(region: Collection[Cell], ground: Map, *, repair: bool = False) -> Planning:
    """The steps that fill a region as far as that is possible without a seam; raises BadRegion.

    Quadrants that are finished already are not drawn; with `repair` those that are in the way may be.
    """
    check_size(len(region))
    ground = Map(frozenset(ground.finished), frozenset(ground.reserved), frozenset(ground.failed))
    wanted = {Quadrant(x, y) for x, y in region if (x, y) not in ground.finished}
    steps: list[PlannedStep] = []
    left_out: dict[Quadrant, str] = {}
    again: set[Quadrant] = set()
    closed = {*ground.reserved, *ground.failed}
    for part in sorted(_parts(wanted), key=min):
        if repair:
            growth, opened = repaired(part, ground.finished, closed, _grower(ground))
            again |= opened
        else:
            growth = _grown(part, ground)
        steps += _planned(growth)
        left_out |= _reasons(growth, part, ground)
    steps.sort(key=lambda step: step.wave)
    return Planning(tuple(steps), left_out, tuple(sorted(again)))


def calls(width: int, height: int) -> int:
    """Model calls for a free rectangle: seg(w)·seg(h) with seg(n) = 2⌊n/3⌋ + (1 if n mod 3 else 0)."""
    return _segments(width) * _segments(height)


def _segments(length: int) -> int:
    return 2 * (length // PERIOD) + (1 if length % PERIOD else 0)


def _parts(wanted: set[Quadrant]) -> Iterator[set[Quadrant]]:
    """The region in parts so far from each other that no step of one can matter to another."""
    # Scaffold lies up to MARGIN − EDGE from either part, and steps see one quadrant further.
    block = 2 * (MARGIN - EDGE + 1)
    blocks: dict[Cell, list[Quadrant]] = {}
    for cell in wanted:
        blocks.setdefault((cell.x // block, cell.y // block), []).append(cell)
    while blocks:
        frontier = [next(iter(blocks))]
        part: set[Quadrant] = set()
        while frontier:
            x, y = frontier.pop()
            found = blocks.pop((x, y), None)
            if found is not None:
                part.update(found)
                frontier += [(x + i, y + j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
        yield part


def _grown(part: set[Quadrant], ground: Map) -> Growth:
    """The part, grown from the lattice that leaves least out and then takes fewest calls."""
    x0, y0, x1, y1 = bounding(part)
    if (x1 - x0 + 2 * MARGIN) * (y1 - y0 + 2 * MARGIN) > FIELD_LIMIT:
        raise BadRegion("The region is spread too thin over too much ground. Fill it in parts.")
    ground = _nearby(part, ground)
    if len(part) > SMALL or ground == Map():
        found = _grow(part, ground, _cheapest(part))
    else:
        found = min((_grow(part, ground, phase) for phase in _phases(part)), key=_badness)
    fill_pockets(found)
    return found


def _grower(ground: Map) -> Grow:
    """Grows a part on this ground with other quadrants finished."""
    return lambda part, finished: _grown(part, Map(finished, ground.reserved, ground.failed))


def _grow(part: set[Quadrant], ground: Map, phase: Cell) -> Growth:
    land = Field(part, ground.finished, ground.reserved, ground.failed)
    growth = Growth(land, phase)
    growth.run()
    support(growth, growth.missing)
    growth.prune()
    return growth


def _badness(growth: Growth) -> tuple[int, int, int]:
    return len(growth.left_out), len(growth.steps), max((step.wave for step in growth.steps), default=0)


def _nearby(part: set[Quadrant], ground: Map) -> Map:
    """What lies near enough to a part to matter to it."""
    x0, y0, x1, y1 = bounding(part)
    left, top, right, bottom = x0 - MARGIN, y0 - MARGIN, x1 + MARGIN, y1 + MARGIN
    finished, reserved, failed = (
        frozenset((x, y) for x, y in cells if left <= x <= right and top <= y <= bottom)
        for cells in (ground.finished, ground.reserved, ground.failed)
    )
    return Map(finished, reserved, failed)


def _phases(part: set[Quadrant]) -> list[Cell]:
    x0, y0, _, _ = bounding(part)
    return [(x0 + i, y0 + j) for j in range(PERIOD) for i in range(PERIOD)]


def _cheapest(part: set[Quadrant]) -> Cell:
    """The lattice of which fewest pieces are needed to cover the part."""

    def pieces(phase: Cell) -> int:
        x0, y0 = phase
        # Two of three columns belong to an island, the third to the strip after it; so with rows.
        return len({((x - x0) * 2 // PERIOD, (y - y0) * 2 // PERIOD) for x, y in part})

    x0, y0, x1, y1 = bounding(part)
    if len(part) == (x1 - x0 + 1) * (y1 - y0 + 1):
        # For a rectangle it is the one that begins in its corner.
        return x0, y0
    return min(_phases(part), key=pieces)


def _planned(growth: Growth) -> list[PlannedStep]:
    land = growth.field
    names = {step: _name(land.quadrant(step.places[0])) for step in growth.steps}
    planned: list[PlannedStep] = []
    for step in growth.steps:
        cells = [(land.quadrant(i), land.use[i] == WANTED) for i in step.places]
        planned.append(
            PlannedStep(
                id=names[step],
                quadrants=tuple(cell for cell, wanted in cells if wanted),
                scaffold=tuple(cell for cell, wanted in cells if not wanted),
                after=tuple(names[needed] for needed in step.after),
                wave=step.wave,
            )
        )
    return planned


def _name(first: Quadrant) -> str:
    return f"s{first.x},{first.y}"


def _reasons(growth: Growth, part: set[Quadrant], ground: Map) -> dict[Quadrant, str]:
    """Why each quadrant of the part that no step draws is left out."""
    land = growth.field
    reasons: dict[Quadrant, str] = {}
    for cell in sorted(part):
        at = land.place(cell)
        if cell in ground.reserved:
            reasons[cell] = "Another plan has reserved it, or what lies against it."
        elif at in growth.missing or at in growth.lost:
            near = {land.quadrant(at + offset) for offset in land.around if land.finished[at + offset]}
            alone = place([cell], near)
            assert isinstance(alone, Refusal), "the growth stopped too early"
            rest = "can change that." if at in growth.lost else "was found that avoids it."
            reasons[cell] = f"{alone.reason} No order of steps {rest}"
    return reasons
