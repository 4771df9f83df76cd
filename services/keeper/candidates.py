"""The candidates of comparisons as people see them: pictures to choose from, and jobs to make them."""

from protocol.order import Candidates, ListCandidates
from protocol.view import CandidateView, OrphanTile
from services.keeper.adoption import Adoption
from services.keeper.lifecycle import Job
from services.keeper.orphans import Orphan
from services.keeper.store import Store


class CandidateViews:
    """Reads candidates for people; changes nothing."""

    def __init__(self, store: Store, adoption: Adoption) -> None:
        self._store = store
        self._why_not = adoption.why_not

    def page(self, request: ListCandidates) -> Candidates:
        """A page of candidates; those that were called off or deleted are none any more."""
        jobs = self._store.queue.candidates(request.plan, after=request.cursor, limit=request.limit + 1)
        more = len(jobs) > request.limit
        jobs = jobs[: request.limit]
        made = self._store.orphans.candidates([job.id for job in jobs])
        found: list[CandidateView] = []
        for job in jobs:
            if job.id in made:
                found += [self._view(job, orphan) for orphan in made[job.id]]
            if job.state not in ("complete", "cancelled"):
                found.append(_coming(job))
        return Candidates(candidates=found, cursor=jobs[-1].id if more else 0)

    def _view(self, job: Job, orphan: Orphan) -> CandidateView:
        """A picture that is here."""
        why_not = "" if orphan.adopted else self._why_not(orphan, job)
        return _coming(job).model_copy(
            update={
                "model_id": orphan.model_id,
                "prompt": orphan.prompt,
                "negative_prompt": orphan.negative_prompt,
                "seed": job.seed if orphan.made.seed is None else orphan.made.seed,
                "state": "complete",
                "doing": "",
                "orphan": orphan.id,
                "tiles": [OrphanTile(layer=t.layer, x=t.x, y=t.y, sha256=t.sha256) for t in orphan.tiles],
                "template": orphan.made.template,
                "worker": orphan.made.worker,
                "seconds": orphan.made.seconds,
                "cost": orphan.made.cost,
                "seam": max((one.score for one in orphan.made.seams), default=None),
                "flagged": any(one.flagged for one in orphan.made.seams),
                "received_at": orphan.received_at,
                "adopted": orphan.adopted,
                "adoptable": not orphan.adopted and not why_not,
                "reason": why_not,
            }
        )


def _coming(job: Job) -> CandidateView:
    """A job that is to make one, or that failed to."""
    return CandidateView(
        job=job.id,
        plan=job.plan,
        quadrants=list(job.quadrants),
        padding=list(job.padding),
        model_id=job.model_id,
        prompt=job.prompt,
        negative_prompt=job.negative_prompt,
        seed=job.seed,
        state=job.state,
        doing=job.doing,
        worker=job.worker,
        reason=job.reason[:8_000],
    )
