"""The control and ingest sockets: what people and their programs ask of the keeper."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Executor
from functools import partial
from itertools import groupby
from typing import Any

from protocol.control import (
    CancelJob,
    CancelPlan,
    Changed,
    ClearQueue,
    Fill,
    Generate,
    GetJob,
    GetMap,
    GetQuadrant,
    GetStatus,
    ListJobs,
    ListPlans,
    Pause,
    Render,
    Replan,
    Resume,
    RetryFailed,
    RetryJob,
    RetryPlan,
)
from protocol.control import Job as JobAnswer
from protocol.errors import Code, ProtocolError
from protocol.ingest import Publish
from protocol.message import Message
from services.actor import Letter
from services.failpoint import failpoint
from services.keeper.entry import enter
from services.keeper.lifecycle import Job
from services.keeper.planner import Planner, Proposal
from services.keeper.progress import FAILED, Progress, log
from services.keeper.queue import LIVE
from services.keeper.request import Case, Request
from services.keeper.store import Store
from services.keeper.views import Views

Handler = Callable[[Letter, Any], Message | None]
Deed = Callable[[], Message | None]
SMALL = 200
"""Steps that are drawn up at once; more would hold everybody else up, as planning any region would."""


class Control:
    """Answers requests that make, change or show plans and jobs."""

    def __init__(
        self,
        *,
        store: Store,
        planner: Planner,
        progress: Progress,
        views: Views,
        pool: Executor,
        later: Callable[[Letter, Deed], None],
        start: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._store = store
        self._pool = pool
        self._later = later
        self._start = start
        self._drawing_up: set[str] = set()
        self._planner = planner
        self._progress = progress
        self.ingest: Mapping[type[Message], Handler] = {Publish: self.on_plan}
        self.control: Mapping[type[Message], Handler] = {
            Publish: self.on_plan,
            Render: self.on_plan,
            Generate: self.on_plan,
            Fill: self.on_plan,
            Replan: self.on_plan,
            GetStatus: lambda _, request: views.status(),
            ListJobs: lambda _, request: views.jobs(request),
            GetJob: lambda _, request: JobAnswer(job=views.job(request.job)),
            ListPlans: lambda _, request: views.plans(request),
            GetMap: lambda _, request: views.map(request),
            GetQuadrant: lambda _, request: views.quadrant(request),
            CancelJob: self.on_cancel_job,
            RetryJob: self.on_retry_job,
            CancelPlan: self.on_cancel_plan,
            RetryPlan: self.on_retry_plan,
            RetryFailed: self.on_retry_failed,
            ClearQueue: self.on_clear_queue,
            Pause: self.on_pause,
            Resume: self.on_resume,
        }

    def on_plan(self, letter: Letter, request: Request) -> Message | None:
        if (before := self._planner.before(request)) is not None:
            return before
        if letter.envelope.id in self._drawing_up:
            # Sent again while it is being drawn up, it is answered once, when that is done.
            return None
        if isinstance(request, Replan):
            self._progress.look_again(request.plan)
        case = self._planner.survey(request)
        if case.region is None and case.size <= SMALL:
            return self._answer(request, self._planner.propose(case))
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
        else:
            return self._answer(request, proposal)
        self._drawing_up.add(letter.envelope.id)
        self._start(again)
        return None

    def _answer(self, request: Request, proposal: Proposal) -> Message:
        if proposal.planned is not None:
            return proposal.planned
        answer = self._planner.accept(proposal)
        log.info("plan %s accepted with %d jobs", answer.plan, len(answer.jobs))
        self._progress.accepted(answer.plan, proposal.draft.leans_on)
        failpoint("keeper_plan")
        if isinstance(request, Replan):
            # After the new plan is in: renders that both need become its own instead of being called off.
            self._progress.cancel_plan(request.plan)
        return answer

    def on_cancel_job(self, letter: Letter, request: CancelJob) -> Message:
        job = self._job(request.job)
        if job.state in ("complete", "cancelled"):
            raise ProtocolError(Code.WRONG_STATE, f"Job {job.id} is {job.state}; there is nothing to cancel.")
        return Changed(jobs=self._progress.cancel([job]))

    def on_retry_job(self, letter: Letter, request: RetryJob) -> Message:
        job = self._job(request.job)
        if job.state not in ("error", "cancelled") and not job.barred:
            raise ProtocolError(
                Code.WRONG_STATE,
                f"Job {job.id} is {job.state}; only jobs that failed, were cancelled or are no longer legal "
                "are retried.",
            )
        return Changed(jobs=self._progress.revive([job]))

    def on_cancel_plan(self, letter: Letter, request: CancelPlan) -> Message:
        self._plan(request.plan)
        changed = self._progress.cancel_plan(request.plan)
        log.info("plan %s was called off: %d jobs", request.plan, changed)
        return Changed(jobs=changed)

    def on_retry_plan(self, letter: Letter, request: RetryPlan) -> Message:
        self._plan(request.plan)
        return Changed(jobs=self._progress.revive(self._progress.failed_of(request.plan)))

    def on_retry_failed(self, letter: Letter, request: RetryFailed) -> Message:
        """Plan by plan: one whose ground was given away meanwhile must not keep the others from it."""
        changed, refusal = 0, None
        for _, jobs in groupby(self._store.queue.select(FAILED, order="plan_id, id"), lambda job: job.plan):
            try:
                changed += self._progress.revive(list(jobs))
            except ProtocolError as error:
                log.warning("not retried: %s", error.message)
                refusal = refusal or error
        if refusal is not None and not changed:
            raise refusal
        return Changed(jobs=changed)

    def on_clear_queue(self, letter: Letter, request: ClearQueue) -> Message:
        changed = self._progress.cancel(self._store.queue.select(f"status IN {LIVE}"))
        log.info("the queue was cleared: %d jobs called off", changed)
        return Changed(jobs=changed)

    def on_pause(self, letter: Letter, request: Pause) -> Message:
        return self._paused(True)

    def on_resume(self, letter: Letter, request: Resume) -> Message:
        return self._paused(False)

    def _paused(self, paused: bool) -> Message:
        if self._store.paused != paused:
            self._store.pause(paused)
            self._progress.paused(paused)
            log.info("no more jobs are handed out" if paused else "jobs are handed out again")
        return Changed(jobs=0)

    def _job(self, job_id: int) -> Job:
        job = self._store.queue.get(job_id)
        if job is None:
            raise ProtocolError(Code.UNKNOWN_JOB, f"There is no job {job_id}.")
        return job

    def _plan(self, plan_id: str) -> None:
        if self._store.plans.get(plan_id) is None:
            raise ProtocolError(Code.UNKNOWN_PLAN, f"There is no plan {plan_id}.")
