"""The ground of a plan: what stands there, what others have reserved, what is being rendered."""

from collections.abc import Collection
from dataclasses import dataclass, field

from protocol.errors import Code, ProtocolError
from services.keeper.store import Store
from services.tiling.quadrant import FRAME
from services.tiling.region import bounding, named

Cell = tuple[int, int]
Box = tuple[int, int, int, int]

PALETTE_BOX: Box = (-2, -2, 1, 1)
"""Quadrants of fixed frames around the origin, so that the palette does not depend on the order of work."""
CONTEXT = 2
"""Quadrants around a step that can matter to it: what the model sees, and what lies against that."""


@dataclass(frozen=True)
class Ground:
    """Everything about the map and the queue that a plan depends on, at one moment."""

    finished: frozenset[Cell]
    reserved: frozenset[tuple[int, int, str]]
    rendered: frozenset[Cell]
    running: dict[Cell, int]
    """Render jobs that wait for nothing, by canonical frame."""
    palette_made: bool
    palette_job: int | None
    next_job: int = field(default=0, compare=False)
    """The id that the next job would get; a guess by the time that it is used."""

    def check_free(self, cells: Collection[Cell]) -> None:
        """Raise CONFLICT if another unsettled plan is still to generate in or right beside the cells."""
        check_free(self.reserved, cells)


def survey(store: Store, box: Box, *, plan: str) -> Ground:
    """Look at the quadrants in the box and around it, as `plan` sees them."""
    x0, y0, x1, y1 = box
    near = (x0 - CONTEXT, y0 - CONTEXT, x1 + CONTEXT, y1 + CONTEXT)
    # The frames that reach into the surroundings begin up to a frame before them.
    far = (near[0] - FRAME, near[1] - FRAME, near[2] + FRAME, near[3] + FRAME)
    queue, tiles = store.queue, store.tiles
    return Ground(
        finished=frozenset(tiles.finished(*near, plan=plan)),
        reserved=frozenset(queue.reserved(*near, but=plan)),
        rendered=frozenset(tiles.rendered(*far) | tiles.rendered(*PALETTE_BOX)),
        running={**queue.running_renders(*PALETTE_BOX), **queue.running_renders(*far)},
        palette_made=tiles.asset("palette") is not None,
        palette_job=queue.palette(),
        next_job=queue.next_id(),
    )


def check_free(reserved: Collection[tuple[int, int, str]], cells: Collection[Cell]) -> None:
    """Raise CONFLICT, naming the plan, if reserved quadrants lie in or right beside the cells."""
    wanted = set(cells)
    hits: dict[str, set[Cell]] = {}
    for x, y, plan in reserved:
        if any((x + i, y + j) in wanted for i in (-1, 0, 1) for j in (-1, 0, 1)):
            hits.setdefault(plan, set()).add((x, y))
    if hits:
        plan = min(hits)
        raise ProtocolError(
            Code.CONFLICT,
            f"Plan {plan} is still to generate {named(hits[plan])}, in or beside what was asked "
            "for; wait until it has ended, or cancel it.",
            details=plan,
        )


def check_still_free(store: Store, cells: Collection[Cell], *, but: str) -> None:
    """Raise CONFLICT if another unsettled plan has by now reserved the cells or what lies around them."""
    x0, y0, x1, y1 = bounding(cells)
    check_free(store.queue.reserved(x0 - 1, y0 - 1, x1 + 1, y1 + 1, but=but), cells)
