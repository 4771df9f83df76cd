"""The meddler: a person who cancels, retries, pauses and edits meanwhile, and notes the answers."""

import asyncio
import contextlib
import random

from protocol.codec import catalogue
from protocol.control import (
    CancelJob,
    CancelPlan,
    Changed,
    GetStatus,
    Jobs,
    ListJobs,
    Pause,
    Resume,
    RetryFailed,
    RetryJob,
    Status,
)
from protocol.errors import Code, ProtocolError
from protocol.message import JobState, Message
from protocol.order import Edit, Move
from protocol.view import JobView
from services.client import Client
from services.drill.ledger import Ledger
from services.drill.publisher import AGAIN_SECONDS, PASSING
from services.drill.stage import MODEL, Stage

PAUSE_SECONDS = 0.4


class Meddler:
    """Asks on the control socket until answered."""

    def __init__(self, stage: Stage, ledger: Ledger, seed: int) -> None:
        self.counts: dict[str, int] = {}
        """The queue as it was last heard of."""
        self.wrong: list[str] = []
        self._ledger = ledger
        self._chance = random.Random(f"meddler {seed}")
        self._client = Client(stage.sockets.address("control"), catalogue(Changed, Jobs, Status))

    async def look(self) -> None:
        """Hear how far everything is; the keeper may be away."""
        with contextlib.suppress(ProtocolError):
            answer = await self._client.ask(GetStatus(), Status, timeout=1.0, resend=0.5)
            self.counts = {state: count for state, count in answer.counts.items()}

    async def do(self, what: str) -> None:
        """Do one of the things that people do."""
        match what:
            case "cancel_plan":
                job = await self._one("pending", "blocked")
                if job and await self.ask(CancelPlan(plan=job.plan)) is not None:
                    self._ledger.note("cancelled_plan", plan=job.plan)
            case "cancel_job":
                job = await self._one("pending", "blocked", "processing")
                if job and await self.ask(CancelJob(job=job.job)) is not None:
                    self._ledger.note("cancelled_job", job=job.job)
            case "retry_cancelled":
                if job := await self._one("cancelled"):
                    self._ledger.note("retrying", job=job.job, plan=job.plan)
                    await self.ask(RetryJob(job=job.job))
            case "pause" | "pause_plan" | "pause_model":
                await self._pause(what)
            case "edit":
                await self._edit()
            case "move":
                await self._move()

    async def retry_failed(self) -> None:
        """Let everything that has failed try again."""
        await self.ask(RetryFailed())

    async def resume(self) -> None:
        """Let everything go on."""
        await self.ask(Resume())

    async def ask(self, body: Message) -> int | None:
        """How many jobs it changed, asked until answered; None if that is refused, as it may be."""
        while True:
            try:
                return (await self._client.ask(body, Changed, timeout=5.0, resend=1.0)).jobs
            except ProtocolError as error:
                if error.code not in PASSING:
                    if error.code not in (Code.WRONG_STATE, Code.CONFLICT, Code.SEAM):
                        self.wrong.append(f"{body.TYPE} was refused: {error.code} {error.message}")
                    return None
                await asyncio.sleep(AGAIN_SECONDS)

    async def close(self) -> None:
        """Let go of the socket."""
        await self._client.close()

    async def _pause(self, what: str) -> None:
        named: dict[str, str] = {}
        if what == "pause_model":
            named = {"model_id": MODEL}
        elif what == "pause_plan" and (job := await self._one("pending")):
            named = {"plan": job.plan}
        await self.ask(Pause(**named))
        await asyncio.sleep(PAUSE_SECONDS)
        await self.ask(Resume(**named))

    async def _move(self) -> None:
        job, other = await self._one("pending"), await self._one("pending")
        if job is not None and other is not None and job.job != other.job:
            match self._chance.randrange(3):
                case 0:
                    await self.ask(Move(jobs=[job.job], to="front"))
                case 1:
                    await self.ask(Move(jobs=[job.job], to="back"))
                case 2:
                    await self.ask(Move(jobs=[job.job], to="before", before=other.job))

    async def _edit(self) -> None:
        job = await self._one("blocked", kind="generate")
        if job is not None:
            prompt = f"edited {self._chance.getrandbits(32)}"
            if await self.ask(Edit(jobs=[job.job], prompt=prompt)):
                self._ledger.note("edited", job=job.job, prompt=prompt)

    async def _one(self, *states: JobState, kind: str | None = None) -> JobView | None:
        """Some job in one of these states."""
        with contextlib.suppress(ProtocolError):
            asked = ListJobs(states=list(states), kind=kind, limit=50)  # type: ignore[arg-type]
            found = (await self._client.ask(asked, Jobs, timeout=2.0, resend=0.5)).jobs
            return self._chance.choice(found) if found else None
        return None
