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
    Money,
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


ModelState = Literal["ready", "paused", "limited", "failing", "probing", "spent"]
"""Whether a model is called now: not while somebody or a refused key has paused it, while it wants no more
calls, has just failed again and again, or has spent its budget; `probing` is with one job at a time."""


class ModelView(Part):
    """What one model does now. Times are of its latest calls, None where it has none yet."""

    model_id: Annotated[str, Field(max_length=128)]
    paused: bool = False
    state: ModelState = "ready"
    until_seconds: Seconds = 0.0
    """For how long it is still not called, where that ends by itself."""
    reason: Line = ""
    pending: Count = 0
    in_hands: Count = 0
    rate_per_minute: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    seconds_p50: Seconds | None = None
    seconds_p90: Seconds | None = None
    daily_budget: Money | None = None
    spent_today: Money | None = None
    """Of the budget, with what calls under way may cost; None where there is no budget."""


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
    seed: Count | None = None
    """What was asked for instead of the model's own."""
    candidate: bool = False
    """Whether what it makes is kept off the map until a person chooses it."""
    layer: Annotated[str, Field(max_length=32)] = ""
    """Of a model call: the layer that it draws."""
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
    calls: Count = 0
    """Of its model, that were made and answered."""
    cost: Money = 0.0
    """Of these, as far as the model states a price."""
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
    """Why it is stuck, or what its cap has paused it for; else empty."""
    paused: bool = False
    entered: Count = 0
    """How many of its jobs are in the queue by now; a large plan is put in little by little."""
    jobs: Count = 0
    rate_per_minute: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    """Quadrants committed, while it was worked on."""
    cost: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """Of the calls made so far, as far as their models state a price."""
    cost_cap: Money | None = None
    reserved: Money = 0.0
    """What calls may cost, or may have cost, of which nobody knows yet, where budget or cap is kept."""


class Seen(Part):
    """What a model was shown: a finished neighbour, or what it turned into another layer."""

    version: Token
    layer: Layer = "generation"
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
    seam: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """How it meets its neighbours, 1 being as strong as the strongest lines around; None if nobody looked."""
    flagged: bool = False
    """Whether that is more than its model was allowed."""
    scaffold: bool = False
    stale: bool = False
    """Whether it stands and a neighbour that it saw does not any more."""
    sha256: Annotated[str, Field(max_length=64)]


class CandidateView(Part):
    """One picture of a comparison, or the job that is to make it: paid for, and on no map until adopted."""

    job: JobId
    plan: Identifier
    """The comparison that it belongs to."""
    quadrants: Annotated[list[QuadrantXY], Field(max_length=4)]
    padding: Annotated[list[QuadrantXY], Field(max_length=4)] = []
    model_id: Annotated[str, Field(max_length=128)]
    prompt: Text = ""
    negative_prompt: Text = ""
    seed: Count | None = None
    state: JobState
    doing: Line = ""
    orphan: Count = 0
    """The number by which its images are fetched and it is adopted or deleted; 0 until they are here."""
    tiles: Annotated[list[OrphanTile], Field(max_length=256)] = []
    template: Annotated[str, Field(max_length=64)] = ""
    """SHA-256 of what the model was sent: the same for all that saw the same."""
    worker: Line = ""
    seconds: Seconds = 0.0
    cost: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    received_at: Seconds = 0.0
    seam: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """The worst score of its quadrants, where the worker looked."""
    flagged: bool = False
    """Whether that is more than the model is allowed."""
    adopted: bool = False
    """Whether it was put on the map."""
    adoptable: bool = False
    reason: Text = ""
    """Why it failed, cannot go on, or cannot be put on the map now."""


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
