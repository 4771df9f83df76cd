"""The proof that no step of a plan can leave a seam, in whichever order its workers finish."""

from collections.abc import Collection, Sequence

from protocol.errors import Code, ProtocolError
from protocol.plan import Step
from services.keeper.ancestry import Ancestry
from services.tiling.quadrant import SIZE
from services.tiling.region import named, rectangle, touched
from services.tiling.seam import Refusal, Window, place

Cell = tuple[int, int]
Neighbourhood = tuple[int, int, tuple[Cell, ...]]
"""The corner opposite to a step's top left quadrant and what is finished around it, seen from there."""


def prove(
    steps: Sequence[Step],
    finished: Collection[Cell],
    repair: Collection[Cell] = (),
    *,
    ancestry: Ancestry | None = None,
) -> dict[str, Window]:
    """The window of every generate step, proved legal in every order that `after` allows.

    What a step may count on is the map and what the steps before it finish. Whatever else of the plan
    touches its window or its infill must come after it, else the step would see it by chance. What is to
    be repaired counts as empty until a step has drawn it, so every such quadrant must be drawn for good.
    """
    ancestry = ancestry or Ancestry(steps)
    keepers = _keepers(steps)
    _check_repair(steps, repair)
    redrawn = frozenset(repair)
    # The rules are the same everywhere, and even a city has few kinds of neighbourhood.
    known: dict[Neighbourhood, tuple[Window, frozenset[Cell]]] = {}
    windows: dict[str, Window] = {}
    for i in ancestry.order:
        step = steps[i]
        if step.kind != "generate":
            continue
        left, top, right, bottom = corners(step)
        certain: list[Cell] = []
        chance: list[tuple[Cell, int]] = []
        for x in range(left - 1, right + 2):
            for y in range(top - 1, bottom + 2):
                cell = (x, y)
                other = keepers.get(cell)
                if cell in finished and cell not in redrawn:
                    certain.append((x - left, y - top))
                elif other is not None and other != i:
                    if ancestry.before(other, i):
                        certain.append((x - left, y - top))
                    else:
                        chance.append((cell, other))
        neighbourhood = (right - left, bottom - top, tuple(certain))
        if neighbourhood not in known:
            known[neighbourhood] = _look(step, neighbourhood, (left, top))
        window, watched = known[neighbourhood]
        for (x, y), other in chance:
            if (x - left, y - top) in watched and not ancestry.before(i, other):
                raise _seam(
                    step,
                    f"It meets step {steps[other].id} at {x},{y} but neither waits for the other: "
                    "name one in the other's `after`.",
                )
        windows[step.id] = Window(left * SIZE + window.x, top * SIZE + window.y)
    return windows


def still(window: Window, inside: Collection[Cell], finished: Collection[Cell]) -> Window | Refusal:
    """Where a step proved in this window may be drawn in the map as it now is, or why nowhere.

    As long as the map is as it was proved, that is the same window: what the step could see by chance is
    not looked at before there is no other way.
    """
    relevant = {cell for cell in (*_seen(window), *inside, *beside(inside)) if cell in finished}
    found = place(inside, relevant)
    return found if isinstance(found, Window) else place(inside, finished)


def infill(step: Step) -> frozenset[Cell]:
    """Everything that the model fills."""
    return frozenset((*step.quadrants, *step.padding, *step.scaffold))


def kept(step: Step) -> frozenset[Cell]:
    """What the step leaves on the map, for good or until the plan ends."""
    return frozenset((*step.quadrants, *step.scaffold))


def beside(cells: Collection[Cell]) -> set[Cell]:
    """The quadrants that share an edge with the cells."""
    around = {(x + i, y + j) for x, y in cells for i, j in ((-1, 0), (1, 0), (0, -1), (0, 1))}
    return around - set(cells)


def _keepers(steps: Sequence[Step]) -> dict[Cell, int]:
    """The step that keeps each quadrant; raises SEAM if two would."""
    keepers: dict[Cell, int] = {}
    for i, step in enumerate(steps):
        if step.kind != "generate":
            continue
        for cell in (*step.quadrants, *step.scaffold):
            other = keepers.setdefault(cell, i)
            if other != i:
                raise _seam(
                    step, f"It keeps {cell[0]},{cell[1]}, which step {steps[other].id} keeps already."
                )
    return keepers


def _check_repair(steps: Sequence[Step], repair: Collection[Cell]) -> None:
    """Raise BAD_PLAN if something would be taken off the map that no step draws again."""
    if not repair:
        return
    drawn = {cell for step in steps if step.kind == "generate" for cell in step.quadrants}
    if lost := {cell for cell in repair if cell not in drawn}:
        raise ProtocolError(
            Code.BAD_PLAN,
            f"The plan repairs {named(lost)}, but no step has {'it' if len(lost) == 1 else 'them'} "
            "among its `quadrants`.",
            details=named(lost),
        )


def corners(step: Step) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what the step fills; raises SEAM if that is no rectangle up to 2×2."""
    inside = [*step.quadrants, *step.padding, *step.scaffold]
    xs, ys = [x for x, _ in inside], [y for _, y in inside]
    found = (min(xs), min(ys), max(xs), max(ys)) if inside else (0, 0, 0, 0)
    width, height = found[2] - found[0] + 1, found[3] - found[1] + 1
    # Padding and scaffold may name a quadrant twice only in steps whose shape was never looked at.
    if (len(inside) != width * height and len(set(inside)) != width * height) or width > 2 or height > 2:
        refusal = place(infill(step), ())
        raise _seam(step, refusal.reason if isinstance(refusal, Refusal) else "It is no rectangle.")
    return found


def _look(step: Step, neighbourhood: Neighbourhood, corner: Cell) -> tuple[Window, frozenset[Cell]]:
    """The window of a step seen from its top left quadrant, and every quadrant that matters to it."""
    right, bottom, certain = neighbourhood
    inside = {(x, y) for x, y in rectangle(0, 0, right, bottom)}
    window = place(inside, set(certain))
    if isinstance(window, Refusal):
        # Said again with the names that people know the quadrants by.
        there = {(x + corner[0], y + corner[1]) for x, y in certain}
        said = place(infill(step), there)
        raise _seam(step, said.reason if isinstance(said, Refusal) else window.reason)
    return window, frozenset((*inside, *_seen(window), *beside(inside)))


def _seam(step: Step, reason: str) -> ProtocolError:
    return ProtocolError(Code.SEAM, f"Step {step.id}: {reason}", details=step.id)


def _seen(window: Window) -> list[Cell]:
    return [(cell.x, cell.y) for cell in touched(window.box)]
