"""The control socket: what the gateway and the command line ask of the keeper."""

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from protocol.codec import catalogue
from protocol.event import TileRef, Watch
from protocol.ingest import PlanBegin, PlanCommit, PlanPart, Publish
from protocol.message import (
    Count,
    Identifier,
    JobId,
    Layer,
    Message,
    Money,
    Ping,
    Rectangle,
)
from protocol.order import (
    Adopt,
    CancelWhere,
    DeleteOrphan,
    Edit,
    Export,
    ListCandidates,
    ListOrphans,
    Move,
    Prune,
    RetryWhere,
    Revert,
    RevertPlan,
    Where,
    WorkerGone,
)
from protocol.region import Compare, Fill, Generate, Render, Replan
from protocol.view import (
    Counts,
    DraftView,
    JobView,
    ModelView,
    PlanView,
    VersionView,
    Working,
)
from protocol.work import Fetch, FetchAsset


class GetStatus(Message):
    """Asks for the queue in figures."""

    TYPE: ClassVar[str] = "get_status"


class Status(Message):
    """The queue in figures. `per_minute` counts quadrants committed to the map in the last minute."""

    TYPE: ClassVar[str] = "status"

    counts: Counts
    by_model: dict[str, Counts]
    working: Annotated[list[Working], Field(max_length=1_000)]
    quadrants: Count
    """Of the layer `generation`."""
    renders: Count
    layers: dict[Layer, Count] = {}
    """The layers that models have drawn something of, each with how many quadrants of it stand."""
    per_minute: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    last_event: Count
    paused: bool = False
    models: Annotated[list[ModelView], Field(max_length=1_000)] = []
    orphans: Count = 0
    """Results that came too late and wait for a person."""
    candidates: Count = 0
    """Pictures of comparisons that nobody has chosen or deleted."""
    drafts: Annotated[list[DraftView], Field(max_length=100)] = []


class ListJobs(Where, Message):
    """Asks for jobs, newest id last, or first with `newest`, `limit` at a time, after `cursor`.

    With `turn` only for those that are pending, in the order in which they are handed out.
    """

    TYPE: ClassVar[str] = "list_jobs"

    newest: bool = False
    turn: bool = False
    cursor: Count = 0
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class Jobs(Message):
    """A page of jobs; `cursor` asks for the next one, 0 means that this was the last.

    What no index knows is looked for in a few thousand jobs at a time: then a page may be short, or empty,
    and not be the last.
    """

    TYPE: ClassVar[str] = "jobs"

    jobs: Annotated[list[JobView], Field(max_length=500)]
    cursor: Count
    total: Count
    at_least: bool = False
    """Whether `total` is only how many were found on this page, and there may be more."""


class GetJob(Message):
    """Asks for one job."""

    TYPE: ClassVar[str] = "get_job"

    job: JobId


class Job(Message):
    """The job asked for."""

    TYPE: ClassVar[str] = "job"

    job: JobView


class ListPlans(Message):
    """Asks for plans, the newest first."""

    TYPE: ClassVar[str] = "list_plans"

    limit: Annotated[int, Field(ge=1, le=200)] = 50


class Plans(Message):
    """The plans asked for."""

    TYPE: ClassVar[str] = "plans"

    plans: Annotated[list[PlanView], Field(max_length=200)]


class CancelJob(Message):
    """Calls one job off; what a worker still makes of it is not committed."""

    TYPE: ClassVar[str] = "cancel_job"

    job: JobId


class RetryJob(Message):
    """Makes a failed or cancelled job pending again."""

    TYPE: ClassVar[str] = "retry_job"

    job: JobId


class CancelPlan(Message):
    """Calls off every job of a plan that has not ended; of one that is not accepted yet nothing is kept."""

    TYPE: ClassVar[str] = "cancel_plan"

    plan: Identifier


class RetryPlan(Message):
    """Makes every failed job of a plan pending again."""

    TYPE: ClassVar[str] = "retry_plan"

    plan: Identifier


class RetryFailed(Message):
    """Makes every failed job pending again."""

    TYPE: ClassVar[str] = "retry_failed"


class ClearQueue(Message):
    """Calls off everything that has not ended."""

    TYPE: ClassVar[str] = "clear_queue"


class Pause(Message):
    """Stops handing out jobs: all, one model's, or one plan's. What runs goes on. Survives a restart."""

    TYPE: ClassVar[str] = "pause"

    model_id: Identifier | None = None
    plan: Identifier | None = None

    @model_validator(mode="after")
    def _names_one_thing(self) -> Self:
        if self.model_id is not None and self.plan is not None:
            raise ValueError("either a model or a plan is paused, not both at once")
        return self


class Resume(Pause):
    """Hands out jobs again: all, one model's, or one plan's."""

    TYPE: ClassVar[str] = "resume"

    cost_cap: Money | None = None
    """Of a plan: what it may cost in all from now on."""

    @model_validator(mode="after")
    def _caps_a_plan(self) -> Self:
        if self.cost_cap is not None and self.plan is None:
            raise ValueError("a cost_cap goes with the plan that is resumed")
        return self


class Changed(Message):
    """How many jobs the request changed."""

    TYPE: ClassVar[str] = "changed"

    jobs: Count


class GetMap(Message):
    """Asks for everything that stands or is under way in a rectangle of quadrants, or only what stands."""

    TYPE: ClassVar[str] = "get_map"

    bounds: Rectangle
    jobs: bool = True
    layers: Annotated[list[Layer], Field(min_length=1, max_length=16)] | None = None
    """Only tiles of these and jobs that draw them; without it the renders and all that models draw."""


class MapView(Message):
    """The rectangle as of event `last`: later events are all that is needed to keep it true."""

    TYPE: ClassVar[str] = "map_view"

    last: Count
    tiles: Annotated[list[TileRef], Field(max_length=100_000)]
    jobs: Annotated[list[JobView], Field(max_length=10_000)]
    extent: Rectangle | None = None
    """The smallest rectangle around everything finished, rendered or under way, anywhere."""
    paused: bool = False


class GetQuadrant(Message):
    """Asks for the history of one quadrant."""

    TYPE: ClassVar[str] = "get_quadrant"

    x: int = Field(ge=-1_000_000, le=1_000_000)
    y: int = Field(ge=-1_000_000, le=1_000_000)


class Quadrant(Message):
    """The versions of one quadrant, the newest first, and the jobs that touch it."""

    TYPE: ClassVar[str] = "quadrant"

    x: int
    y: int
    versions: Annotated[list[VersionView], Field(max_length=1_000)]
    jobs: Annotated[list[JobView], Field(max_length=1_000)]


CONTROL = catalogue(
    Publish,
    PlanBegin,
    PlanPart,
    PlanCommit,
    Render,
    Generate,
    Compare,
    Fill,
    Replan,
    GetStatus,
    ListJobs,
    GetJob,
    ListPlans,
    CancelJob,
    RetryJob,
    CancelPlan,
    RetryPlan,
    RetryFailed,
    ClearQueue,
    Pause,
    Resume,
    CancelWhere,
    RetryWhere,
    Move,
    Edit,
    GetMap,
    GetQuadrant,
    Revert,
    RevertPlan,
    ListOrphans,
    ListCandidates,
    Adopt,
    DeleteOrphan,
    Export,
    Prune,
    WorkerGone,
    Fetch,
    FetchAsset,
    Watch,
    Ping,
)
