"""Orders: what people tell the keeper to do with the jobs that it has."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

from protocol.control import (
    CancelJob,
    CancelPlan,
    Changed,
    ClearQueue,
    RetryFailed,
    RetryJob,
    RetryPlan,
)
from protocol.errors import Code, ProtocolError
from protocol.message import JobState, Message
from protocol.order import CancelWhere, RetryWhere, Where
from services.actor import Letter
from services.keeper.lifecycle import Job
from services.keeper.progress import FAILED, Progress, log
from services.keeper.queue import LIVE
from services.keeper.slices import PART, LongDeed
from services.keeper.store import Store
from services.keeper.underway import UnderWay

UNFINISHED: tuple[JobState, ...] = ("blocked", "pending", "processing")


class Orders:
    """Answers requests that change jobs.

    `call_off` forgets a plan that is not accepted yet, if there is one of that id; `cut` lets no more jobs of
    an accepted one into the queue; `at_length` begins what may take more than one transaction.
    """

    def __init__(
        self,
        store: Store,
        progress: Progress,
        under_way: UnderWay,
        call_off: Callable[[str], bool],
        cut: Callable[[str], None],
        at_length: Callable[[Letter, LongDeed], Message | None],
    ) -> None:
        self._store = store
        self._progress = progress
        self._under_way = under_way
        self._call_off = call_off
        self._cut = cut
        self._at_length = at_length

    def cancel_job(self, letter: Letter, request: CancelJob) -> Message:
        job = self._job(request.job)
        if job.state in ("complete", "cancelled"):
            raise ProtocolError(Code.WRONG_STATE, f"Job {job.id} is {job.state}; there is nothing to cancel.")
        return Changed(jobs=self._progress.cancel([job]))

    def retry_job(self, letter: Letter, request: RetryJob) -> Message | None:
        job = self._job(request.job)
        if job.state not in ("error", "cancelled") and not job.barred:
            raise ProtocolError(
                Code.WRONG_STATE,
                f"Job {job.id} is {job.state}; only jobs that failed, were cancelled or are no longer legal "
                "are retried.",
            )
        return self._at_length(letter, self._changing(self._progress.reviving([job.id])))

    def cancel_plan(self, letter: Letter, request: CancelPlan) -> Message | None:
        if self._store.plans.get(request.plan) is None and self._call_off(request.plan):
            log.info("plan %s was called off before it was accepted", request.plan)
            return Changed(jobs=0)
        self._plan(request.plan)
        self._cut(request.plan)
        deed = self._changing(self._progress.cancelling_plan(request.plan), f"plan {request.plan} called off")
        return self._at_length(letter, deed)

    def retry_plan(self, letter: Letter, request: RetryPlan) -> Message | None:
        self._plan(request.plan)
        self._under_way.check_plan(request.plan)
        return self._at_length(letter, self._retrying_plan(request.plan))

    def _retrying_plan(self, plan_id: str) -> LongDeed:
        failed = yield from self._progress.failed_of(plan_id)
        return Changed(jobs=(yield from self._progress.reviving(failed)))

    def retry_failed(self, letter: Letter, request: RetryFailed) -> Message | None:
        return self._at_length(letter, self._retrying_failed())

    def _retrying_failed(self) -> LongDeed:
        return (yield from self._retrying(self._store.queue.ids_by_plan(FAILED)))

    def _retrying(self, by_plan: Iterable[Sequence[int]]) -> LongDeed:
        """Plan by plan: one whose ground was given away meanwhile must not keep the others from it."""
        changed, refusal = 0, None
        for jobs in by_plan:
            try:
                changed += yield from self._progress.reviving(jobs)
            except ProtocolError as error:
                log.warning("not retried: %s", error.message)
                refusal = refusal or error
        if refusal is not None and not changed:
            raise refusal
        return Changed(jobs=changed)

    def cancel_where(self, letter: Letter, request: CancelWhere) -> Message | None:
        if request.plan is None:
            self._under_way.check_none()
        else:
            self._under_way.check_plan(request.plan)
        return self._at_length(letter, self._cancelling_where(request))

    def _cancelling_where(self, where: CancelWhere) -> LongDeed:
        """Failed jobs only if they are named, by their state or by their class: they have ended."""
        named: Sequence[JobState] = where.states or (*UNFINISHED, *(("error",) if where.error_class else ()))
        wanted = [state for state in named if state in (*UNFINISHED, "error")]
        changed = 0
        for page in self._pages(where, wanted):
            changed += self._progress.cancel(page)
            yield
        log.info("%d jobs were called off by what they are", changed)
        return Changed(jobs=changed)

    def retry_where(self, letter: Letter, request: RetryWhere) -> Message | None:
        return self._at_length(letter, self._retrying_where(request))

    def _retrying_where(self, where: RetryWhere) -> LongDeed:
        """What was called off only if that state is named: somebody wanted it so."""
        named: Sequence[JobState] = where.states or ("error", "blocked")
        wanted = [state for state in named if state in ("error", "blocked", "cancelled")]
        by_plan: dict[str, list[int]] = {}
        for page in self._pages(where, wanted):
            for job in page:
                if job.state != "blocked" or job.barred:
                    by_plan.setdefault(job.plan, []).append(job.id)
            yield
        return (yield from self._retrying(by_plan.values()))

    def _pages(self, where: Where, states: Sequence[JobState]) -> Iterator[list[Job]]:
        """The jobs meant in these states, the last first, as many at a time as one slice may change."""
        meant = where.model_copy(update={"states": states})
        cursor, more = 0, bool(states)
        while more:
            page = self._store.listing.page(meant, cursor=cursor, limit=PART, newest=True)
            yield page.jobs
            cursor, more = page.cursor, bool(page.cursor)

    def clear_queue(self, letter: Letter, request: ClearQueue) -> Message | None:
        self._under_way.check_none()
        deed = self._progress.cancelling(f"status IN {LIVE}")
        return self._at_length(letter, self._changing(deed, "the queue was cleared"))

    def _changing(self, deed: Generator[None, None, int], what: str = "") -> LongDeed:
        changed = yield from deed
        if what:
            log.info("%s: %d jobs", what, changed)
        return Changed(jobs=changed)

    def _job(self, job_id: int) -> Job:
        job = self._store.queue.get(job_id)
        if job is None:
            raise ProtocolError(Code.UNKNOWN_JOB, f"There is no job {job_id}.")
        return job

    def _plan(self, plan_id: str) -> None:
        if self._store.plans.get(plan_id) is None:
            raise ProtocolError(Code.UNKNOWN_PLAN, f"There is no plan {plan_id}.")
