"""What people and their programs see of the store: figures, jobs, plans, the map."""

from collections.abc import Callable

from protocol.control import (
    GetMap,
    GetQuadrant,
    Jobs,
    ListJobs,
    ListPlans,
    MapView,
    Plans,
    Quadrant,
    Status,
)
from protocol.errors import Code, ProtocolError
from protocol.event import JobChange, TileRef
from protocol.view import JobView, PlanView, Working
from services.keeper.lifecycle import Job
from services.keeper.plans import PlanRow
from services.keeper.provenance import versions_of
from services.keeper.store import Store

STATES = ("blocked", "pending", "processing", "complete", "error", "cancelled")
TILE_LIMIT = 100_000
MAP_JOB_LIMIT = 10_000
RATE_SECONDS = 60.0


def job_change(job: Job, tiles: list[TileRef] | None = None) -> JobChange:
    """The event that tells what a job has come to."""
    return JobChange(
        job=job.id,
        plan=job.plan,
        job_kind=job.kind,
        state=job.state,
        model_id=job.model_id,
        quadrants=list(job.quadrants),
        attempt=job.attempt,
        reason=job.reason[:8_000],
        tiles=tiles or [],
    )


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


class Views:
    """Answers that read the store and change nothing."""

    def __init__(self, store: Store, clock: Callable[[], float], steady: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._steady = steady

    def status(self) -> Status:
        """The queue in figures."""
        now = self._clock()
        store = self._store
        counts = dict.fromkeys(STATES, 0)
        by_model: dict[str, dict[str, int]] = {}
        for state, model_id, count in store.queue.counts():
            counts[state] += count
            if model_id:
                by_model.setdefault(model_id, dict.fromkeys(STATES, 0))[state] = count
        working = [
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
            for job in store.queue.select("status = 'processing'", order="started_at, id LIMIT 1000")
        ]
        return Status.model_validate(
            {
                "counts": counts,
                "by_model": by_model,
                "working": working,
                "quadrants": store.tiles.count("generation"),
                "renders": store.tiles.count("render"),
                "per_minute": float(store.tiles.committed_since(now - RATE_SECONDS)),
                "last_event": store.events.last(),
            }
        )

    def job(self, job_id: int) -> JobView:
        """One job; raises UNKNOWN_JOB."""
        job = self._store.queue.get(job_id)
        if job is None:
            raise ProtocolError(Code.UNKNOWN_JOB, f"There is no job {job_id}.")
        return self._job_views([job])[0]

    def jobs(self, request: ListJobs) -> Jobs:
        """A page of jobs."""
        found, total = self._store.queue.page(
            states=request.states,
            model_id=request.model_id,
            plan=request.plan,
            kind=request.kind,
            held=request.held,
            cursor=request.cursor,
            limit=request.limit + 1,
        )
        more = len(found) > request.limit
        found = found[: request.limit]
        return Jobs(jobs=self._job_views(found), cursor=found[-1].id if more else 0, total=total)

    def plans(self, request: ListPlans) -> Plans:
        """The newest plans and how far they are."""
        return Plans(plans=[self._plan_view(plan) for plan in self._store.plans.newest(request.limit)])

    def map(self, request: GetMap) -> MapView:
        """What stands and what is under way in a rectangle."""
        store = self._store
        ax, ay, bx, by = request.bounds
        box = (min(ax, bx), min(ay, by), max(ax, bx), max(ay, by))
        tiles = store.tiles.within(*box, limit=TILE_LIMIT + 1)
        if len(tiles) > TILE_LIMIT:
            raise ProtocolError(
                Code.TOO_LARGE,
                f"More than {TILE_LIMIT} tiles stand in this rectangle; ask for a smaller one.",
            )
        bounds = [b for b in (store.tiles.bounds(), store.plans.open_bounds()) if b is not None]
        extent = None
        if bounds:
            extent = (
                min(b[0] for b in bounds),
                min(b[1] for b in bounds),
                max(b[2] for b in bounds),
                max(b[3] for b in bounds),
            )
        jobs = self._jobs_within(box) if request.jobs else []
        return MapView(
            last=store.events.last(),
            tiles=tiles,
            jobs=jobs,
            extent=extent,
            paused=store.paused,
        )

    def quadrant(self, request: GetQuadrant) -> Quadrant:
        """The history of one quadrant."""
        versions = versions_of(self._store, request.x, request.y)
        jobs = self._store.queue.touching(request.x, request.y, limit=1_000)
        return Quadrant(x=request.x, y=request.y, versions=versions, jobs=self._job_views(jobs))

    def _jobs_within(self, box: tuple[int, int, int, int]) -> list[JobView]:
        if self._store.queue.crowded(*box, limit=MAP_JOB_LIMIT):
            raise ProtocolError(
                Code.TOO_LARGE,
                f"More than {MAP_JOB_LIMIT} jobs are under way or failed in this rectangle; "
                "ask for a smaller one, or without jobs.",
            )
        return self._job_views(self._store.queue.within(*box), on_map=True)

    def _job_views(self, jobs: list[Job], *, on_map: bool = False) -> list[JobView]:
        places = self._store.queue.positions([job for job in jobs if job.state == "pending"])
        blocked = [job.id for job in jobs if job.state == "blocked" and not on_map]
        holders = self._store.dependencies.holders(blocked) if blocked else {}
        return [
            JobView(
                job=job.id,
                plan=job.plan,
                step=job.step,
                kind=job.kind,
                state=job.state,
                model_id=job.model_id,
                prompt=job.prompt,
                negative_prompt=job.negative_prompt,
                quadrants=list(job.quadrants),
                padding=list(job.padding),
                scaffold=list(job.scaffold),
                lane=job.lane,
                attempt=job.attempt,
                max_attempts=job.max_attempts,
                worker=job.worker,
                doing=job.doing,
                reason=job.reason[:8_000],
                created_at=job.created_at,
                started_at=job.started_at,
                finished_at=job.finished_at,
                retry_at=self._retry_at(job),
                position=places.get(job.id, 0),
                held_by=holders.get(job.id, 0),
            )
            for job in jobs
        ]

    def _retry_at(self, job: Job) -> float:
        """On the wall's clock: when a job that was tried is tried again."""
        wait = job.not_before - self._steady()
        return self._clock() + wait if job.state == "pending" and wait > 0 else 0.0

    def _plan_view(self, plan: PlanRow) -> PlanView:
        counts = {**dict.fromkeys(STATES, 0), **self._store.plans.counts(plan.id)}
        done, started = self._store.plans.progress(plan.id)
        left = plan.quadrants_total - done
        seconds_left = None
        if not plan.settled and done and left > 0:
            # The plan's own rate so far, since models differ a hundredfold.
            seconds_left = max(0.0, self._clock() - started) / done * left
        stuck = plan.settled and bool(counts["error"] or counts["blocked"])
        held = self._store.dependencies.held_in(plan.id)
        return PlanView.model_validate(
            {
                "plan": plan.id,
                "name": plan.name,
                "model_id": plan.model_id,
                "created_at": plan.created_at,
                "settled": plan.settled,
                "counts": counts,
                "quadrants_total": plan.quadrants_total,
                "quadrants_done": done,
                "seconds_left": seconds_left,
                "failed": counts["error"],
                "held": held,
                "stuck": stuck,
                "reason": self._why_stuck(plan, held) if stuck else "",
            }
        )

    def _why_stuck(self, plan: PlanRow, held: int) -> str:
        """What holds a plan up, the first of it by name, and the ways out."""
        facts = []
        for what, state in (
            ("failed", "status = 'error'"),
            ("is no longer legal", "status = 'blocked' AND error_class = 'seam'"),
        ):
            found = self._store.queue.select(f"plan_id = ? AND {state}", (plan.id,), order="id LIMIT 1")
            facts += [f"Job {job.id} {what}: {_sentence(job.reason)}" for job in found]
        if not facts:
            facts.append("It waits for jobs that failed or were called off.")
        if held:
            facts.append(f"{held} step{'s are' if held > 1 else ' is'} held by that.")
        return " ".join([*facts, "Retry and resume, or plan the rest anew."])[:8_000]
