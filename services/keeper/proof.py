"""The proof that no step of a plan can leave a seam, in whichever order its workers finish."""

from collections.abc import Collection, Sequence

from protocol.errors import Code, ProtocolError
from protocol.plan import Step
from services.keeper.ancestry import Ancestry
from services.tiling.quadrant import SIZE
from services.tiling.region import named, rectangle, touched
from services.tiling.seam import Refusal, Window, place

Cell = tuple[int, int]
Neighbourhood = tuple[int, int, bytes]
"""The corner opposite to a step's top left quadrant, seen from there, and what may be empty there and
around it, column by column."""


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
    owners = _keepers(steps)
    _check_repair(steps, repair)
    # What is finished, and stays so, was there before every step.
    redrawn = frozenset(repair)
    owners.update((x * _COLUMN + y, None) for x, y in finished if (x, y) not in redrawn)
    # The rules are the same everywhere, and even a city has few kinds of neighbourhood.
    known: dict[Neighbourhood, tuple[Window, Sequence[int]]] = {}
    windows: dict[str, Window] = {}
    get = owners.get
    for i in ancestry.order:
        step = steps[i]
        if step.kind != "generate":
            continue
        left, top, right, bottom = corners(step)
        shape, corner = (right - left, bottom - top), left * _COLUMN + top
        # Where nobody draws stands the step itself.
        around = [get(corner + way, i) for way in _WAYS[shape]]
        others = {*around}.difference(ancestry.named(i))
        chance = {other for other in others if other is not None and not ancestry.before(other, i)}
        neighbourhood = (*shape, bytes(map(chance.__contains__, around)))
        if neighbourhood not in known:
            known[neighbourhood] = _look(step, neighbourhood, (left, top))
        window, watched = known[neighbourhood]
        chance.discard(i)
        unsure = chance.intersection([around[at] for at in watched]) if chance else ()
        if met := {other for other in unsure if not ancestry.before(i, other)}:
            at = next(at for at in watched if around[at] in met)
            (x, y), other = _places(*shape)[at], around[at]
            assert other is not None
            raise _seam(
                step,
                f"It meets step {steps[other].id} at {x + left},{y + top} but neither waits for the other: "
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


def _places(right: int, bottom: int) -> list[Cell]:
    """A rectangle from 0,0 to this corner and what lies around it, column by column."""
    return [(x, y) for x in range(-1, right + 2) for y in range(-1, bottom + 2)]


# Quadrants as single numbers: of a large plan a million are looked up, and numbers are found sooner.
_COLUMN = 1 << 22
_WAYS = {
    (right, bottom): [x * _COLUMN + y for x, y in _places(right, bottom)]
    for right in (0, 1)
    for bottom in (0, 1)
}


def _keepers(steps: Sequence[Step]) -> dict[int, int | None]:
    """The step that keeps each quadrant; raises SEAM if two would."""
    keepers: dict[int, int | None] = {}
    for i, step in enumerate(steps):
        if step.kind != "generate":
            continue
        for x, y in (*step.quadrants, *step.scaffold) if step.scaffold else step.quadrants:
            other = keepers.setdefault(x * _COLUMN + y, i)
            if other is not None and other != i:
                raise _seam(step, f"It keeps {x},{y}, which step {steps[other].id} keeps already.")
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
    inside: Sequence[Cell] = step.quadrants
    if step.padding or step.scaffold:
        inside = [*step.quadrants, *step.padding, *step.scaffold]
    xs, ys = [x for x, _ in inside], [y for _, y in inside]
    left, top, right, bottom = (min(xs), min(ys), max(xs), max(ys)) if inside else (0, 0, 0, 0)
    width, height = right - left + 1, bottom - top + 1
    # Padding and scaffold may name a quadrant twice only in steps whose shape was never looked at.
    if (len(inside) != width * height and len(set(inside)) != width * height) or width > 2 or height > 2:
        refusal = place(infill(step), ())
        raise _seam(step, refusal.reason if isinstance(refusal, Refusal) else "It is no rectangle.")
    return left, top, right, bottom


def _look(step: Step, neighbourhood: Neighbourhood, corner: Cell) -> tuple[Window, Sequence[int]]:
    """The window of a step seen from its top left quadrant, and which places matter to it."""
    right, bottom, unsure = neighbourhood
    places = _places(right, bottom)
    inside = {(x, y) for x, y in rectangle(0, 0, right, bottom)}
    before = {cell for cell, is_unsure in zip(places, unsure, strict=True) if not is_unsure}
    window = place(inside, before)
    if isinstance(window, Refusal):
        # Said again with the names that people know the quadrants by.
        there = {(x + corner[0], y + corner[1]) for x, y in before}
        said = place(infill(step), there)
        raise _seam(step, said.reason if isinstance(said, Refusal) else window.reason)
    watched = {*inside, *_seen(window), *beside(inside)}
    return window, [i for i, cell in enumerate(places) if cell in watched]


def _seam(step: Step, reason: str) -> ProtocolError:
    return ProtocolError(Code.SEAM, f"Step {step.id}: {reason}", details=step.id)


def _seen(window: Window) -> list[Cell]:
    return [(cell.x, cell.y) for cell in touched(window.box)]
