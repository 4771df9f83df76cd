"""Bundles: small requests for plans that came in together and of which none depends on another. Pure."""

from collections.abc import Iterable, Iterator
from typing import TypeGuard

from protocol.ingest import Publish
from protocol.message import Message
from protocol.region import Generate, Render
from services.keeper.ground import Cell
from services.keeper.request import box_of, calls_models, is_dry, plan_id
from services.keeper.underway import MARGIN
from services.tiling.quadrant import frame_of
from services.tiling.region import frames

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


def bundles(requests: Iterable[Small], *, palette_made: bool) -> Iterator[list[Small]]:
    """The requests in their order, parted wherever one could see or meet what came since the last part.

    Without a palette each plan that calls models may have to make it, or to wait for who does.
    """
    some: list[Small] = []
    ids: set[str] = set()
    taken: set[Cell] = set()
    for request in requests:
        around = _around(request) if palette_made or not calls_models(request) else None
        if some and (around is None or plan_id(request) in ids or not taken.isdisjoint(around)):
            yield some
            some, ids, taken = [], set(), set()
        some.append(request)
        if around is None:
            yield some
            some = []
        else:
            ids.add(plan_id(request))
            taken |= around
    if some:
        yield some


def _around(request: Small) -> set[Cell] | None:
    """The frames that a request may look at or change something in; None if they are many."""
    if not calls_models(request):
        steps = request.plan.steps if isinstance(request, Publish) else [request]
        found = {frame for step in steps for frame in frames(step.quadrants)}
        return found if len(found) <= FRAMES_LIMIT else None
    x0, y0, x1, y1 = box_of(request)
    left, top = frame_of((x0 - MARGIN, y0 - MARGIN))
    right, bottom = frame_of((x1 + MARGIN, y1 + MARGIN))
    if (right - left + 1) * (bottom - top + 1) > FRAMES_LIMIT:
        return None
    return {(x, y) for x in range(left, right + 1) for y in range(top, bottom + 1)}
