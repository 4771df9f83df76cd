"""The event log: what changed, numbered from 1, read by asking for what came after a number."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

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
    QuadrantXY,
    Seconds,
    Text,
    Token,
)


class TileRef(Part):
    """One quadrant of a layer and the version that now stands there; 0 means that it is gone."""

    layer: Layer
    x: int
    y: int
    version: Count
    stale: bool = False
    """Whether a neighbour that it was made to match has been replaced since."""


class JobChange(Part):
    """A job came to a state."""

    kind: Literal["job"] = "job"
    job: JobId
    plan: Identifier
    job_kind: JobKind
    state: JobState
    model_id: Annotated[str, Field(max_length=128)] = ""
    layer: Annotated[str, Field(max_length=32)] = ""
    """Of a model call: the layer that it draws."""
    quadrants: Annotated[list[QuadrantXY], Field(max_length=4_096)] = []
    attempt: Count = 0
    reason: Text = ""
    tiles: Annotated[list[TileRef], Field(max_length=256)] = []
    """The tile versions that this change put on the map."""


class PlanChange(Part):
    """A plan was accepted or has settled, i.e. none of its jobs can go on by itself."""

    kind: Literal["plan"] = "plan"
    plan: Identifier
    name: Line = ""
    state: Literal["accepted", "settled"]
    jobs: Count = 0
    tiles: Annotated[list[TileRef], Field(max_length=100_000)] = []
    """Scaffold dropped from the map, each with version 0."""


class QueueChange(Part):
    """The handing out of jobs was paused or goes on: of all, of one model's or of one plan's."""

    kind: Literal["queue"] = "queue"
    paused: bool
    model_id: Annotated[str, Field(max_length=128)] = ""
    plan: Annotated[str, Field(max_length=128)] = ""
    reason: Line = ""


class MapChange(Part):
    """Tiles changed though no job did it: a person brought older ones back, or they became stale or fresh."""

    kind: Literal["map"] = "map"
    tiles: Annotated[list[TileRef], Field(max_length=100_000)] = []


class LateChange(Part):
    """A result came too late and was kept, or a person deleted it; one that is adopted shows as its job."""

    kind: Literal["late"] = "late"
    job: JobId
    plan: Annotated[str, Field(max_length=128)] = ""
    state: Literal["kept", "deleted"]


Change = Annotated[JobChange | PlanChange | QueueChange | MapChange | LateChange, Field(discriminator="kind")]


class Event(Part):
    """One change with its place in the log and its time (UTC seconds)."""

    seq: Token
    at: Seconds
    change: Change


class Watch(Message):
    """Asks for events after `since`, waiting up to `wait` seconds for the first one."""

    TYPE: ClassVar[str] = "watch"

    since: Count = 0
    wait: Seconds = 0.0
    limit: Annotated[int, Field(ge=1, le=1_000)] = 200


class Events(Message):
    """Events in order; `last` is the newest number in the log."""

    TYPE: ClassVar[str] = "events"

    events: Annotated[list[Event], Field(max_length=1_000)]
    last: Count
