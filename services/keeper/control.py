"""The control and ingest sockets: what people and their programs ask of the keeper."""

from collections.abc import Callable, Mapping
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
from protocol.ingest import Accepted, Publish
from protocol.message import Message
from services.actor import Letter
from services.keeper.lifecycle import Job
from services.keeper.planner import Planner
from services.keeper.progress import Progress, log
from services.keeper.queue import LIVE
from services.keeper.store import Store
from services.keeper.views import Views

Handler = Callable[[Letter, Any], Message | None]


class Control:
    """Answers requests that make, change or show plans and jobs."""

    def __init__(self, store: Store, planner: Planner, progress: Progress, views: Views) -> None:
        self._store = store
        self._planner = planner
        self._progress = progress
        self.ingest: Mapping[type[Message], Handler] = {Publish: self.on_publish}
        self.control: Mapping[type[Message], Handler] = {
            Publish: self.on_publish,
            Render: lambda _, request: self._accepted(planner.render(request)),
            Generate: lambda _, request: self._accepted(planner.generate(request)),
            Fill: self.on_fill,
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

    def on_publish(self, letter: Letter, publish: Publish) -> Message:
        return self._accepted(self._planner.publish(publish.plan))

    def on_fill(self, letter: Letter, fill: Fill) -> Message:
        answer = self._planner.fill(fill)
        return self._accepted(answer) if isinstance(answer, Accepted) else answer

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
            log.info("no more jobs are handed out" if paused else "jobs are handed out again")
        return Changed(jobs=0)

    def _accepted(self, answer: Accepted) -> Accepted:
        if not answer.duplicate:
            log.info("plan %s accepted with %d jobs", answer.plan, len(answer.jobs))
            self._progress.accepted(answer.plan)
        return answer

    def _job(self, job_id: int) -> Job:
        job = self._store.queue.get(job_id)
        if job is None:
            raise ProtocolError(Code.UNKNOWN_JOB, f"There is no job {job_id}.")
        return job

    def _plan(self, plan_id: str) -> None:
        if self._store.plans.get(plan_id) is None:
            raise ProtocolError(Code.UNKNOWN_PLAN, f"There is no plan {plan_id}.")
