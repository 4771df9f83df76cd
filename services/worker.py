"""The lease loop: take a job, keep its lease alive while working, hand in the result or the failure."""

import asyncio
import logging
import uuid
from collections.abc import Callable
from typing import TypeVar

from protocol.codec import Envelope
from protocol.errors import Code, ProtocolError
from protocol.message import JobKind
from protocol.work import (
    Ack,
    Acked,
    Farewell,
    Goodbye,
    Lease,
    Nack,
    Nacked,
    Ready,
    Touch,
    Touched,
)
from services import logs, outcome
from services.client import Client, Unanswered
from services.failpoint import failpoint
from services.task import (
    ANSWER_SECONDS,
    PASSING,
    PASSING_SECONDS,
    WORK_ANSWERS,
    Perform,
    Result,
    Task,
    TryFailed,
)

__all__ = ["Result", "Task", "TryFailed", "Worker"]

PARKED_SECONDS = 20.0
"""How long the keeper may hold a request for work before it says that there is none."""
REPEAT_SECONDS = 6.0
"""After how long a parked request is made again; no multiple of it falls on the end of its waiting."""
DRAIN_SECONDS = 7.5
"""How long a worker that is to stop goes on with what it has in hand before it hands that back."""
HANDING_IN_SECONDS = 0.5
"""How much longer it waits for the answer to a result that it has sent."""
GOODBYE_SECONDS = 1.0

log = logging.getLogger("worker")

M = TypeVar("M", bound=Acked | Nacked)


class Worker:
    """`slots` lease loops over one connection. `perform` makes the result or raises TryFailed.

    `done_with` is told, in a thread, of each job that nothing kept for is needed any longer: the keeper has
    its pixels, refused them, or gives it up.
    """

    def __init__(
        self,
        address: str,
        name: str,
        kinds: list[JobKind],
        perform: Perform,
        *,
        slots: int = 1,
        done_with: Callable[[int], None] | None = None,
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
        self._done_with = done_with
        self._client = Client(address, WORK_ANSWERS, stray=self._on_stray)
        self._asking = asyncio.Lock()
        self._requests: set[str] = set()
        """The requests for work that are waiting, or whose job is in hand."""
        self._returning: set[asyncio.Task[None]] = set()
        self._handing_in: set[asyncio.Task[None]] = set()
        """The slots that have sent what became of their job, and wait to be answered."""
        self._leaving = False

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
                await self._drain(loops, drain_seconds)
            for loop in loops:
                if loop.done() and not loop.cancelled() and (error := loop.exception()):
                    raise error
        finally:
            self._leaving = True
            # Before what runs is cut off: an answer that comes meanwhile is still kept for whoever goes on.
            await self._goodbye()
            left = (stopping, *loops, *self._returning)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
            await self._client.close()

    async def _drain(self, loops: list[asyncio.Task[None]], seconds: float) -> None:
        """Let the slots finish what they have in hand, as far as it is done in time."""
        await asyncio.wait(loops, timeout=seconds)
        # From here on nothing more is handed in: it would come too late for a lease that goes back.
        self._leaving = True
        if self._handing_in:
            await asyncio.wait(self._handing_in, timeout=HANDING_IN_SECONDS)

    async def _goodbye(self) -> None:
        # Goodbye goes before the socket closes: the keeper then frees our leases at once
        # instead of waiting a whole visibility timeout.
        try:
            goodbye = Goodbye(worker=self.identity)
            await self._client.ask(goodbye, Farewell, timeout=GOODBYE_SECONDS, resend=0.5)
        except ProtocolError as error:
            log.info(
                "the keeper did not hear our goodbye, so leases run out by themselves: %s", error.message
            )

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
        try:
            await self._client.ask(outcome.returned(lease), Nacked)
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
                # A touch that broke raises what it broke of.
                touching.result()
                log.info("job %d is no longer ours, dropped", lease.job)
                return
            if self._leaving and performing.exception() is None:
                log.info("job %d was done when it had been handed back", lease.job)
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
        except Exception as bug:
            await self._blame(lease, bug)
            raise
        finally:
            for pending in (performing, touching):
                pending.cancel()
            await asyncio.gather(performing, touching, return_exceptions=True)
            del self.tasks[lease.job, lease.token]

    async def _blame(self, lease: Lease, bug: Exception) -> None:
        """Say which job this worker dies of, so that it is not handed to the next one as if untried."""
        try:
            nack = outcome.blamed(lease, bug)
            await self._client.ask(nack, Nacked, timeout=GOODBYE_SECONDS, resend=0.5)
        except ProtocolError as error:
            log.warning("job %d: it could not be said that the worker broke: %s", lease.job, error.message)

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
        answer = await self._settle(lease, outcome.nacked(lease, failure), Nacked)
        if answer is None:
            return
        self.failed(lease)
        if answer.state != "pending" and not failure.keep:
            await self._forget(lease)

    async def _hand_in(self, lease: Lease, result: Result, seconds: float) -> None:
        ack, attachments = outcome.acked(lease, self.name, result, seconds)
        taken = await self._settle(lease, ack, Acked, attachments) is not None
        self.done += taken
        self.told(lease, result, taken)
        if taken:
            await self._forget(lease)
        failpoint("w_done")

    def told(self, lease: Lease, result: Result, taken: bool) -> None:
        """Hear what became of a result; a worker that keeps books does so here."""

    def failed(self, lease: Lease) -> None:
        """Hear that the keeper has been told of a try that failed."""

    async def _forget(self, lease: Lease) -> None:
        if self._done_with is not None:
            await asyncio.to_thread(self._done_with, lease.job)

    async def _settle(
        self, lease: Lease, body: Ack | Nack, answer: type[M], attachments: list[bytes] | None = None
    ) -> M | None:
        """What the keeper says to it; None if the lease was lost meanwhile, which is nobody's fault."""
        slot = asyncio.current_task()
        assert slot is not None
        self._handing_in.add(slot)
        try:
            return await self._offer(lease, body, answer, attachments or [])
        except ProtocolError as error:
            if error.code is Code.LEASE_LOST:
                log.info("job %d: %s", lease.job, error.message)
                return None
            if isinstance(error, Unanswered) or not isinstance(body, Ack):
                raise
            # Refused pixels are a failed try like any other: no waiting until the lease runs out. What they
            # were made of would be refused again.
            await self._forget(lease)
            failure = TryFailed("bad_image", error.message)
            failure.calls, failure.cost = body.made.calls, body.made.cost
            failure.unsettled = body.made.unsettled
            await self._fail(lease, failure)
            return None
        finally:
            self._handing_in.discard(slot)

    async def _offer(self, lease: Lease, body: Ack | Nack, answer: type[M], attachments: list[bytes]) -> M:
        """Say it until it is answered: paid work is offered until there is room for it, not thrown away."""
        while True:
            try:
                return await self._client.ask(
                    body, answer, attachments=attachments, timeout=ANSWER_SECONDS, resend=5.0
                )
            except ProtocolError as error:
                if error.code not in PASSING:
                    raise
                log.warning("job %d: %s", lease.job, error.message)
                await asyncio.sleep(PASSING_SECONDS)
