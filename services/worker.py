"""The lease loop: take a job, keep its lease alive while working, hand in the result or the failure."""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from protocol.codec import Envelope, catalogue
from protocol.errors import Code, ProtocolError
from protocol.message import JobKind, Layer
from protocol.work import (
    Ack,
    Acked,
    Asset,
    AssetFile,
    ErrorClass,
    Farewell,
    Fetch,
    FetchAsset,
    Goodbye,
    Idle,
    Lease,
    Made,
    Nack,
    Nacked,
    PixelRef,
    Pixels,
    Ready,
    TileImage,
    Touch,
    Touched,
)
from services import logs
from services.client import Client, Unanswered
from services.failpoint import failpoint

WORK_ANSWERS = catalogue(Lease, Idle, Touched, Acked, Nacked, Pixels, AssetFile, Farewell)
PARKED_SECONDS = 20.0
"""How long the keeper may hold a request for work before it says that there is none."""
REPEAT_SECONDS = 6.0
"""After how long a parked request is made again; no multiple of it falls on the end of its waiting."""
ANSWER_SECONDS = 120.0
"""How long a result is offered again before the worker gives it up; longer than a keeper's restart."""

DRAIN_SECONDS = 8.0
"""How long a worker that is to stop goes on with what it has in hand before it hands that back."""
GOODBYE_SECONDS = 1.0

PASSING = {Code.NO_SPACE, Code.BUSY}
"""What the keeper cannot do now but will: nothing was changed, so the same request is made again."""
PASSING_SECONDS = 1.0

log = logging.getLogger("worker")


class TryFailed(Exception):
    """Raised by a performer when this try came to nothing, with a sentence for people."""

    def __init__(self, error_class: ErrorClass, reason: str, *, retry: bool = True) -> None:
        super().__init__(reason)
        self.error_class = error_class
        self.reason = reason
        self.retry = retry


@dataclass
class Result:
    """What a performer made: PNG files by layer and quadrant, assets by name, and how."""

    tiles: list[tuple[Layer, int, int, bytes]] = field(default_factory=list)
    palette: bytes | None = None
    model_seconds: float = 0.0
    template: str = ""
    source: str = ""


class Task:
    """One leased job in a performer's hands."""

    def __init__(self, lease: Lease, client: Client) -> None:
        self.lease = lease
        self.doing = ""
        self._client = client

    def say(self, doing: str) -> None:
        """Say what is being done; it travels with the next touch."""
        self.doing = doing[:300]

    async def fetch(
        self, layer: Layer, quadrants: list[tuple[int, int]]
    ) -> dict[tuple[int, int], tuple[PixelRef, bytes]]:
        """The present PNG of each quadrant that has one in this layer, the plan's own scaffold included."""
        found: dict[tuple[int, int], tuple[PixelRef, bytes]] = {}
        for first in range(0, len(quadrants), 16):
            request = Fetch(layer=layer, quadrants=quadrants[first : first + 16], plan=self.lease.plan)
            envelope = await self._client.exchange(request, timeout=ANSWER_SECONDS)
            if not isinstance(envelope.body, Pixels):
                raise ProtocolError(Code.BAD_MESSAGE, f"fetch was answered by {envelope.body.TYPE}")
            for tile in envelope.body.tiles:
                found[(tile.x, tile.y)] = (tile, envelope.attachments[tile.attachment])
        return found

    async def fetch_palette(self) -> bytes | None:
        """The map's palette, or None while it has none."""
        try:
            envelope = await self._client.exchange(FetchAsset(name="palette"), timeout=ANSWER_SECONDS)
        except ProtocolError as error:
            if error.code is Code.UNKNOWN_TILE:
                return None
            raise
        return envelope.attachments[0]


Perform = Callable[[Task], Awaitable[Result]]


