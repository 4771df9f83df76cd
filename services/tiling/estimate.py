"""What steps come to before anything is spent: shapes, waves, renders, and how long they take."""

import heapq
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain
from types import MappingProxyType
from typing import Literal, Protocol

from services.tiling.quadrant import frame_of
from services.tiling.region import bounding, needed_renders

Shape = Literal["2x2", "2x1", "1x2", "1x1"]
SHAPES: dict[tuple[int, int], Shape] = {(2, 2): "2x2", (2, 1): "2x1", (1, 2): "1x2", (1, 1): "1x1"}
"""Names for the width and height of what one model call fills, the largest first."""

Cells = Collection[tuple[int, int]]


class Step(Protocol):
    """What an estimate needs to know of a step; planned ones and those of a published plan have it."""

    @property
    def id(self) -> str: ...
    @property
    def quadrants(self) -> Cells: ...
    @property
    def padding(self) -> Cells: ...
    @property
    def scaffold(self) -> Cells: ...
    @property
    def after(self) -> Sequence[str]: ...


def shapes(steps: Iterable[Step]) -> dict[Shape, int]:
    """How many steps fill each shape, every shape named."""
    found = dict.fromkeys(SHAPES.values(), 0)
    for step in steps:
        x0, y0, x1, y1 = bounding(_infill(step))
        found[SHAPES[x1 - x0 + 1, y1 - y0 + 1]] += 1
    return found


def waves(steps: Iterable[Step]) -> int:
    """The longest chain of steps that wait for each other; they stand in an order that `after` allows."""
    depth: dict[str, int] = {}
    for step in steps:
        depth[step.id] = 1 + max((depth.get(name, 0) for name in step.after), default=0)
    return max(depth.values(), default=0)


def renders(steps: Iterable[Step]) -> int:
    """The canonical frames that the steps need, as if none were rendered yet."""
    return len({frame_of(cell) for step in steps for cell in _needed(step)})


def duration(
    steps: Sequence[Step],
    seconds: float,
    concurrency: int,
    *,
    models: Mapping[str, str] = MappingProxyType({}),
    apart: Mapping[str, float] = MappingProxyType({}),
) -> float:
    """Seconds until the last step ends, if each takes `seconds` and at most `concurrency` run at once.

    Two calls of a model begin at least as many seconds apart as `apart` says of it; `models` are by step, and
    a step that is not named there is of the model "". The earliest step that may begin goes first, as the
    keeper does it. Renders, which run ahead, are not counted. Steps that `after` lets never begin are left
    out.
    """
    if concurrency < 1:
        raise ValueError("concurrency is at least 1")
    number = {step.id: place for place, step in enumerate(steps)}
    needs = [{number[name] for name in step.after if name in number} for step in steps]
    freed: list[list[int]] = [[] for _ in steps]
    for place, before in enumerate(needs):
        for other in before:
            freed[other].append(place)
    left = [len(before) for before in needs]
    # A line for each model that is held to a rhythm, and one for all others.
    of = [model if (model := models.get(step.id, "")) in apart else None for step in steps]
    lines: dict[str | None, list[int]] = {model: [] for model in of}
    for place, count in enumerate(left):
        if not count:
            lines[of[place]].append(place)
    may_begin: dict[str | None, float] = dict.fromkeys(lines, 0.0)
    running: deque[tuple[float, int]] = deque()
    now = 0.0
    while True:
        while len(running) < concurrency:
            open_now = [model for model, ready in lines.items() if ready and may_begin[model] <= now]
            if not open_now:
                break
            first = min(open_now, key=lambda model: lines[model][0])
            running.append((now + seconds, heapq.heappop(lines[first])))
            if first is not None:
                may_begin[first] = now + apart[first]
        moments = [running[0][0]] if running else []
        if len(running) < concurrency:
            moments += [may_begin[model] for model, ready in lines.items() if ready]
        if not moments:
            return now
        now = min(moments)
        # All last equally long, so they end in the order in which they began.
        while running and running[0][0] <= now:
            for place in freed[running.popleft()[1]]:
                left[place] -= 1
                if not left[place]:
                    heapq.heappush(lines[of[place]], place)


def _infill(step: Step) -> Iterable[tuple[int, int]]:
    return chain(step.quadrants, step.padding, step.scaffold)


def _needed(step: Step) -> Iterable[tuple[int, int]]:
    return needed_renders(_infill(step))
