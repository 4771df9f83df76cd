"""Publishers: they offer plans until they are answered, and note what they were told."""

import asyncio
import contextlib
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import zmq
import zmq.asyncio

from protocol.codec import Envelope, catalogue, encode
from protocol.errors import Code, ProtocolError
from protocol.ingest import Accepted, Publish
from protocol.plan import Plan
from services.client import Client
from services.drill.call import post
from services.drill.ledger import Ledger
from services.drill.stage import Stage

PASSING = {Code.UNAVAILABLE, Code.BUSY, Code.NO_SPACE}
AGAIN_SECONDS = 0.1
AHEAD = 350
"""Jobs that are published before those ahead of them are done."""


class Publishers:
    """Several of them at once, over the ingest socket and over HTTP."""

    def __init__(self, stage: Stage, ledger: Ledger, plans: Iterator[Plan], jobs: int) -> None:
        self.accepted: dict[str, list[int]] = {}
        self.abandoned: list[Plan] = []
        self.wrong: list[str] = []
        self._stage = stage
        self._ledger = ledger
        self._plans = plans
        self._jobs = jobs
        self._chance = random.Random("publishers")
        self._client = Client(stage.sockets.address("ingest"), catalogue(Accepted))

    @property
    def jobs(self) -> int:
        """How many jobs were accepted so far."""
        return sum(len(jobs) for jobs in self.accepted.values())

    async def run(self, done: Callable[[], int], count: int = 3) -> None:
        """Publish until there are enough jobs, never far ahead of those that are done."""
        await asyncio.gather(*(self._publish(done, by_http=number == 0) for number in range(count)))

    async def _publish(self, done: Callable[[], int], *, by_http: bool) -> None:
        while self.jobs < self._jobs:
            if self.jobs - done() > AHEAD:
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            plan = next(self._plans)
            await (self.by_http(plan) if by_http else self.by_socket(plan))

    async def by_socket(self, plan: Plan) -> None:
        """Offer a plan until it is accepted."""
        self._ledger.note("offered", plan=plan.id)
        while True:
            try:
                answer = await self._client.ask(Publish(plan=plan), Accepted, timeout=5.0, resend=1.0)
            except ProtocolError as error:
                if error.code not in PASSING:
                    self.wrong.append(f"{plan.id} was refused: {error.code} {error.message}")
                    return
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            self._take(plan, list(answer.jobs))
            return

    async def by_http(self, plan: Plan) -> None:
        """Offer a plan to the gateway until it is accepted."""
        self._ledger.note("offered", plan=plan.id)
        body = json.loads(plan.model_dump_json(exclude_none=True, exclude_defaults=True))
        while True:
            with contextlib.suppress(OSError, TimeoutError):
                address = (self._stage.data / "gateway.address").read_text().strip()
                status, answer = await post(f"{address}/api/plans", body, seconds=3.0)
                if status in (200, 202):
                    self._take(plan, list(answer["jobs"]))
                    return
                if answer.get("error", {}).get("code") not in PASSING:
                    self.wrong.append(f"{plan.id} was refused over HTTP: {status} {answer}")
                    return
            await asyncio.sleep(AGAIN_SECONDS)

    async def twice(self) -> None:
        """Two offer the same plan at the same time; both must be told the same."""
        plan = next(self._plans)
        await asyncio.gather(self.by_socket(plan), self.by_http(plan))

    async def abandon(self) -> None:
        """Offer a plan and die without waiting for the answer; now and then somebody offers it again."""
        plan = next(self._plans)
        self._ledger.note("offered", plan=plan.id)
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

    def _take(self, plan: Plan, jobs: list[Any]) -> None:
        before = self.accepted.setdefault(plan.id, jobs)
        if before != jobs:
            self.wrong.append(f"{plan.id} was accepted twice, as jobs {before[:3]}… and {jobs[:3]}…")
        self._ledger.note("accepted", plan=plan.id, jobs=jobs)
