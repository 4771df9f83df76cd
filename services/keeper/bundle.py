"""Bundles: small requests for plans that came in together and of which none depends on another. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeGuard

from protocol.ingest import Publish
from protocol.message import Message
from protocol.region import Generate, Render
from services.keeper.ground import Cell
from services.keeper.request import box_of, calls_models, is_dry, plan_id
from services.keeper.underway import MARGIN
from services.tiling.quadrant import frame_of

SMALL = 100
"""Steps that are drawn up at once; more would hold everybody else up, as planning any region would."""
Small = Publish | Render | Generate
FRAMES_LIMIT = 400
"""Frames around a request that are compared with those of others; what reaches further is taken alone."""


def is_small(request: Message) -> TypeGuard[Small]:
    """Whether a request for a plan names all that it wants, and little of it."""
    if isinstance(request, Publish):
        return request.plan.rectangle is None and len(request.plan.steps) <= SMALL and not is_dry(request)
    return isinstance(request, Render | Generate)


@dataclass
class Bundle:
    """Requests that can be answered as if each had come by itself, with the ids of their plans."""

    requests: list[Small] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    frames: set[Cell] = field(default_factory=set)
    """All that is wanted by those that only render."""


def bundles(requests: Iterable[Small], *, palette_made: bool) -> Iterator[Bundle]:
    """The requests in their order, parted wherever one could see or meet what came since the last part.

    Without a palette each plan that calls models may have to make it, or to wait for who does.
    """
    bundle = Bundle()
    seen: set[str] = set()
    taken: set[Cell] = set()
    for request in requests:
        id, renders = plan_id(request), not calls_models(request)
        around = _frames(request) if renders else _around(request) if palette_made else None
        alone = around is None or len(around) > FRAMES_LIMIT
        if bundle.ids and (alone or id in seen or not taken.isdisjoint(around or ())):
            yield bundle
            bundle, seen, taken = Bundle(), set(), set()
        bundle.requests.append(request)
        bundle.ids.append(id)
        seen.add(id)
        if around is not None:
            taken |= around
            if renders:
                bundle.frames |= around
        if alone:
            yield bundle
            bundle, seen, taken = Bundle(), set(), set()
    if bundle.ids:
        yield bundle


def _frames(request: Small) -> set[Cell]:
    """The frames that a request draws which only renders."""
    steps = request.plan.steps if isinstance(request, Publish) else [request]
    return {frame_of(cell) for step in steps for cell in step.quadrants}


def _around(request: Small) -> set[Cell] | None:
    """The frames that a request may look at or change something in; None if they are many."""
    x0, y0, x1, y1 = box_of(request)
    left, top = frame_of((x0 - MARGIN, y0 - MARGIN))
    right, bottom = frame_of((x1 + MARGIN, y1 + MARGIN))
    if (right - left + 1) * (bottom - top + 1) > FRAMES_LIMIT:
        return None
    return {(x, y) for x in range(left, right + 1) for y in range(top, bottom + 1)}
