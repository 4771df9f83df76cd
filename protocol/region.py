"""What is asked for quadrant by quadrant or region by region: the keeper makes the steps itself."""

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from protocol.message import (
    Count,
    Identifier,
    Line,
    Message,
    Money,
    QuadrantXY,
    Rectangle,
    Seed,
    Text,
)
from protocol.plan import Lane
from protocol.view import Estimate, LeftOut, PlannedStep

REGION_LIMIT = 1_000_000
"""Quadrants in the largest region that is planned at once."""

CANDIDATE_LIMIT = 32
"""Candidates of one comparison."""

Quadrants = Annotated[list[QuadrantXY], Field(min_length=1, max_length=4_096)]


class Render(Message):
    """Asks for renders of quadrants; drawn by whole canonical frames. `plan` makes a repeat harmless."""

    TYPE: ClassVar[str] = "render"

    plan: Identifier
    quadrants: Quadrants
    lane: Lane = "interactive"


class Generate(Message):
    """Asks for one model call that fills exactly these quadrants, padded where that is the only legal way."""

    TYPE: ClassVar[str] = "generate"

    plan: Identifier
    quadrants: Annotated[list[QuadrantXY], Field(min_length=1, max_length=4)]
    model_id: Identifier | None = None
    prompt: Text = ""
    negative_prompt: Text = ""
    lane: Lane = "interactive"


class Compare(Message):
    """Asks for candidates: the same call by several models, with each of the seeds, kept off the map.

    Quadrants that are finished are drawn anew for it; what stands there stays until a candidate is adopted.
    """

    TYPE: ClassVar[str] = "compare"

    plan: Identifier
    quadrants: Annotated[list[QuadrantXY], Field(min_length=1, max_length=4)]
    models: Annotated[list[Identifier], Field(min_length=1, max_length=CANDIDATE_LIMIT)]
    seeds: Annotated[list[Seed], Field(max_length=CANDIDATE_LIMIT)] = []
    """Without any, each model goes by its own."""
    prompt: Text = ""
    negative_prompt: Text = ""
    lane: Lane = "interactive"

    @model_validator(mode="after")
    def _has_not_too_many(self) -> Self:
        if len(self.models) * max(1, len(self.seeds)) > CANDIDATE_LIMIT:
            raise ValueError(f"models times seeds are more than {CANDIDATE_LIMIT} candidates")
        return self


class Fill(Message):
    """Asks for a region to be filled in as many calls as it takes. `dry_run` only says how.

    The region is a `rectangle` or any set of `quadrants`. What finished quadrants make impossible is left
    out, unless `repair` allows to draw those in the way anew.
    """

    TYPE: ClassVar[str] = "fill"

    plan: Identifier
    rectangle: Rectangle | None = None
    quadrants: Annotated[list[QuadrantXY], Field(max_length=REGION_LIMIT)] | None = None
    repair: bool = False
    name: Line = ""
    model_id: Identifier | None = None
    prompt: Text = ""
    negative_prompt: Text = ""
    lane: Lane = "bulk"
    cost_cap: Money | None = None
    dry_run: bool = False

    @model_validator(mode="after")
    def _has_one_region(self) -> Self:
        if (self.rectangle is None) == (self.quadrants is None):
            raise ValueError("a fill has either a rectangle or quadrants")
        return self


class Replan(Message):
    """Calls off what is left of a plan that cannot go on, and asks for its unfinished ground anew as `id`."""

    TYPE: ClassVar[str] = "replan"

    plan: Identifier
    id: Identifier
    repair: bool = False
    dry_run: bool = False


class Planned(Message):
    """What a dry run would do. `left_out` names the first quadrants, `left_out_count` counts them all."""

    TYPE: ClassVar[str] = "planned"

    steps: Annotated[list[PlannedStep], Field(max_length=100_000)]
    waves: Count
    renders: Count
    left_out: Annotated[list[LeftOut], Field(max_length=20_000)] = []
    left_out_count: Count = 0
    repaired: Annotated[list[QuadrantXY], Field(max_length=20_000)] = []
    """Finished quadrants that the steps draw anew."""
    estimate: Estimate
