"""Publishers: they offer plans until they are answered, and note what they were told."""

import asyncio
import contextlib
import json
import random
from collections.abc import Callable
from typing import Any

import zmq
import zmq.asyncio

from protocol.codec import Envelope, catalogue, encode
from protocol.errors import Code, ProtocolError
from protocol.ingest import Accepted, PartTaken, PlanBegin, PlanCommit, PlanPart, Publish
from protocol.message import Message
from protocol.plan import Plan, PlanHead
from services.client import Client
from services.drill.call import post
from services.drill.ledger import Ledger
from services.drill.plans import DARK_MODEL, LARGE_ROWS, Plans
from services.drill.stage import Stage

PASSING = {Code.UNAVAILABLE, Code.BUSY, Code.NO_SPACE}
UNREAD = {Code.WRONG_STATE, Code.SEAM}
"""What a plan for the other layer may be told: what it reads may have been called off or taken back."""
DARK_SHARE = 0.2
AGAIN_SECONDS = 0.1
AHEAD = 350
"""Jobs that are published before those ahead of them are done."""
PART = 3
"""Steps that are sent at once of a plan that is sent in parts."""


class Publishers:
    """Several of them at once, over the ingest socket and over HTTP."""

    def __init__(self, stage: Stage, ledger: Ledger, plans: Plans, jobs: int) -> None:
        self.accepted: dict[str, list[int]] = {}
        self.abandoned: list[Plan] = []
        self.wrong: list[str] = []
        self._stage = stage
        self._ledger = ledger
        self._plans = plans
        self._jobs = jobs
        self._chance = random.Random("publishers")
        self._parts: dict[str, int] = {}
        """Of each plan that comes in parts, how many steps were acknowledged."""
        self._client = Client(stage.sockets.address("ingest"), catalogue(Accepted, PartTaken))

    @property
    def jobs(self) -> int:
        """How many jobs were accepted so far."""
        return sum(len(jobs) for jobs in self.accepted.values())

    async def run(self, done: Callable[[], int], due: Callable[[], float], count: int = 3) -> None:
        """Publish until there are enough jobs, never far ahead of those that are done.

        Nor far ahead of the number of jobs at which the next fault is `due`: where faults take longer than
        jobs, the last ones must not meet an empty queue.
        """
        await asyncio.gather(*(self._publish(done, due, by_http=number == 0) for number in range(count)))

    async def _publish(self, done: Callable[[], int], due: Callable[[], float], *, by_http: bool) -> None:
        while self.jobs < self._jobs:
            if self.jobs - min(done(), due()) > AHEAD:
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            plan = self._plans.dark(self.accepted) if self._chance.random() < DARK_SHARE else None
            plan = plan or self._plans.next()
            await (self.by_http(plan) if by_http else self.by_socket(plan))

    async def by_socket(self, plan: Plan) -> None:
        """Offer a plan until it is accepted."""
        self._note(plan)
        answer = await self._told(plan, Publish(plan=plan))
        if isinstance(answer, Accepted):
            self._take(plan, list(answer.jobs))

    async def parts(self) -> None:
        """Offer a plan that comes in parts."""
        await self.by_parts(self._plans.in_parts())

    async def large(self) -> None:
        """Offer a plan that is left to a drafter."""
        await self.by_parts(self._plans.in_parts(LARGE_ROWS))

    async def by_parts(self, plan: Plan) -> None:
        """Offer a plan part by part until it is accepted, from where somebody may have left off."""
        answer = await self._begin(plan)
        while isinstance(answer, PartTaken):
            here = answer.steps
            if here == len(plan.steps):
                answer = await self._told(plan, PlanCommit(plan=plan.id))
            else:
                answer = await self._send_part(plan, here)
        if isinstance(answer, Accepted):
            self._take(plan, list(answer.jobs))

    async def half(self) -> None:
        """Send a part of a plan and die; somebody goes on with it, now or when everything is over."""
        plan = self._plans.in_parts()
        if isinstance(await self._begin(plan), PartTaken):
            await self._send_part(plan, 0)
        if self._chance.random() < 0.5:
            await self.by_parts(plan)
        else:
            self.abandoned.append(plan)

    async def finish(self, plan: Plan) -> None:
        """Offer again what somebody died over; nothing is taken twice."""
        await (self.by_parts(plan) if plan.id in self._parts else self.by_socket(plan))

    async def _begin(self, plan: Plan) -> Message | None:
        """Announce a plan; of what is here already nothing that was acknowledged may be missing."""
        self._note(plan)
        head = PlanHead(**plan.model_dump(include=set(PlanHead.model_fields)))
        answer = await self._told(plan, PlanBegin(plan=head, steps=len(plan.steps)))
        acknowledged = self._parts.setdefault(plan.id, 0)
        if isinstance(answer, PartTaken) and answer.steps < acknowledged:
            self.wrong.append(f"{plan.id}: {acknowledged} steps were taken, {answer.steps} are there")
        return answer

    async def _send_part(self, plan: Plan, first: int) -> Message | None:
        part = PlanPart(plan=plan.id, first=first, steps=plan.steps[first : first + PART])
        answer = await self._told(plan, part)
        if isinstance(answer, PartTaken):
            self._parts[plan.id] = max(self._parts[plan.id], answer.steps)
        return answer

    async def _told(self, plan: Plan, body: Message) -> Message | None:
        """What the keeper answers, asked until it does; None if it refuses, which it has no reason to."""
        while True:
            try:
                return (await self._client.exchange(body, timeout=5.0, resend=1.0)).body
            except ProtocolError as error:
                if error.code not in PASSING:
                    if not _may_be_refused(plan, error.code):
                        self.wrong.append(f"{plan.id} was refused: {body.TYPE}: {error.code} {error.message}")
                    return None
                await asyncio.sleep(AGAIN_SECONDS)

    async def by_http(self, plan: Plan) -> None:
        """Offer a plan to the gateway until it is accepted."""
        self._note(plan)
        body = json.loads(plan.model_dump_json(exclude_none=True, exclude_defaults=True))
        while True:
            with contextlib.suppress(OSError, TimeoutError):
                address = (self._stage.data / "gateway.address").read_text().strip()
                status, answer = await post(f"{address}/api/plans", body, seconds=3.0)
                if status in (200, 202):
                    self._take(plan, list(answer["jobs"]))
                    return
                code = answer.get("error", {}).get("code")
                if code not in PASSING:
                    if not _may_be_refused(plan, code):
                        self.wrong.append(f"{plan.id} was refused over HTTP: {status} {answer}")
                    return
            await asyncio.sleep(AGAIN_SECONDS)

    async def twice(self) -> None:
        """Two offer the same plan at the same time; both must be told the same."""
        plan = self._plans.next()
        await asyncio.gather(self.by_socket(plan), self.by_http(plan))

    async def abandon(self) -> None:
        """Offer a plan and die without waiting for the answer; now and then somebody offers it again."""
        plan = self._plans.next()
        self._note(plan)
        with zmq.asyncio.Context() as context, context.socket(zmq.DEALER) as dealer:
            dealer.setsockopt(zmq.LINGER, 100)
            dealer.connect(self._stage.sockets.address("ingest"))
            with contextlib.suppress(zmq.Again):
                await dealer.send_multipart(
                    encode(Envelope(id=plan.id, body=Publish(plan=plan))), zmq.NOBLOCK
                )
        if self._chance.random() < 0.5:
            await self.by_socket(plan)
        else:
            self.abandoned.append(plan)

    async def close(self) -> None:
        """Let go of the socket."""
        await self._client.close()

    def _note(self, plan: Plan) -> None:
        self._ledger.note("offered", plan=plan.id, cap=plan.cost_cap)

    def _take(self, plan: Plan, jobs: list[Any]) -> None:
        before = self.accepted.setdefault(plan.id, jobs)
        if before != jobs:
            self.wrong.append(f"{plan.id} was accepted twice, as jobs {before[:3]}… and {jobs[:3]}…")
        self._ledger.note("accepted", plan=plan.id, jobs=jobs)


def _may_be_refused(plan: Plan, code: str) -> bool:
    return plan.model_id == DARK_MODEL and code in UNREAD
