"""Job views: jobs as people see them, with their place, what they wait for and how long that takes."""

from collections.abc import Callable, Sequence
from typing import Any

from protocol.control import Jobs, ListJobs
from protocol.errors import Code, ProtocolError
from protocol.view import JobView, Working
from services.keeper.lifecycle import Job
from services.keeper.prospects import Prospects
from services.keeper.store import Store

WORKING_LIMIT = 1_000


class JobViews:
    """Reads jobs for people; changes nothing."""

    def __init__(
        self, store: Store, clock: Callable[[], float], steady: Callable[[], float], prospects: Prospects
    ) -> None:
        self._store = store
        self._clock = clock
        self._steady = steady
        self._prospects = prospects

    def one(self, job_id: int) -> JobView:
        """One job; raises UNKNOWN_JOB."""
        job = self._store.queue.get(job_id)
        if job is None:
            raise ProtocolError(Code.UNKNOWN_JOB, f"There is no job {job_id}.")
        return self.views([job])[0]

    def page(self, request: ListJobs) -> Jobs:
        """A page of jobs."""
        listing, cursor, limit = self._store.listing, request.cursor, request.limit
        if request.turn:
            page = listing.line(request, cursor=cursor, limit=limit)
        else:
            page = listing.page(request, cursor=cursor, limit=limit, newest=request.newest)
        return Jobs(jobs=self.views(page.jobs), cursor=page.cursor, total=page.total, at_least=page.at_least)

    def working(self) -> list[Working]:
        """What is in workers' hands, the longest first."""
        now = self._clock()
        found = self._store.queue.select(
            "status = 'processing'", order=f"started_at, id LIMIT {WORKING_LIMIT}"
        )
        return [
            Working(
                job=job.id,
                kind=job.kind,
                plan=job.plan,
                model_id=job.model_id,
                quadrants=list(job.quadrants),
                worker=job.worker,
                attempt=job.attempt,
                age_seconds=max(0.0, now - job.started_at),
                doing=job.doing,
            )
            for job in found
        ]

    def views(self, jobs: Sequence[Job], *, on_map: bool = False) -> list[JobView]:
        """Jobs as people see them; on maps, where there may be thousands, without what each waits for."""
        places = self._store.backlog.positions([job for job in jobs if job.state == "pending"])
        blocked = [job.id for job in jobs if job.state == "blocked"]
        held = self._store.dependencies.held_among(blocked) if blocked else set()
        holders = {} if on_map else self._store.dependencies.holders(held)
        paused = self._prospects.paused(jobs)
        left = {} if on_map else self._prospects.jobs_left(jobs, paused, set(holders))
        return [
            _built(
                job=job.id,
                plan=job.plan,
                step=job.step,
                kind=job.kind,
                state=job.state,
                model_id=job.model_id,
                prompt=job.prompt,
                negative_prompt=job.negative_prompt,
                seed=job.seed,
                candidate=job.candidate,
                layer=job.layer,
                quadrants=list(job.quadrants),
                padding=list(job.padding),
                scaffold=list(job.scaffold),
                lane=job.lane,
                priority=job.priority,
                attempt=job.attempt,
                max_attempts=job.max_attempts,
                deaths=job.deaths,
                worker=job.worker,
                doing=job.doing,
                reason=job.reason[:8_000],
                error_class=job.error_class,
                paused=job.id in paused,
                seconds_left=left.get(job.id),
                created_at=job.created_at,
                started_at=job.started_at,
                finished_at=job.finished_at,
                retry_at=self._retry_at(job),
                position=places.get(job.id, 0),
                held_by=holders.get(job.id, 0),
                held=job.id in held,
                calls=job.calls,
                cost=max(0.0, job.cost),
            )
            for job in jobs
        ]

    def _retry_at(self, job: Job) -> float:
        """On the wall's clock: when a job that was tried is tried again."""
        wait = job.not_before - self._steady()
        return self._clock() + wait if job.state == "pending" and wait > 0 else 0.0


_SET = set(JobView.model_fields)


def _built(**values: Any) -> JobView:
    """A view of a job as it lies in the table: looked through once more, a page takes half as long again."""
    view = JobView.__new__(JobView)
    # As model_construct does it, which takes longer than to validate.
    for name, value in (
        ("__dict__", values),
        ("__pydantic_fields_set__", _SET),
        ("__pydantic_extra__", None),
        ("__pydantic_private__", None),
    ):
        object.__setattr__(view, name, value)
    return view
