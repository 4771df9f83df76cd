"""Views: jobs, plans and versions as people see them, parts of the answers on the control socket."""

from typing import Annotated, Literal

from pydantic import Field

from protocol.message import (
    Count,
    Identifier,
    JobId,
    JobKind,
    JobState,
    Layer,
    Line,
    Part,
    QuadrantXY,
    Seconds,
    Text,
    Token,
)
from protocol.plan import Lane, Priority

Counts = dict[JobState, Count]
Shape = Literal["2x2", "2x1", "1x2", "1x1"]
"""Width × height of what one model call fills, in quadrants."""


class ModelView(Part):
    """What one model does now. Times are of its latest calls, None where it has none yet."""

    model_id: Annotated[str, Field(max_length=128)]
    paused: bool = False
    until_seconds: Seconds = 0.0
    """How long a rate limit still keeps it from being called."""
    reason: Line = ""
    pending: Count = 0
    in_hands: Count = 0
    rate_per_minute: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    seconds_p50: Seconds | None = None
    seconds_p90: Seconds | None = None


class LeftOut(Part):
    """A quadrant that was asked for and that no step draws, with the sentence that says why."""

    quadrant: QuadrantXY
    reason: Text


class PlannedStep(Part):
    """One step of a plan that has not been accepted; waves count from 1."""

    id: Identifier
    quadrants: Annotated[list[QuadrantXY], Field(max_length=4)]
    padding: Annotated[list[QuadrantXY], Field(max_length=4)]
    scaffold: Annotated[list[QuadrantXY], Field(max_length=4)]
    after: Annotated[list[Identifier], Field(max_length=64)]
    wave: Count


class Estimate(Part):
    """What a plan takes. Times come from the model's own latest jobs, None where it has none yet."""

    calls: Count
    quadrants: Count
    waves: Count
    renders: Count
    shapes: dict[Shape, Count]
    seconds_p50: Seconds | None = None
    seconds_p90: Seconds | None = None
    concurrency: Count
    cost: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """Calls × `cost_per_image`; None if the model states no cost."""


class Working(Part):
    """One job in a worker's hands."""

    job: JobId
    kind: JobKind
    plan: Identifier
    model_id: Annotated[str, Field(max_length=128)] = ""
    quadrants: Annotated[list[QuadrantXY], Field(max_length=4_096)]
    worker: Line
    attempt: Count
    age_seconds: Seconds
    doing: Line = ""


class JobView(Part):
    """One job as people see it. Times are UTC seconds, 0 where it has not happened."""

    job: JobId
    plan: Identifier
    step: Identifier
    kind: JobKind
    state: JobState
    model_id: Annotated[str, Field(max_length=128)] = ""
    prompt: Text = ""
    negative_prompt: Text = ""
    quadrants: Annotated[list[QuadrantXY], Field(max_length=4_096)]
    padding: Annotated[list[QuadrantXY], Field(max_length=4)] = []
    scaffold: Annotated[list[QuadrantXY], Field(max_length=4)] = []
    lane: Lane
    priority: Priority = 0
    attempt: Count
    max_attempts: Count
    deaths: Count = 0
    """Workers that died over it."""
    worker: Line = ""
    doing: Line = ""
    reason: Text = ""
    error_class: Annotated[str, Field(max_length=20)] = ""
    paused: bool = False
    """Whether it waits because its plan, its model or the whole queue is paused."""
    seconds_left: Seconds | None = None
    """Until it is done, from its place and how long such jobs take; None where that cannot be known."""
    created_at: Seconds
    started_at: Seconds = 0.0
    finished_at: Seconds = 0.0
    retry_at: Seconds = 0.0
    position: Count = 0
    """Place among the pending jobs, from 1, behind the first 10,000 about that; 0 if it is not pending."""
    held_by: Count = 0
    """The job that failed, was called off or is no longer legal and that a blocked one waits for in the end,
    which may be itself; 0 if it can go on by itself, and on maps."""
    held: bool = False
    """Whether it is blocked for good, until somebody brings it or what it waits for on."""


class DraftView(Part):
    """One large plan that is not accepted yet: its steps come in parts, or it is drawn up and proved."""

    plan: Identifier
    name: Line = ""
    steps: Count = 0
    """How many were announced; 0 for what is to be planned here, where nobody knows yet."""
    here: Count = 0
    """How many of them have come."""
    drawing: bool = False
    """Whether it is being drawn up; it is accepted or refused when that is done."""


class PlanView(Part):
    """One plan and how far it is. `quadrants_total` counts what it puts on the map, scaffold apart."""

    plan: Identifier
    name: Line
    model_id: Annotated[str, Field(max_length=128)] = ""
    created_at: Seconds
    settled: bool
    counts: Counts
    quadrants_total: Count
    quadrants_done: Count
    seconds_left: Seconds | None = None
    failed: Count = 0
    """Its jobs in the state error."""
    held: Count = 0
    """Steps that wait behind one that failed or was called off, and those that are no longer legal."""
    stuck: bool = False
    """Settled with something left: to retry and resume, or to plan anew, helps."""
    reason: Text = ""
    """Why it is stuck; empty if it is not."""
    paused: bool = False
    entered: Count = 0
    """How many of its jobs are in the queue by now; a large plan is put in little by little."""
    jobs: Count = 0
    rate_per_minute: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    """Quadrants committed, while it was worked on."""
    cost: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """Of the calls made so far, as far as their models state a price."""


class Seen(Part):
    """A neighbour that a model was shown."""

    version: Token
    x: int
    y: int


class OrphanTile(Part):
    """One image of a late result."""

    layer: Layer
    x: int
    y: int
    sha256: Annotated[str, Field(max_length=64)]


class VersionView(Part):
    """One committed image and where it came from."""

    version: Token
    layer: Layer
    created_at: Seconds
    current: bool
    job: JobId
    plan: Identifier
    model_id: Annotated[str, Field(max_length=128)] = ""
    prompt: Text = ""
    negative_prompt: Text = ""
    seed: Count | None = None
    parameters: Annotated[str, Field(max_length=4_000)] = ""
    template: Annotated[str, Field(max_length=64)] = ""
    renders: Annotated[str, Field(max_length=64)] = ""
    saw: Annotated[list[Seen], Field(max_length=64)] = []
    worker: Line = ""
    seconds: Seconds = 0.0
    model_seconds: Seconds = 0.0
    cost: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    attempt: Count = 0
    source: Line = ""
    scaffold: bool = False
    stale: bool = False
    """Whether it stands and a neighbour that it saw does not any more."""
    sha256: Annotated[str, Field(max_length=64)]


class OrphanView(Part):
    """One result that came too late: kept, since it was paid for."""

    orphan: Token
    job: JobId
    plan: Annotated[str, Field(max_length=128)]
    model_id: Annotated[str, Field(max_length=128)] = ""
    prompt: Text = ""
    tiles: Annotated[list[OrphanTile], Field(max_length=256)]
    worker: Line = ""
    seconds: Seconds = 0.0
    attempt: Count = 0
    received_at: Seconds
    adoptable: bool
    reason: Text = ""
    """Why it cannot be put on the map now; empty if it can."""
