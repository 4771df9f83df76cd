"""What people and their programs see of the store: figures, the map, the history of a quadrant."""

from collections.abc import Callable, Sequence

from protocol.control import (
    GetMap,
    GetQuadrant,
    MapView,
    Quadrant,
    Status,
)
from protocol.errors import Code, ProtocolError
from protocol.event import JobChange, TileRef
from protocol.message import Layer
from protocol.view import DraftView, JobView
from services.keeper.jobviews import JobViews
from services.keeper.lifecycle import Job
from services.keeper.planviews import PlanViews
from services.keeper.prospects import Prospects
from services.keeper.provenance import versions_of
from services.keeper.store import Store
from services.keeper.tallies import STATES

TILE_LIMIT, JOB_WEIGHT = 3_300, 12
"""What one answer for the map holds: so many tiles, a job counting as some. It is made in one go."""
RATE_SECONDS = 60.0


def job_change(job: Job, tiles: list[TileRef] | None = None) -> JobChange:
    """The event that tells what a job has come to."""
    return JobChange(
        job=job.id,
        plan=job.plan,
        job_kind=job.kind,
        state=job.state,
        model_id=job.model_id,
        layer=job.layer,
        quadrants=list(job.quadrants),
        attempt=job.attempt,
        reason=job.reason[:8_000],
        tiles=tiles or [],
    )


class Views:
    """Answers that read the store and change nothing."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], float],
        steady: Callable[[], float],
        prospects: Prospects,
        drafts: Callable[[], list[DraftView]],
    ) -> None:
        self._store = store
        self._clock = clock
        self._prospects = prospects
        self._drafts = drafts
        self._jobs = JobViews(store, clock, steady, prospects)
        self._plans = PlanViews(store, prospects)
        self.job = self._jobs.one
        self.jobs = self._jobs.page
        self.plans = self._plans.page

    def status(self) -> Status:
        """The queue in figures."""
        now = self._clock()
        store = self._store
        counts = dict.fromkeys(STATES, 0)
        by_model: dict[str, dict[str, int]] = {}
        for state, model_id, count in store.tallies.queue():
            counts[state] += count
            if model_id:
                by_model.setdefault(model_id, dict.fromkeys(STATES, 0))[state] = count
        return Status.model_validate(
            {
                "counts": counts,
                "by_model": by_model,
                "working": self._jobs.working(),
                "quadrants": store.tallies.tiles("generation"),
                "renders": store.tallies.tiles("render"),
                "layers": store.tallies.layers(),
                "per_minute": float(store.paces.committed(now - RATE_SECONDS, now)),
                "last_event": store.events.last(),
                "paused": store.paused,
                "models": self._prospects.models(),
                "orphans": store.orphans.count(),
                "candidates": store.orphans.count(candidates=True),
                "drafts": self._drafts(),
            }
        )

    def map(self, request: GetMap) -> MapView:
        """What stands and what is under way in a rectangle."""
        store = self._store
        ax, ay, bx, by = request.bounds
        box = (min(ax, bx), min(ay, by), max(ax, bx), max(ay, by))
        tiles = store.tiles.within(*box, layers=request.layers, limit=TILE_LIMIT)
        if tiles is None:
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
        room = (TILE_LIMIT - len(tiles)) // JOB_WEIGHT
        jobs = self._jobs_within(box, request.layers, room) if request.jobs else []
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
        jobs = self._store.whereabouts.touching(request.x, request.y, limit=1_000)
        return Quadrant(x=request.x, y=request.y, versions=versions, jobs=self._jobs.views(jobs))

    def _jobs_within(
        self, box: tuple[int, int, int, int], layers: Sequence[Layer] | None, limit: int
    ) -> list[JobView]:
        found = self._store.whereabouts.within(*box, layers=layers, limit=limit)
        if found is None:
            raise ProtocolError(
                Code.TOO_LARGE,
                f"More than {limit} jobs are under way or failed in this rectangle, or very many ever were; "
                "ask for a smaller one, or without jobs.",
            )
        return self._jobs.views(found, on_map=True)
