"""The ingest socket: plans, from anyone who is let in."""

from typing import Annotated, ClassVar

from pydantic import Field

from protocol.codec import catalogue
from protocol.message import Count, Identifier, JobId, Message, Ping
from protocol.plan import Plan
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
    jobs: Annotated[list[JobId], Field(max_length=100_000)]
    position: Count = 0
    left_out: Annotated[list[LeftOut], Field(max_length=LEFT_OUT_NAMED)] = []
    left_out_count: Count = 0


INGEST = catalogue(Publish, Ping)
