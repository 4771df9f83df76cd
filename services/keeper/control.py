"""The control and ingest sockets: what people and their programs ask of the keeper."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Executor
from functools import partial
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
from services.keeper.ground import Ground
from services.keeper.lifecycle import Job
from services.keeper.planner import Planner, Proposal, Request, size
from services.keeper.progress import Progress, log
from services.keeper.queue import LIVE
from services.keeper.store import Store
from services.keeper.views import Views

Handler = Callable[[Letter, Any], Message | None]
Deed = Callable[[], Message | None]
SMALL_STEPS = 200
"""Plans up to this size are drawn up at once; larger ones would hold everybody else up."""


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
        ground = self._planner.survey(request)
        if size(request) > SMALL_STEPS:
            # Sent again while it is being drawn up, it is answered once, when that is done.
            if letter.envelope.id not in self._drawing_up:
                self._drawing_up.add(letter.envelope.id)
                self._start(self._propose_aside(letter, request, ground))
            return None
        return self._answer(request, self._planner.propose(request, ground))

    async def _propose_aside(self, letter: Letter, request: Request, ground: Ground) -> None:
        """Draw a large plan up in a thread, then let it join the next transaction."""
        loop = asyncio.get_running_loop()
        try:
            proposal = await loop.run_in_executor(self._pool, self._planner.propose, request, ground)
        except ProtocolError as error:
            letter.refuse(error)
            return
        finally:
            self._drawing_up.discard(letter.envelope.id)
        self._later(letter, partial(self._accept_if_still_true, letter, request, ground, proposal))

    def _accept_if_still_true(
        self, letter: Letter, request: Request, ground: Ground, proposal: Proposal
    ) -> Message | None:
        """Accept what was drawn up, unless the ground has changed meanwhile: then draw it up again."""
        if (before := self._planner.before(request)) is not None:
            return before
        now = self._planner.survey(request)
        if now != ground:
            self._start(self._propose_aside(letter, request, now))
            return None
        return self._answer(request, proposal)

    def _answer(self, request: Request, proposal: Proposal) -> Message:
        if isinstance(request, Fill) and request.dry_run:
            return self._planner.planned(proposal)
        answer = self._planner.accept(proposal)
        log.info("plan %s accepted with %d jobs", answer.plan, len(answer.jobs))
        self._progress.accepted(answer.plan)
        return answer

    def on_cancel_job(self, letter: Letter, request: CancelJob) -> Message:
        job = self._job(request.job)
        if job.state in ("complete", "cancelled"):
            raise ProtocolError(Code.WRONG_STATE, f"Job {job.id} is {job.state}; there is nothing to cancel.")
        return Changed(jobs=self._progress.cancel([job]))

    def on_retry_job(self, letter: Letter, request: RetryJob) -> Message:
        job = self._job(request.job)
        if job.state not in ("error", "cancelled"):
            raise ProtocolError(
                Code.WRONG_STATE, f"Job {job.id} is {job.state}; only failed or cancelled jobs are retried."
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
        return Changed(jobs=self._progress.revive(self._store.queue.select("status = 'error'")))

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