class Worker:
    """`slots` lease loops over one connection. `perform` makes the result or raises TryFailed."""

    def __init__(
        self, address: str, name: str, kinds: list[JobKind], perform: Perform, *, slots: int = 1
    ) -> None:
        self.name = name
        # One epoch per process life: the keeper can tell a restarted worker from its predecessor.
        self.identity = f"{name}.{uuid.uuid4().hex[:8]}"
        self.tasks: dict[tuple[int, int], Task] = {}
        """By job and token: a job whose lease ran out may come back to another slot of the same worker."""
        self.done = 0
        self._kinds = kinds
        self._perform = perform
        self._slots = slots
        self._client = Client(address, WORK_ANSWERS, stray=self._on_stray)
        self._asking = asyncio.Lock()
        self._requests: set[str] = set()
        """The requests for work that are waiting, or whose job is in hand."""
        self._returning: set[asyncio.Task[None]] = set()

    def doing(self) -> str:
        """What all slots do, in a few words."""
        if not self.tasks:
            return f"idle, {self.done} jobs done"
        parts = [f"job {task.lease.job} {task.doing}".rstrip() for task in self.tasks.values()]
        return "; ".join(parts)

    async def run(self, stop: asyncio.Event, *, drain_seconds: float = DRAIN_SECONDS) -> None:
        """Work until `stop`; then finish what runs or, after `drain_seconds`, hand it back untried."""
        loops = [asyncio.create_task(self._loop(stop)) for _ in range(self._slots)]
        stopping = asyncio.create_task(stop.wait())
        try:
            done, _ = await asyncio.wait([stopping, *loops], return_when=asyncio.FIRST_COMPLETED)
            if stopping in done:
                await asyncio.wait(loops, timeout=drain_seconds)
            for loop in loops:
                if loop.done() and not loop.cancelled() and (error := loop.exception()):
                    raise error
        finally:
            left = (stopping, *loops, *self._returning)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
            await self._goodbye()
            await self._client.close()

    async def _goodbye(self) -> None:
        # Goodbye goes before the socket closes: the keeper then frees our leases at once
        # instead of waiting a whole visibility timeout.
        try:
            goodbye = Goodbye(worker=self.identity)
            await self._client.ask(goodbye, Farewell, timeout=GOODBYE_SECONDS, resend=0.5)
        except Unanswered:
            log.info("the keeper did not hear our goodbye; leases run out by themselves")

    async def _loop(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            request = uuid.uuid4().hex
            self._requests.add(request)
            try:
                # One slot asks at a time, so that workers with many slots share the jobs that come at once.
                async with self._asking:
                    lease = None if stop.is_set() else await self._take(stop, request)
                if lease is not None:
                    with logs.bound(lease.job, lease.plan):
                        await self._work(lease)
            finally:
                self._requests.discard(request)

    def _on_stray(self, envelope: Envelope) -> None:
        """Give back a lease that nobody here would work on.

        A request that was made again in the moment in which it was answered waits at the keeper once more,
        and is given the next job.
        """
        lease = envelope.body
        if isinstance(lease, Lease) and envelope.re not in self._requests:
            task = asyncio.create_task(self._give_back(lease))
            self._returning.add(task)
            task.add_done_callback(self._returning.discard)

    async def _give_back(self, lease: Lease) -> None:
        nack = Nack(
            job=lease.job,
            token=lease.token,
            error_class="transient",
            reason="It was leased for a request that was over.",
            burn=False,
        )
        try:
            await self._client.ask(nack, Nacked)
        except ProtocolError as error:
            log.info("job %d could not be given back: %s", lease.job, error.message)

    async def _take(self, stop: asyncio.Event, request: str) -> Lease | None:
        asking = asyncio.create_task(
            self._client.exchange(
                Ready(worker=self.identity, kinds=self._kinds, wait=PARKED_SECONDS),
                timeout=PARKED_SECONDS + 10,
                resend=REPEAT_SECONDS,
                request_id=request,
            )
        )
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([asking, stopping], return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                return None
            body = asking.result().body
        except Unanswered:
            return None
        except ProtocolError as error:
            if error.code not in PASSING:
                raise
            await asyncio.sleep(PASSING_SECONDS)
            return None
        finally:
            asking.cancel()
            stopping.cancel()
            await asyncio.gather(asking, stopping, return_exceptions=True)
        return body if isinstance(body, Lease) else None

    async def _work(self, lease: Lease) -> None:
        failpoint("w_taken")
        task = Task(lease, self._client)
        self.tasks[lease.job, lease.token] = task
        started = asyncio.get_running_loop().time()
        performing = asyncio.ensure_future(self._perform(task))
        touching = asyncio.create_task(self._touch(task))
        try:
            await asyncio.wait([performing, touching], return_when=asyncio.FIRST_COMPLETED)
            if not performing.done():
                log.info("job %d is no longer ours, dropped", lease.job)
                return
            try:
                result = performing.result()
            except TryFailed as failure:
                await self._fail(lease, failure)
            else:
                failpoint("w_worked")
                seconds = asyncio.get_running_loop().time() - started
                await self._hand_in(lease, result, seconds)
        except Unanswered:
            log.warning("job %d: the keeper did not answer; its lease will run out", lease.job)
        finally:
            for pending in (performing, touching):
                pending.cancel()
            await asyncio.gather(performing, touching, return_exceptions=True)
            del self.tasks[lease.job, lease.token]

    async def _touch(self, task: Task) -> None:
        """Keep the lease alive; return when it is lost."""
        lease = task.lease
        expires_in = lease.expires_in
        while True:
            await asyncio.sleep(expires_in / 3)
            try:
                touch = Touch(job=lease.job, token=lease.token, doing=task.doing)
                expires_in = (await self._client.ask(touch, Touched, timeout=ANSWER_SECONDS)).expires_in
            except Unanswered:
                continue
            except ProtocolError as error:
                if error.code in PASSING:
                    continue
                if error.code is not Code.LEASE_LOST:
                    raise
                return

    async def _fail(self, lease: Lease, failure: TryFailed) -> None:
        log.warning("job %d attempt %d failed: %s", lease.job, lease.attempt, failure.reason)
        nack = Nack(
            job=lease.job,
            token=lease.token,
            error_class=failure.error_class,
            reason=failure.reason[:8_000],
            retry=failure.retry,
        )
        await self._settle(lease, nack, Nacked)

    async def _hand_in(self, lease: Lease, result: Result, seconds: float) -> None:
        attachments = [png for _, _, _, png in result.tiles]
        tiles = [TileImage(layer=la, x=x, y=y, attachment=i) for i, (la, x, y, _) in enumerate(result.tiles)]
        assets = []
        if result.palette is not None:
            assets.append(Asset(name="palette", attachment=len(attachments)))
            attachments.append(result.palette)
        made = Made(
            worker=self.name,
            seconds=seconds,
            model_seconds=result.model_seconds,
            template=result.template,
            source=result.source,
        )
        ack = Ack(job=lease.job, token=lease.token, tiles=tiles, assets=assets, made=made)
        taken = await self._settle(lease, ack, Acked, attachments)
        self.done += taken
        self.told(lease, result, taken)
        failpoint("w_done")

    def told(self, lease: Lease, result: Result, taken: bool) -> None:
        """Hear what became of a result; a worker that keeps books does so here."""

    async def _settle(
        self,
        lease: Lease,
        body: Ack | Nack,
        answer: type[Acked] | type[Nacked],
        attachments: list[bytes] | None = None,
    ) -> bool:
        """Whether the keeper took it; a lease lost meanwhile is nobody's fault."""
        try:
            await self._client.ask(
                body, answer, attachments=attachments or [], timeout=ANSWER_SECONDS, resend=5.0
            )
        except Unanswered:
            raise
        except ProtocolError as error:
            if error.code in PASSING:
                # Paid work is offered until there is room for it, not thrown away.
                log.warning("job %d: %s", lease.job, error.message)
                await asyncio.sleep(PASSING_SECONDS)
                return await self._settle(lease, body, answer, attachments)
            if error.code is Code.LEASE_LOST:
                log.info("job %d: %s", lease.job, error.message)
                return False
            if isinstance(body, Ack):
                # Refused pixels are a failed try like any other: no waiting until the lease runs out.
                await self._fail(lease, TryFailed("bad_image", error.message))
                return False
            raise
        return True
