"""Orders: what people tell the keeper to do with jobs, late results and the map, on the control socket."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from protocol.message import (
    Count,
    Identifier,
    JobId,
    JobKind,
    JobState,
    Layer,
    Line,
    Message,
    Part,
    Seconds,
    Text,
    Token,
)
from protocol.plan import Lane, Plan, Priority
from protocol.view import CandidateView, OrphanView
from protocol.work import ErrorClass

JobIds = Annotated[list[JobId], Field(min_length=1, max_length=500)]


class Where(Part):
    """Which jobs are meant: those for which all that is given holds."""

    states: Annotated[list[JobState], Field(max_length=6)] = []
    model_id: Identifier | None = None
    plan: Identifier | None = None
    kind: JobKind | None = None
    error_class: Literal[ErrorClass, "seam"] | None = None
    text: Annotated[Line, Field(min_length=1)] | None = None
    """Stands in the prompt or in the reason, whatever the case of its letters."""
    held: bool = False
    """Only jobs that cannot go on by themselves."""


class CancelWhere(Where, Message):
    """Calls off the jobs meant that have not ended; something must be given."""

    TYPE: ClassVar[str] = "cancel_where"

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if not any(getattr(self, name) for name in type(self).model_fields):
            raise ValueError("say which jobs; `clear_queue` calls off everything")
        return self


class RetryWhere(Where, Message):
    """Makes the jobs meant that have failed pending again, what others need first."""

    TYPE: ClassVar[str] = "retry_where"


class Move(Message):
    """Moves pending or blocked jobs within their lane: to its front or back, or right before another job."""

    TYPE: ClassVar[str] = "move"

    jobs: JobIds
    to: Literal["front", "back", "before"]
    before: JobId | None = None

    @model_validator(mode="after")
    def _has_one_place(self) -> Self:
        if (self.to == "before") != (self.before is not None):
            raise ValueError("`before` names a job exactly when the jobs are to stand before it")
        return self


class Edit(Message):
    """Changes what pending or blocked jobs ask for. What is not given stays."""

    TYPE: ClassVar[str] = "edit"

    jobs: JobIds
    prompt: Text | None = None
    negative_prompt: Text | None = None
    model_id: Identifier | None = None
    priority: Priority | None = None
    lane: Lane | None = None


class Revert(Message):
    """Brings an older version of one quadrant back onto the map; version 0 takes the quadrant off it.

    `layer` is that of the version, or `generation`, if it is not given.
    """

    TYPE: ClassVar[str] = "revert"

    x: int = Field(ge=-1_000_000, le=1_000_000)
    y: int = Field(ge=-1_000_000, le=1_000_000)
    version: Count
    layer: Layer | None = None


class RevertPlan(Message):
    """Puts every quadrant that a settled plan drew back to what stood there before it."""

    TYPE: ClassVar[str] = "revert_plan"

    plan: Identifier


class Reverted(Message):
    """How many quadrants of the map the request changed, and how many neighbours are stale because of it."""

    TYPE: ClassVar[str] = "reverted"

    quadrants: Count
    stale: Count = 0
    skipped: Count = 0
    """Quadrants that were left as they are, since somebody has changed them again."""


class ListOrphans(Message):
    """Asks for results that came too late, newest id last, `limit` at a time, after `cursor`."""

    TYPE: ClassVar[str] = "list_orphans"

    cursor: Count = 0
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class Orphans(Message):
    """A page of late results; `cursor` asks for the next one, 0 means that this was the last."""

    TYPE: ClassVar[str] = "orphans"

    orphans: Annotated[list[OrphanView], Field(max_length=500)]
    cursor: Count
    total: Count


class ListCandidates(Message):
    """Asks for the candidates of comparisons, of one or of all, the newest last, after `cursor`."""

    TYPE: ClassVar[str] = "list_candidates"

    plan: Identifier | None = None
    cursor: Count = 0
    limit: Annotated[int, Field(ge=1, le=200)] = 100
    """Jobs; one whose result came late may have made several."""


class Candidates(Message):
    """A page of candidates; `cursor` asks for the next one, 0 means that this was the last."""

    TYPE: ClassVar[str] = "candidates"

    candidates: Annotated[list[CandidateView], Field(max_length=20_000)]
    cursor: Count


class Adopt(Message):
    """Puts a late result or a candidate on the map, as what its job made; not where it would leave a seam."""

    TYPE: ClassVar[str] = "adopt"

    orphan: Token


class DeleteOrphan(Message):
    """Forgets a late result or a candidate."""

    TYPE: ClassVar[str] = "delete_orphan"

    orphan: Token


class Deleted(Message):
    """It is gone, and was perhaps gone before."""

    TYPE: ClassVar[str] = "deleted"


class Export(Message):
    """Asks for what has not ended as plans to be published again, one plan at a time, after `cursor`."""

    TYPE: ClassVar[str] = "export"

    plan: Identifier | None = None
    cursor: Count = 0


class Exported(Message):
    """A plan with the steps that it still has to do; `cursor` asks for the next, 0 if this was the last."""

    TYPE: ClassVar[str] = "exported"

    plan: Plan | None
    cursor: Count


class Prune(Message):
    """Removes what ended long ago: settled plans with their jobs, events, late results.

    With `versions` also images that no longer stand on the map. The map itself is never touched.
    """

    TYPE: ClassVar[str] = "prune"

    older_than_seconds: Seconds
    versions: bool = False
    dry_run: bool = False


class Pruned(Message):
    """What was removed, or would be."""

    TYPE: ClassVar[str] = "pruned"

    plans: Count
    jobs: Count
    events: Count
    orphans: Count
    versions: Count = 0
    bytes: Count = 0


class WorkerGone(Message):
    """Says that the process of that name has ended: what it held is free at once. Answered by `changed`."""

    TYPE: ClassVar[str] = "worker_gone"

    name: Identifier
