"""The ground of a plan: what stands there, what others have reserved, what is being rendered."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from protocol.errors import Code, ProtocolError
from protocol.message import Layer
from services.keeper.store import Store
from services.tiling.quadrant import FRAME
from services.tiling.region import bounding, named

Cell = tuple[int, int]
Box = tuple[int, int, int, int]

PALETTE_BOX: Box = (-2, -2, 1, 1)
"""Quadrants of fixed frames around the origin, so that the palette does not depend on the order of work."""
CONTEXT = 4
"""Quadrants around a region that can matter to it: where scaffold may lie, what the model sees of that."""
NAMED_IN_DETAILS = 1_000


@dataclass(frozen=True)
class Sought:
    """What a plan looks for on the ground."""

    plan: str
    layer: Layer
    reads: frozenset[Layer] = frozenset()
    """The layers that its calls read, besides renders."""
    replaces: str = ""
    """The plan that it stands in for, which is no other's."""
    draws: bool = True
    """Whether it may call models: what only matters to calls is looked at then."""
    lays: bool = True
    """Whether it lays its steps by itself, and so asks where calls have failed."""


@dataclass(frozen=True)
class Source:
    """A layer that is read: what of it stands for good, and which jobs are to finish what there."""

    finished: frozenset[Cell]
    drawing: Mapping[Cell, int]

    def lacks(self, cell: Cell) -> bool:
        """Whether there is nothing to read and nobody is about to draw it."""
        return cell not in self.finished and cell not in self.drawing


@dataclass(frozen=True)
class Ground:
    """Everything about one layer of the map and the queue that a plan depends on, at one moment."""

    finished: frozenset[Cell]
    reserved: frozenset[tuple[int, int, str]]
    failed: frozenset[Cell]
    rendered: frozenset[Cell]
    running: dict[Cell, int]
    """Render jobs that wait for nothing, by canonical frame."""
    palette_made: bool
    palette_job: int | None
    sources: Mapping[Layer, Source] = field(default_factory=dict)
    """What models of the plan read instead of renders."""

    def check_free(self, cells: Collection[Cell]) -> None:
        """Raise CONFLICT if another unsettled plan is still to generate in or right beside the cells."""
        check_free(self.reserved, cells)

    def kept_out(self) -> frozenset[Cell]:
        """Where nobody else may draw: what other plans have reserved, and their halo."""
        return frozenset((x + i, y + j) for x, y, _ in self.reserved for i in (-1, 0, 1) for j in (-1, 0, 1))

    @property
    def size(self) -> int:
        """How many tiles stand there."""
        return len(self.finished) + len(self.rendered)

    def whole(self) -> "Ground":
        """The ground: it is all here."""
        return self

    def changes(self, now: "Ground") -> set[Cell]:
        """Where tiles have come or gone since, or plans have come."""
        return {*(self.finished ^ now.finished), *((x, y) for x, y, _ in now.reserved - self.reserved)}


def survey(store: Store, box: Box, sought: Sought) -> Ground:
    """Look at a layer in the box and around it, as the plan sees it."""
    near, far = around(box)
    whereabouts, tiles = store.whereabouts, store.tiles
    if not sought.draws:
        # Renders are whole frames: one that is of use here lies here.
        nothing: frozenset[Cell] = frozenset()
        return Ground(nothing, frozenset(), nothing, nothing, whereabouts.running_renders(*box), True, None)
    running = whereabouts.running_renders(*far)
    finished = frozenset(tiles.finished(sought.layer, *near, plan=sought.plan))
    rendered = tiles.rendered(*far)
    made = tiles.asset("palette") is not None
    if not made:
        rendered |= tiles.rendered(*PALETTE_BOX)
        running = {**whereabouts.running_renders(*PALETTE_BOX), **running}
    return Ground(
        finished=finished,
        reserved=frozenset(whereabouts.reserved(sought.layer, *near, but=(sought.plan, sought.replaces))),
        failed=frozenset(whereabouts.failed(sought.layer, *near) - finished) if sought.lays else frozenset(),
        rendered=frozenset(rendered),
        running=running,
        palette_made=made,
        palette_job=None if made else store.queue.palette(),
        sources={
            read: Source(frozenset(tiles.finished(read, *near)), whereabouts.drawing(read, *near))
            for read in sought.reads
        },
    )


def around(box: Box) -> tuple[Box, Box]:
    """The box with all that can matter to it, and with all frames that reach into that."""
    near = grown(box, CONTEXT)
    # The frames that reach into the surroundings begin up to a frame before them.
    return near, grown(near, FRAME)


def grown(box: Box, by: int) -> Box:
    """The box with so many quadrants more on each side."""
    return box[0] - by, box[1] - by, box[2] + by, box[3] + by


def survey_renders(store: Store, frames: Collection[Cell]) -> Ground:
    """Look at what is being rendered in these frames: all that matters to who only renders them."""
    nothing: frozenset[Cell] = frozenset()
    return Ground(nothing, frozenset(), nothing, nothing, store.whereabouts.renders_of(frames), True, None)


def check_free(reserved: Collection[tuple[int, int, str]], cells: Collection[Cell]) -> None:
    """Raise CONFLICT, naming the plan, if reserved quadrants lie in or right beside the cells."""
    near = _beside({(x, y) for x, y, _ in reserved}, frozenset(cells))
    hits: dict[str, set[Cell]] = {}
    for x, y, plan in reserved:
        if (x, y) in near:
            hits.setdefault(plan, set()).add((x, y))
    if hits:
        plan = min(hits)
        quadrants = ", ".join(f"{x},{y}" for x, y in sorted(hits[plan])[:NAMED_IN_DETAILS])
        raise ProtocolError(
            Code.CONFLICT,
            f"Plan {plan} is still to generate {named(hits[plan])}, in or beside what was asked "
            "for; wait until it has ended, or cancel it.",
            details=f"{plan}: {quadrants}"[:8_000],
        )


def check_still_free(store: Store, layer: Layer, cells: Collection[Cell], *, but: str) -> None:
    """Raise CONFLICT if another unsettled plan has by now reserved the cells or what lies around them."""
    x0, y0, x1, y1 = bounding(cells)
    check_free(store.whereabouts.reserved(layer, x0 - 1, y0 - 1, x1 + 1, y1 + 1, but=(but,)), cells)


def touch(changed: Iterable[Cell], cells: Collection[Cell]) -> bool:
    """Whether one of the changed quadrants lies in the cells or right beside them."""
    return bool(_beside(changed, cells))


def _beside(quadrants: Iterable[Cell], cells: Collection[Cell]) -> set[Cell]:
    """Those of the quadrants that lie in the cells or right beside them."""
    around = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    return {(x, y) for x, y in quadrants if any((x + i, y + j) in cells for i, j in around)}
