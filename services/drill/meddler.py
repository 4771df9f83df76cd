"""The meddler: a person who cancels, retries, pauses and edits meanwhile, and notes the answers."""

import asyncio
import contextlib
import random
import time
from typing import Any, TypeVar

from protocol.codec import catalogue
from protocol.control import (
    CancelJob,
    CancelPlan,
    Changed,
    GetStatus,
    Jobs,
    ListJobs,
    Pause,
    Plans,
    Quadrant,
    Resume,
    RetryFailed,
    RetryJob,
    Status,
)
from protocol.errors import Code, ProtocolError
from protocol.ingest import Accepted
from protocol.message import JobKind, JobState, Message
from protocol.order import (
    CancelWhere,
    Candidates,
    Deleted,
    Edit,
    Move,
    Orphans,
    RetryWhere,
    Reverted,
)
from protocol.view import JobView, ModelView
from services.client import Client
from services.drill.ledger import Ledger
from services.drill.plans import DARK_MODEL, FEW_MODEL, PRICED_MODEL
from services.drill.publisher import AGAIN_SECONDS, PASSING
from services.drill.stage import MODEL, Stage

PAUSE_SECONDS = 0.4
HEARING_SECONDS = 5.0
REFUSED = {Code.WRONG_STATE, Code.CONFLICT, Code.SEAM, Code.UNKNOWN_ORPHAN}
"""What people may be told, since everything goes on while they make up their minds."""

M = TypeVar("M", bound=Message)


class Meddler:
    """Asks on the control socket until answered."""

    def __init__(self, stage: Stage, ledger: Ledger, seed: int) -> None:
        self.counts: dict[str, int] = {}
        """The queue as it was last heard of."""
        self._status: Status | None = None
        self._heard = time.monotonic()
        self.wrong: list[str] = []
        self._ledger = ledger
        self._chance = random.Random(f"meddler {seed}")
        self.pausing = asyncio.Lock()
        """Held by whoever has something paused for a moment."""
        answers = catalogue(
            Accepted, Candidates, Changed, Deleted, Jobs, Orphans, Plans, Quadrant, Reverted, Status
        )
        self._client = Client(stage.sockets.address("control"), answers)

    async def look(self) -> None:
        """Hear how far everything is; the keeper may be away."""
        with contextlib.suppress(ProtocolError):
            answer = await self._client.ask(GetStatus(), Status, timeout=1.0, resend=0.5)
            self.counts = {state: count for state, count in answer.counts.items()}
            self._status, self._heard = answer, time.monotonic()

    @property
    def models(self) -> list[ModelView]:
        """How the models were doing when they were last heard of."""
        return self._status.models if self._status else []

    def told_last(self) -> str:
        """What the keeper said last, and how long ago."""
        said = self._status.model_dump_json(exclude_defaults=True) if self._status else "nothing"
        return f"{time.monotonic() - self._heard:.1f} s ago the keeper said {said}"

    async def do(self, what: str) -> None:
        """Do one of the things that people do."""
        match what:
            case "cancel_plan":
                if job := await self.one("pending", "blocked"):
                    await self._cancel(CancelPlan(plan=job.plan), plan=job.plan)
            case "cancel_job":
                if job := await self.one("pending", "blocked", "processing"):
                    await self.cancel_job(job.job)
            case "cancel_where":
                if job := await self.one("pending", kind="generate"):
                    where = CancelWhere(plan=job.plan, kind="generate", states=["pending"])
                    await self._cancel(where, plan=job.plan, of="generate")
            case "retry_cancelled":
                if job := await self.one("cancelled"):
                    self._ledger.note("retrying", job=job.job, plan=job.plan)
                    await self.ask(RetryJob(job=job.job))
            case "retry_where":
                await self.ask(RetryWhere(error_class="transient"))
            case "pause" | "pause_plan" | "pause_model":
                await self._pause(what)
            case "edit":
                await self._edit()
            case "move":
                await self._move()

    async def retry_failed(self) -> None:
        """Let everything that has failed try again, if the keeper is there to hear of it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HEARING_SECONDS):
                await self.ask(RetryFailed())

    async def resume(self) -> None:
        """Let everything go on."""
        await self.ask(Resume())

    async def cancel_job(self, job: int) -> bool:
        """Call one job off; whether it was."""
        return await self._cancel(CancelJob(job=job), job=job)

    async def ask(self, body: Message) -> int | None:
        """How many jobs it changed, asked until answered; None if that is refused, as it may be."""
        answer = await self.told(body, Changed)
        return None if answer is None else answer.jobs

    async def told(self, body: Message, answer: type[M]) -> M | None:
        """The answer, asked for until it comes; None if it is refused, as it may be."""
        while True:
            try:
                return await self._client.ask(body, answer, timeout=5.0, resend=1.0)
            except ProtocolError as error:
                if error.code not in PASSING:
                    if error.code not in REFUSED:
                        self.wrong.append(f"{body.TYPE} was refused: {error.code} {error.message}")
                    return None
                await asyncio.sleep(AGAIN_SECONDS)

    async def one(
        self, *states: JobState, kind: JobKind | None = None, plan: str | None = None
    ) -> JobView | None:
        """Some job in one of these states."""
        with contextlib.suppress(ProtocolError):
            asked = ListJobs(states=list(states), kind=kind, plan=plan, limit=50)
            found = (await self._client.ask(asked, Jobs, timeout=2.0, resend=0.5)).jobs
            return self._chance.choice(found) if found else None
        return None

    async def close(self) -> None:
        """Let go of the socket."""
        await self._client.close()

    async def _cancel(self, body: Message, **named: Any) -> bool:
        """Call off what is named; what somebody may have called off is noted before, for sure after."""
        self._ledger.note("cancelling", **named)
        if await self.ask(body) is None:
            return False
        if "of" not in named:
            self._ledger.note("cancelled_job" if "job" in named else "cancelled_plan", **named)
        return True

    async def _pause(self, what: str) -> None:
        """Hold everything, a model or a plan for a while; note from which event to which it was held."""
        named: dict[str, str] = {}
        if what == "pause_model":
            named = {"model_id": self._chance.choice((MODEL, FEW_MODEL, PRICED_MODEL, DARK_MODEL))}
        elif what == "pause_plan":
            if (job := await self.one("pending")) is None:
                return
            named = {"plan": job.plan}
        # One at a time, so that nobody resumes what another has paused.
        async with self.pausing:
            await self.ask(Pause(**named))
            since = await self.told(GetStatus(), Status)
            await asyncio.sleep(PAUSE_SECONDS)
            until = await self.told(GetStatus(), Status)
            if since and until:
                self._ledger.note("paused", since=since.last_event, until=until.last_event, **named)
            await self.ask(Resume.model_validate(named))

    async def _move(self) -> None:
        job, other = await self.one("pending"), await self.one("pending")
        if job is not None and other is not None and job.job != other.job:
            match self._chance.randrange(3):
                case 0:
                    await self.ask(Move(jobs=[job.job], to="front"))
                case 1:
                    await self.ask(Move(jobs=[job.job], to="back"))
                case 2:
                    await self.ask(Move(jobs=[job.job], to="before", before=other.job))

    async def _edit(self) -> None:
        job = await self.one("blocked", kind="generate")
        if job is not None:
            prompt = f"edited {self._chance.getrandbits(32)}"
            if await self.ask(Edit(jobs=[job.job], prompt=prompt)):
                self._ledger.note("edited", job=job.job, prompt=prompt)
