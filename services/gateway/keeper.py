"""The line to the keeper: ask and wait, but never longer than a person waits for a page."""

import asyncio
from typing import TypeVar

from protocol.codec import MAP_LIMIT_BYTES, Envelope, catalogue, encode
from protocol.control import (
    Changed,
    Job,
    Jobs,
    MapView,
    Plans,
    Quadrant,
    Status,
)
from protocol.errors import Code, ProtocolError
from protocol.event import Events
from protocol.ingest import Accepted
from protocol.message import Message, Ping, Pong
from protocol.order import Candidates, Deleted, Exported, Orphans, Pruned, Reverted
from protocol.region import Planned
from protocol.work import AssetFile, Pixels
from services.client import Client, Unanswered

ANSWERS = catalogue(
    Accepted, Planned, Status, Jobs, Job, Plans, Changed, MapView, Quadrant, Reverted, Orphans, Deleted,
    Candidates,
    Exported, Pruned, Pixels, AssetFile, Events, Pong,
)  # fmt: skip
BOUND_SECONDS = 4.0
"""Every request is answered within 5 s, also when the keeper is away."""
RESEND_SECONDS = 1.5
LONG_SECONDS = 60.0
"""How long something large may take, like drawing up a plan, if the keeper answers others meanwhile."""

M = TypeVar("M", bound=Message)


class KeeperAway(ProtocolError):
    """Raised when the keeper did not answer in time."""


class Keeper:
    """Requests to the keeper's control socket, each bounded in time and safe to repeat."""

    def __init__(self, address: str) -> None:
        self._client = Client(address, ANSWERS)

    async def exchange(
        self, body: Message, *, timeout: float = BOUND_SECONDS, resend: float = RESEND_SECONDS
    ) -> Envelope:
        """The whole answer with its attachments; raises KeeperAway or what the keeper refused."""
        try:
            return await self._client.exchange(body, timeout=timeout, resend=resend)
        except Unanswered:
            raise KeeperAway(
                Code.UNAVAILABLE,
                "The keeper does not answer. What is accepted is on disk; ask again in 2 s.",
            ) from None

    async def ask(
        self,
        body: Message,
        answer: type[M],
        *,
        timeout: float = BOUND_SECONDS,
        resend: float = RESEND_SECONDS,
    ) -> M:
        """The answer's body, which is of the type expected."""
        envelope = await self.exchange(body, timeout=timeout, resend=resend)
        if not isinstance(envelope.body, answer):
            # A keeper of another version: asking again does not help, restarting both does.
            raise ProtocolError(
                Code.UNSUPPORTED_VERSION, f"{body.TYPE} was answered by {envelope.body.TYPE}."
            )
        return envelope.body

    async def patiently(self, body: Message, answer: type[M]) -> M:
        """The answer to what may be large or take long; raises KeeperAway if the keeper is away."""
        # Over the limit the keeper's socket would drop the connection without a word.
        if len(encode(Envelope(id="size", body=body))[1]) > MAP_LIMIT_BYTES - 1_024:
            raise ProtocolError(Code.TOO_LARGE, "The plan is too large for one message: ask for it in parts.")
        asking = asyncio.create_task(self.ask(body, answer, timeout=LONG_SECONDS, resend=2 * RESEND_SECONDS))
        try:
            # An answer to somebody else tells a keeper that thinks from one that is gone.
            while not (await asyncio.wait([asking], timeout=2 * RESEND_SECONDS))[0]:
                await self.ask(Ping(), Pong, timeout=RESEND_SECONDS)
            return asking.result()
        finally:
            asking.cancel()

    async def close(self) -> None:
        """Let go of the socket."""
        await self._client.close()
