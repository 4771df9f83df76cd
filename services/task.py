"""A task: one leased job in the hands of a performer, what comes of it, or how it failed."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from protocol.codec import Envelope, catalogue
from protocol.errors import Code, ProtocolError
from protocol.message import Layer, Message
from protocol.work import (
    Acked,
    AssetFile,
    ErrorClass,
    Farewell,
    Fetch,
    FetchAsset,
    Idle,
    Lease,
    Nacked,
    PixelRef,
    Pixels,
    SeamScore,
    Started,
    Touched,
)
from services.client import Client

WORK_ANSWERS = catalogue(Lease, Idle, Touched, Acked, Nacked, Pixels, AssetFile, Farewell)
PASSING = {Code.NO_SPACE, Code.BUSY}
"""What the keeper cannot do now but will: nothing was changed, so the same request is made again."""
PASSING_SECONDS = 1.0
ANSWER_SECONDS = 120.0
"""How long a result is offered again before the worker gives it up; longer than a keeper's restart."""


class TryFailed(Exception):
    """Raised by a performer when this try came to nothing, with a sentence for people.

    `retry_after` are the seconds for which a model that is rate limited wants no more calls; `calls` are
    those that were answered, and so paid for, although nothing came of them, `cost` is what they cost;
    `unsettled` are those besides of which nobody can tell yet. A request that was `sent` may have been
    heard, although no answer came.
    With `keep` what was paid for stays, also if the job ends here: a person can mend what was in the way.
    """

    def __init__(
        self,
        error_class: ErrorClass,
        reason: str,
        *,
        retry: bool = True,
        retry_after: float | None = None,
        keep: bool = False,
        sent: bool = False,
    ) -> None:
        super().__init__(reason)
        self.error_class = error_class
        self.reason = reason
        self.retry = retry
        self.retry_after = retry_after
        self.keep = keep
        self.sent = sent
        self.calls = 0
        self.cost: float | None = None
        self.unsettled = 0


@dataclass
class Result:
    """What a performer made: PNG files by layer and quadrant, assets by name, and how."""

    tiles: list[tuple[Layer, int, int, bytes]] = field(default_factory=list)
    palette: bytes | None = None
    model_seconds: float = 0.0
    template: str = ""
    renders: str = ""
    saw: list[int] = field(default_factory=list)
    seed: int | None = None
    parameters: str = ""
    cost: float | None = None
    calls: int = 0
    unsettled: int = 0
    source: str = ""
    seams: list[SeamScore] = field(default_factory=list)


class Task:
    """One leased job in a performer's hands."""

    def __init__(self, lease: Lease, client: Client) -> None:
        self.lease = lease
        self.doing = ""
        self._client = client

    def say(self, doing: str) -> None:
        """Say what is being done; it travels with the next touch."""
        self.doing = doing[:300]

    async def start(self, handle: str) -> None:
        """Return when the keeper has the handle of a call under way on disk; an empty one takes it away.

        A lease that is lost loses nothing here: the worker is told of it when it touches the lease.
        """
        request = Started(job=self.lease.job, token=self.lease.token, handle=handle)
        try:
            await self._ask(request)
        except ProtocolError as error:
            if error.code is not Code.LEASE_LOST:
                raise

    async def fetch(
        self, layer: Layer, quadrants: list[tuple[int, int]]
    ) -> dict[tuple[int, int], tuple[PixelRef, bytes]]:
        """The present PNG of each quadrant that has one in this layer, the plan's own scaffold included."""
        found: dict[tuple[int, int], tuple[PixelRef, bytes]] = {}
        for first in range(0, len(quadrants), 16):
            request = Fetch(layer=layer, quadrants=quadrants[first : first + 16], plan=self.lease.plan)
            envelope = await self._ask(request)
            if not isinstance(envelope.body, Pixels):
                raise ProtocolError(Code.BAD_MESSAGE, f"fetch was answered by {envelope.body.TYPE}")
            for tile in envelope.body.tiles:
                found[(tile.x, tile.y)] = (tile, envelope.attachments[tile.attachment])
        return found

    async def fetch_palette(self) -> bytes | None:
        """The map's palette, or None while it has none."""
        try:
            envelope = await self._ask(FetchAsset(name="palette"))
        except ProtocolError as error:
            if error.code is Code.UNKNOWN_TILE:
                return None
            raise
        return envelope.attachments[0]

    async def _ask(self, request: Message) -> Envelope:
        """The keeper's answer, however long it is busy; while it is, the lease is kept by touches."""
        while True:
            try:
                return await self._client.exchange(request, timeout=ANSWER_SECONDS)
            except ProtocolError as error:
                if error.code not in PASSING:
                    raise
            await asyncio.sleep(PASSING_SECONDS)


Perform = Callable[[Task], Awaitable[Result]]
