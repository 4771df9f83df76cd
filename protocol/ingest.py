"""The ingest socket: plans, from anyone who is let in."""

from typing import Annotated, ClassVar

from pydantic import Field

from protocol.codec import catalogue
from protocol.message import Count, Identifier, JobId, Message, Ping
from protocol.plan import STEP_LIMIT, Plan, PlanHead, Step
from protocol.view import LeftOut

LEFT_OUT_NAMED = 1_000


class Publish(Message):
    """Asks for a plan to be accepted. `dry_run` only proves it and says what it takes."""

    TYPE: ClassVar[str] = "publish"

    plan: Plan
    dry_run: bool = False


class Accepted(Message):
    """The plan is on disk; `jobs` are its jobs in order, `position` how many jobs stand before the first.

    `left_out` names at most 1,000 quadrants that were asked for and that no step draws.
    """

    TYPE: ClassVar[str] = "accepted"

    plan: Identifier
    duplicate: bool = False
    jobs: Annotated[list[JobId], Field(max_length=1_000_000)]
    position: Count = 0
    left_out: Annotated[list[LeftOut], Field(max_length=LEFT_OUT_NAMED)] = []
    left_out_count: Count = 0


class PlanBegin(Message):
    """Announces a plan that comes in parts. What is not committed within an hour is forgotten."""

    TYPE: ClassVar[str] = "plan_begin"

    plan: PlanHead
    steps: Annotated[int, Field(ge=1, le=STEP_LIMIT)]


class PlanPart(Message):
    """The steps from number `first` on, counted from 0. The same part again changes nothing."""

    TYPE: ClassVar[str] = "plan_part"

    plan: Identifier
    first: Count
    steps: Annotated[list[Step], Field(min_length=1, max_length=1_000)]


class PlanCommit(Message):
    """Asks for the plan to be accepted, now that all its parts are here; answered by `accepted`."""

    TYPE: ClassVar[str] = "plan_commit"

    plan: Identifier


class PartTaken(Message):
    """How many steps of the plan are here by now; after `plan_begin`, where to go on after a crash."""

    TYPE: ClassVar[str] = "part_taken"

    plan: Identifier
    steps: Count


INGEST = catalogue(Publish, PlanBegin, PlanPart, PlanCommit, Ping)
