"""The intake: plans that come in, drawn up at once if they are small and beside the batch if they are not."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from functools import partial
from typing import Any

from protocol.control import Replan
from protocol.errors import ProtocolError
from protocol.ingest import Accepted
from protocol.message import Message
from services.actor import Letter
from services.failpoint import failpoint
from services.keeper.entry import enter
from services.keeper.planner import Planner, Proposal
from services.keeper.progress import Progress, log
from services.keeper.request import Case, Request
from services.keeper.slices import LongDeed
from services.logs import about

Deed = Callable[[], Message | None]
SMALL = 200
"""Steps that are drawn up at once; more would hold everybody else up, as planning any region would."""


class Intake:
    """Answers requests for plans.

    `later` puts a deed into the next transaction, `at_length` begins one that may take several, `start` runs
    something beside.
    """

    def __init__(
        self,
        *,
        planner: Planner,
        progress: Progress,
        pool: Executor,
        later: Callable[[Letter, Deed], None],
        at_length: Callable[[Letter, LongDeed], Message | None],
        start: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._planner = planner
        self._progress = progress
        self._pool = pool
        self._later = later
        self._at_length = at_length
        self._start = start
        self._drawing_up: set[str] = set()

    def on_plan(self, letter: Letter, request: Request) -> Message | None:
        if isinstance(request, Replan):
            return self._at_length(letter, self._replanning(letter, request))
        return self._plan(letter, request)

    def _replanning(self, letter: Letter, request: Replan) -> LongDeed:
        """Plan the rest of a plan anew, once it is known what that is."""
        if (before := self._planner.before(request)) is not None:
            if self._planner.is_settled(request.plan):
                # A crash may have come between the new plan and the last of the old one's jobs.
                yield from self._progress.cancelling_plan(request.plan)
            return before
        yield from self._progress.looking_again(request.plan)
        answer = self._plan(letter, request)
        if isinstance(answer, Accepted) and not answer.duplicate:
            yield from self._progress.cancelling_plan(request.plan)
        return answer

    def _plan(self, letter: Letter, request: Request) -> Message | None:
        if (before := self._planner.before(request)) is not None:
            return before
        if letter.envelope.id in self._drawing_up:
            # Sent again while it is being drawn up, it is answered once, when that is done.
            return None
        case = self._planner.survey(request)
        if case.region is None and case.size <= SMALL:
            return self._answer(self._planner.propose(case))
        self._drawing_up.add(letter.envelope.id)
        self._start(self._propose_aside(letter, case))
        return None

    async def _propose_aside(self, letter: Letter, case: Case) -> None:
        """Draw a large plan up in a thread, then let it join the next transaction."""
        loop = asyncio.get_running_loop()
        try:
            proposal = await loop.run_in_executor(self._pool, self._planner.propose, case)
        except ProtocolError as error:
            self._drawing_up.discard(letter.envelope.id)
            letter.refuse(error)
            return
        self._later(letter, partial(self._take_up, letter, case, proposal))

    async def _number_aside(self, letter: Letter, case: Case, proposal: Proposal, first: int) -> None:
        """Write a large plan's rows out in a thread, so that putting them in is all that is left."""
        loop = asyncio.get_running_loop()
        proposal.entry = await loop.run_in_executor(self._pool, enter, proposal.draft, first)
        self._later(letter, partial(self._take_up, letter, case, proposal))

    def _take_up(self, letter: Letter, case: Case, proposal: Proposal) -> Message | None:
        """Accept what was drawn up, unless the ground has changed meanwhile: then draw it up again."""
        request = case.request
        # From here on it is answered, unless it goes back into a thread.
        self._drawing_up.discard(letter.envelope.id)
        if (before := self._planner.before(request)) is not None:
            return before
        if proposal.planned is not None:
            return proposal.planned
        now = self._planner.survey(request)
        again: Coroutine[Any, Any, None]
        if self._planner.is_stale(case, proposal, now):
            again = self._propose_aside(letter, now)
        elif proposal.entry is None:
            again = self._number_aside(letter, now, proposal, self._planner.number(proposal))
        elif isinstance(request, Replan):
            return self._at_length(letter, self._replacing(request.plan, proposal))
        else:
            return self._answer(proposal)
        self._drawing_up.add(letter.envelope.id)
        self._start(again)
        return None

    def _answer(self, proposal: Proposal) -> Message:
        if proposal.planned is not None:
            return proposal.planned
        answer = self._planner.accept(proposal)
        log.info("accepted with %d jobs", len(answer.jobs), extra=about(plan=answer.plan))
        self._progress.accepted(answer.plan, proposal.draft.leans_on)
        failpoint("keeper_plan")
        return answer

    def _replacing(self, plan_id: str, proposal: Proposal) -> LongDeed:
        """The old plan ends after the new one is in: renders that both need then become the new one's."""
        answer = self._answer(proposal)
        yield from self._progress.cancelling_plan(plan_id)
        return answer
