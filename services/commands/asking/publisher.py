"""Plans on their way to the keeper: large ones in parts, however often it is busy or starts again."""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from protocol.codec import MAP_LIMIT_BYTES, catalogue
from protocol.errors import Code, ProtocolError
from protocol.ingest import Accepted, PartTaken, PlanBegin, PlanCommit, PlanPart, Publish
from protocol.message import Message
from protocol.plan import Plan, PlanHead, Step
from protocol.region import Planned
from services.client import Client, Unanswered
from services.commands.asking.line import NOT_RUNNING, not_running, refused
from services.config import Sockets
from services.supervision.ask import listening
from services.supervision.lock import Lock

WHOLE_STEPS = 2_000
"""Steps of the largest plan that goes in one message."""
WHOLE_BYTES = MAP_LIMIT_BYTES - (64 << 10)
PART_STEPS = 1_000
PART_BYTES = 4 << 20
ANSWER_SECONDS = 60.0
"""A plan of some thousand steps takes a keeper a few seconds, and a busy one longer."""
RESEND_SECONDS = 15.0
PAUSE_SECONDS = 5.0
"""Between two questions to a keeper that is busy and does not say for how long."""
LONGEST_PAUSE_SECONDS = 60.0
BEGINNINGS = 20
"""How often one plan is begun anew, if the keeper forgets it as often."""

M = TypeVar("M", bound=Message)
N = TypeVar("N", bound=Message)


class Publisher:
    """Hands plans to the keeper of one data folder.

    `told` is called with the number of steps that are there by now; `busy` with what the keeper said and
    for how many seconds it is left alone. Without `patient`, a busy keeper's refusal is raised instead.
    """

    def __init__(
        self,
        data: Path,
        *,
        patient: bool,
        told: Callable[[int], None],
        busy: Callable[[ProtocolError, float], None],
    ) -> None:
        self._data = data
        self._patient = patient
        self._told = told
        self._busy = busy

    async def __aenter__(self) -> Self:
        self._client = Client(Sockets(self._data).address("ingest"), catalogue(Accepted, Planned, PartTaken))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.close()

    async def try_out(self, plan: Plan) -> Planned:
        """What the plan would take."""
        if not _fits(plan):
            raise ProtocolError(
                Code.TOO_LARGE, "A plan that is tried out comes in one message, which holds 8 MiB."
            )
        return await self._ask(Publish(plan=plan, dry_run=True), Planned)

    async def publish(self, plan: Plan) -> Accepted:
        """The plan, accepted; published again by whatever name it has, it changes nothing."""
        if _fits(plan) and (len(plan.steps) <= WHOLE_STEPS or plan.repair):
            return await self._ask(Publish(plan=plan), Accepted)
        for _ in range(BEGINNINGS):
            try:
                return await self._in_parts(plan)
            except ProtocolError as error:
                if error.code is Code.UNKNOWN_TYPE and _fits(plan):
                    # A keeper that is older than this command takes no parts.
                    return await self._ask(Publish(plan=plan), Accepted)
                # The keeper had forgotten what was begun; a refusal of the plan itself has other codes.
                if error.code is not Code.UNKNOWN_PLAN:
                    raise
        raise ProtocolError(Code.UNAVAILABLE, f"The keeper has forgotten {plan.id} {BEGINNINGS} times.")

    async def _in_parts(self, plan: Plan) -> Accepted:
        if plan.repair:
            raise ProtocolError(
                Code.TOO_LARGE,
                "A plan that repairs comes in one message, which holds 8 MiB: plan less at once.",
            )
        head = PlanHead.model_validate({name: getattr(plan, name) for name in PlanHead.model_fields})
        begun = await self._ask(PlanBegin(plan=head, steps=len(plan.steps)), PartTaken, Accepted)
        while isinstance(begun, PartTaken) and begun.steps < len(plan.steps):
            self._told(begun.steps)
            part = next(parts(plan.steps, begun.steps))
            begun = await self._ask(PlanPart(plan=plan.id, first=begun.steps, steps=part), PartTaken)
        if isinstance(begun, Accepted):
            return begun
        self._told(len(plan.steps))
        return await self._ask(PlanCommit(plan=plan.id), Accepted)

    async def _ask(self, body: Message, answer: type[M], other: type[N] | None = None) -> M | N:
        """The answer, however often the keeper is busy or away; raises Unanswered if it stays away."""
        while True:
            try:
                envelope = await self._client.exchange(body, timeout=ANSWER_SECONDS, resend=RESEND_SECONDS)
            except Unanswered:
                if Lock(self._data).holder() is None:
                    raise
                continue
            except ProtocolError as error:
                if error.code is not Code.BUSY or not self._patient:
                    raise
                pause = min(error.retry_after or PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
                self._busy(error, pause)
                await asyncio.sleep(pause)
                continue
            if isinstance(envelope.body, answer) or (other and isinstance(envelope.body, other)):
                return envelope.body
            raise ProtocolError(
                Code.UNSUPPORTED_VERSION, f"{body.TYPE} was answered by {envelope.body.TYPE}."
            )


def publishing(data: Path, act: Callable[[], Coroutine[Any, Any, int]]) -> int:
    """What `act` gives, or the exit code for why it could not, with the sentence on standard error."""
    if Lock(data).holder() is None and not listening(Sockets(data).address("ingest")):
        return not_running(data)
    try:
        return asyncio.run(act())
    except Unanswered:
        print(f"The keeper of {data} does not answer: is it running?", file=sys.stderr)
        return NOT_RUNNING
    except ProtocolError as error:
        return refused(error)


def parts(steps: Sequence[Step], first: int) -> Iterator[list[Step]]:
    """The steps from number `first` on, in pieces that fit into a message."""
    part: list[Step] = []
    size = 0
    for step in steps[first:]:
        length = len(step.model_dump_json())
        if part and (len(part) == PART_STEPS or size + length > PART_BYTES):
            yield part
            part, size = [], 0
        part.append(step)
        size += length
    if part:
        yield part


def say_busy(error: ProtocolError, seconds: float) -> None:
    """Say why nothing happens for a while."""
    print(f"{error.message} Asking again in {seconds:.0f} s.", file=sys.stderr)


def _fits(plan: Plan) -> bool:
    """Whether the plan goes in one message; as JSON it is never smaller than on the wire."""
    return len(plan.model_dump_json()) <= WHOLE_BYTES
