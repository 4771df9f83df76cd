"""The proof that no step of a plan can leave a seam, in whichever order its workers finish."""

from collections import deque
from collections.abc import Collection, Sequence

from protocol.errors import Code, ProtocolError
from protocol.plan import Step
from services.tiling.region import named, ring, touched
from services.tiling.seam import Refusal, Window, place

Cell = tuple[int, int]


def order(steps: Sequence[Step]) -> list[int]:
    """The steps by position, each after those it waits for; raises BAD_PLAN with the step that cannot be."""
    number: dict[str, int] = {}
    for i, step in enumerate(steps):
        if step.id in number:
            raise ProtocolError(Code.BAD_PLAN, f"Two steps have the id {step.id}.", details=step.id)
        number[step.id] = i
    waits = [0] * len(steps)
    followers: list[list[int]] = [[] for _ in steps]
    for i, step in enumerate(steps):
        for name in set(step.after):
            if name not in number:
                raise ProtocolError(
                    Code.BAD_PLAN,
                    f"Step {step.id} waits for {name}, which is not in the plan.",
                    details=step.id,
                )
            followers[number[name]].append(i)
            waits[i] += 1
    ready = deque(i for i, count in enumerate(waits) if not count)
    ordered: list[int] = []
    while ready:
        i = ready.popleft()
        ordered.append(i)
        for follower in followers[i]:
            waits[follower] -= 1
            if not waits[follower]:
                ready.append(follower)
    if len(ordered) < len(steps):
        stuck = next(step.id for step, count in zip(steps, waits, strict=True) if count)
        raise ProtocolError(Code.BAD_PLAN, f"Step {stuck} waits, in a circle, for itself.", details=stuck)
    return ordered


def prove(steps: Sequence[Step], finished: Collection[Cell]) -> dict[str, Window]:
    """The window of every generate step, proved legal in every order that `after` allows.

    What a step may count on is the map and what the steps before it finish. Whatever else of the plan
    touches its window or its infill must come after it, else the step would see it by chance.
    """
    ordered = order(steps)
    number = {step.id: i for i, step in enumerate(steps)}
    # One bit per step: twenty thousand steps are 50 MB for a moment, and asking is one shift.
    before = [0] * len(steps)
    keepers: dict[Cell, list[int]] = {}
    for i in ordered:
        for name in steps[i].after:
            needed = number[name]
            before[i] |= before[needed] | (1 << needed)
        if steps[i].kind == "generate":
            for cell in kept(steps[i]):
                keepers.setdefault(cell, []).append(i)
    windows: dict[str, Window] = {}
    for i in ordered:
        step = steps[i]
        if step.kind != "generate":
            continue
        inside = infill(step)
        near: set[Cell] = {*inside, *ring(inside)}
        certain = {
            cell
            for cell in near
            if cell in finished or any(before[i] >> k & 1 for k in keepers.get(cell, ()))
        }
        window = place(inside, certain)
        if isinstance(window, Refusal):
            raise ProtocolError(Code.SEAM, f"Step {step.id}: {window.reason}", details=step.id)
        watched = {*inside, *_seen(window), *beside(inside)}
        for cell in sorted(watched):
            for k in keepers.get(cell, ()):
                if k != i and not before[i] >> k & 1 and not before[k] >> i & 1:
                    raise ProtocolError(
                        Code.SEAM,
                        f"Step {step.id} and step {steps[k].id} meet at {cell[0]},{cell[1]} but neither "
                        "waits for the other: name one in the other's `after`.",
                        details=step.id,
                    )
        windows[step.id] = window
    return windows


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


def why_no_longer(window: Window, inside: Collection[Cell], finished: Collection[Cell]) -> str:
    """Why a window proved earlier is not legal in the map as it now is; nothing if it still is."""
    seen = _seen(window)
    relevant = {cell for cell in (*seen, *inside, *beside(inside)) if cell in finished}
    found = place(inside, relevant)
    if isinstance(found, Refusal):
        return found.reason
    missing = sorted(cell for cell in seen if cell not in inside and cell not in relevant)
    if missing:
        return f"It would leave a seam: the model would see {named(missing)} still empty."
    return ""


def _seen(window: Window) -> list[Cell]:
    return [(cell.x, cell.y) for cell in touched(window.box)]
