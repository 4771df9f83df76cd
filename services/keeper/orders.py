"""Orders: what people tell the keeper to do with the jobs that it has."""

from itertools import groupby

from protocol.control import (
    CancelJob,
    CancelPlan,
    Changed,
    ClearQueue,
    Pause,
    Resume,
    RetryFailed,
    RetryJob,
    RetryPlan,
)
from protocol.errors import Code, ProtocolError
from protocol.message import Message
from services.actor import Letter
from services.keeper.lifecycle import Job
from services.keeper.progress import FAILED, Progress, log
from services.keeper.queue import LIVE
from services.keeper.store import Store


class Orders:
    """Answers requests that change jobs."""

    def __init__(self, store: Store, progress: Progress) -> None:
        self._store = store
        self._progress = progress

    def cancel_job(self, letter: Letter, request: CancelJob) -> Message:
        job = self._job(request.job)
        if job.state in ("complete", "cancelled"):
            raise ProtocolError(Code.WRONG_STATE, f"Job {job.id} is {job.state}; there is nothing to cancel.")
        return Changed(jobs=self._progress.cancel([job]))

    def retry_job(self, letter: Letter, request: RetryJob) -> Message:
        job = self._job(request.job)
        if job.state not in ("error", "cancelled") and not job.barred:
            raise ProtocolError(
                Code.WRONG_STATE,
                f"Job {job.id} is {job.state}; only jobs that failed, were cancelled or are no longer legal "
                "are retried.",
            )
        return Changed(jobs=self._progress.revive([job]))

    def cancel_plan(self, letter: Letter, request: CancelPlan) -> Message:
        self._plan(request.plan)
        changed = self._progress.cancel_plan(request.plan)
        log.info("plan %s was called off: %d jobs", request.plan, changed)
        return Changed(jobs=changed)

    def retry_plan(self, letter: Letter, request: RetryPlan) -> Message:
        self._plan(request.plan)
        return Changed(jobs=self._progress.revive(self._progress.failed_of(request.plan)))

    def retry_failed(self, letter: Letter, request: RetryFailed) -> Message:
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

    def clear_queue(self, letter: Letter, request: ClearQueue) -> Message:
        changed = self._progress.cancel(self._store.queue.select(f"status IN {LIVE}"))
        log.info("the queue was cleared: %d jobs called off", changed)
        return Changed(jobs=changed)

    def pause(self, letter: Letter, request: Pause) -> Message:
        return self._paused(True)

    def resume(self, letter: Letter, request: Resume) -> Message:
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
