"""The ingest socket: plans, from anyone who is let in."""

from typing import Annotated, ClassVar

from pydantic import Field

from protocol.codec import catalogue
from protocol.message import Count, Identifier, JobId, Message, Ping
from protocol.plan import Plan


class Publish(Message):
    """Asks for a plan to be accepted."""

    TYPE: ClassVar[str] = "publish"

    plan: Plan


class Accepted(Message):
    """The plan is on disk; `jobs` are its jobs in order, `position` how many jobs stand before the first."""

    TYPE: ClassVar[str] = "accepted"

    plan: Identifier
    duplicate: bool = False
    jobs: Annotated[list[JobId], Field(max_length=100_000)]
    position: Count = 0


INGEST = catalogue(Publish, Ping)
