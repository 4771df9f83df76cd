"""Requests for plans: under which id, for which quadrants, and what they depend on when they are asked."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from protocol.errors import Code, ProtocolError
from protocol.ingest import Publish
from protocol.message import COORDINATE_LIMIT, Layer
from protocol.plan import STEP_LIMIT, PlanHead
from protocol.region import Compare, Fill, Generate, Render, Replan
from services.keeper import proof
from services.keeper.ground import Box, Cell, Ground
from services.keeper.lifecycle import Job
from services.keeper.panorama import Panorama
from services.keeper.plans import PlanRow
from services.tiling.field import MARGIN
from services.tiling.region import BadRegion, bounding, check_size, rectangle


@dataclass(frozen=True)
class Parted:
    """A plan whose steps are in a file: too many to be held, or looked at, between other requests."""

    plan: PlanHead
    path: Path
    steps: int
    box: Box
    repair: Sequence[Cell] = ()
    dry_run: bool = False
    models: frozenset[str | None] = frozenset([None])
    """The models that its calls name, None if one names none."""


Request = Publish | Parted | Render | Generate | Compare | Fill | Replan
LARGEST_INFILL = 4
"""Quadrants that one model call fills at most."""


@dataclass(frozen=True)
class Region:
    """What the keeper is asked to fill by steps of its own making."""

    box: Box
    quadrants: frozenset[Cell] | None = None
    """None for the whole box."""
    repair: bool = False

    @property
    def size(self) -> int:
        """How many quadrants it has."""
        if self.quadrants is not None:
            return len(self.quadrants)
        return (self.box[2] - self.box[0] + 1) * (self.box[3] - self.box[1] + 1)

    def cells(self) -> Collection[Cell]:
        """Its quadrants; a large box takes a while."""
        return rectangle(*self.box) if self.quadrants is None else self.quadrants


@dataclass(frozen=True)
class Rest:
    """What is left of a plan that is planned anew."""

    plan: PlanRow
    jobs: tuple[Job, ...]
    """Its model calls that were not completed."""
    cap_left: float | None = None
    """What they may still cost, if the plan has a cap."""

    @property
    def quadrants(self) -> frozenset[Cell]:
        """What they were to put on the map."""
        return frozenset(cell for job in self.jobs for cell in job.quadrants)


@dataclass(frozen=True)
class Case:
    """One request with everything that it depends on, at one moment."""

    request: Request
    ground: Ground | Panorama
    layer: Layer = "generation"
    """What its model calls draw."""
    region: Region | None = None
    rest: Rest | None = None
    seconds: Mapping[str, list[float]] = field(default_factory=dict)
    """For a dry run: how long the latest calls of each model took, the shortest first."""

    @property
    def size(self) -> int:
        """How many steps were handed in."""
        return steps_of(self.request) or 1


def plan_id(request: Request) -> str:
    """The id that makes a repeat harmless."""
    if isinstance(request, Publish | Parted):
        return request.plan.id
    return request.id if isinstance(request, Replan) else request.plan


def steps_of(request: Request) -> int:
    """How many steps were handed in; 0 if that is not what was."""
    if isinstance(request, Parted):
        return request.steps
    return len(request.plan.steps) if isinstance(request, Publish) else 0


def name_of(request: Request) -> str:
    """What a person called the plan that comes of it; empty if nobody did."""
    if isinstance(request, Publish | Parted):
        return request.plan.name
    return request.name if isinstance(request, Fill) else ""


def calls_models(request: Request) -> bool:
    """Whether a request that names its steps may ask for more than renders."""
    if isinstance(request, Publish):
        return any(step.kind == "generate" for step in request.plan.steps)
    return not isinstance(request, Render)


def models_of(request: Request) -> set[str | None]:
    """The models that a request names for its calls; None stands for the world's default model."""
    if isinstance(request, Parted):
        named = set(request.models)
    elif isinstance(request, Publish):
        named = {step.model_id for step in request.plan.steps if step.kind == "generate"}
        if request.plan.rectangle is not None:
            named.add(None)
    elif isinstance(request, Compare):
        return set(request.models)
    else:
        return {request.model_id} if isinstance(request, Fill | Generate) else set()
    return {model_id or request.plan.model_id for model_id in named}


def is_dry(request: Request) -> bool:
    """Whether nothing is to be accepted."""
    return isinstance(request, Publish | Parted | Fill | Replan) and request.dry_run


def region_of(request: Request, rest: Rest | None) -> Region | None:
    """The region that a request leaves to the keeper; raises BAD_PLAN if it cannot be one."""
    if isinstance(request, Fill) and request.rectangle is not None:
        region = _box(request.rectangle, request.repair)
    elif isinstance(request, Fill):
        region = _quadrants(request.quadrants or (), request.repair)
    elif isinstance(request, Publish) and request.plan.rectangle is not None:
        region = _box(request.plan.rectangle, False)
    elif isinstance(request, Replan) and rest is not None:
        region = _quadrants(rest.quadrants, request.repair)
    else:
        return None
    if max(map(abs, region.box)) > COORDINATE_LIMIT - MARGIN:
        raise ProtocolError(
            Code.BAD_PLAN,
            f"The region lies at ±{COORDINATE_LIMIT}, the edge of the world; stay off it by {MARGIN}.",
        )
    return region


def check_calls(region: Region, finished: int) -> None:
    """Raise TOO_LARGE for a region that takes more calls than a plan may have, however they are laid.

    So many of its quadrants, or beside it, are finished.
    """
    # Counted without the region's quadrants being written out: there may be a million of them.
    least = -(-(region.size - finished) // LARGEST_INFILL)
    if least > STEP_LIMIT:
        raise too_many(least, "at least ")


def too_many(calls: int, prefix: str = "") -> ProtocolError:
    """The refusal of a region for one plan."""
    return ProtocolError(
        Code.TOO_LARGE,
        f"The region takes {prefix}{calls} model calls; a plan has at most {STEP_LIMIT}. Fill it in parts.",
    )


def box_of(request: Request) -> Box:
    """The smallest rectangle around everything that a request names quadrant by quadrant."""
    if isinstance(request, Parted):
        return request.box
    if isinstance(request, Publish):
        cells = [cell for step in request.plan.steps for cell in proof.infill(step)]
    else:
        cells = list(request.quadrants) if isinstance(request, Render | Generate | Compare) else []
    return bounding(cells) if cells else (0, 0, 0, 0)


def _box(corners: Box, repair: bool) -> Region:
    box = bounding(((corners[0], corners[1]), (corners[2], corners[3])))
    region = Region(box, repair=repair)
    _check_size(region.size)
    return region


def _quadrants(quadrants: Iterable[Cell], repair: bool) -> Region:
    cells = frozenset((x, y) for x, y in quadrants)
    _check_size(len(cells))
    return Region(bounding(cells), cells, repair)


def _check_size(quadrants: int) -> None:
    try:
        check_size(quadrants)
    except BadRegion as error:
        raise ProtocolError(Code.BAD_PLAN, str(error)) from None
