"""Adoption: late results and candidates put on the map by a person, where that leaves no seam."""

from collections.abc import Callable, Iterator

from protocol.errors import Code, ProtocolError
from protocol.event import LateChange
from protocol.order import Adopt, Deleted, DeleteOrphan, ListOrphans, Orphans, Reverted
from protocol.view import OrphanTile, OrphanView
from services.keeper import lifecycle
from services.keeper.ground import check_still_free
from services.keeper.history import History
from services.keeper.legality import AROUND
from services.keeper.lifecycle import Job
from services.keeper.orphans import Orphan
from services.keeper.progress import Progress, log, name
from services.keeper.proof import beside
from services.keeper.slices import PART, LongDeed
from services.keeper.store import Store
from services.tiling.region import bounding, named
from services.tiling.seam import Refusal, place


class Adoption:
    """Shows late results, adopts and deletes them, and adopts and deletes candidates."""

    def __init__(
        self, store: Store, history: History, progress: Progress, clock: Callable[[], float]
    ) -> None:
        self._store = store
        self._history = history
        self._progress = progress
        self._clock = clock

    def page(self, request: ListOrphans) -> Orphans:
        """A page of late results, each with whether it could be adopted now."""
        found = self._store.orphans.page(after=request.cursor, limit=request.limit + 1)
        more = len(found) > request.limit
        found = found[: request.limit]
        jobs = {job.id: job for job in self._store.queue.among({orphan.job for orphan in found})}
        return Orphans(
            orphans=[self._view(orphan, jobs.get(orphan.job)) for orphan in found],
            cursor=found[-1].id if more else 0,
            total=self._store.orphans.count(),
        )

    def adopting(self, request: Adopt) -> LongDeed:
        """Put a late result on the map as what its job made, once. A long deed."""
        orphan = self._get(request.orphan)
        if orphan.adopted:
            return Reverted(quadrants=0)
        job = self._adoptable(orphan, self._store.queue.get(orphan.job))
        for behind in self._behind(job):
            for other in behind:
                check_still_free(self._store, other.layer, other.infill, but=other.plan)
            yield
        # Again: while others came in between, the job may have been taken up, or the ground been drawn on.
        orphan = self._get(request.orphan)
        if orphan.adopted:
            return Reverted(quadrants=0)
        job = self._adoptable(orphan, self._store.queue.get(orphan.job))
        made = job._replace(
            token=orphan.token,
            attempt=orphan.attempt or job.attempt,
            worker=orphan.made.worker,
            lease_worker="",
        )
        asked = made._replace(
            model_id=orphan.model_id, prompt=orphan.prompt, negative_prompt=orphan.negative_prompt
        )
        refs = self._history.put(asked, orphan.tiles, orphan.made)
        self._store.orphans.adopt(orphan)
        self._progress.completed_late(lifecycle.complete(made, self._clock()), refs)
        what = "candidate" if orphan.candidate else "late result"
        log.info("%s: its %s %d was adopted", name(job), what, orphan.id)
        return Reverted(quadrants=len({(ref.x, ref.y) for ref in refs if ref.version}))

    def delete(self, request: DeleteOrphan) -> Deleted:
        """Forget a late result; it may be gone already."""
        orphan = self._store.orphans.get(request.orphan)
        if orphan is not None and not orphan.adopted:
            self._store.orphans.delete(orphan)
            job = self._store.queue.get(orphan.job)
            change = LateChange(job=orphan.job, plan=job.plan if job else "", state="deleted")
            self._store.events.append(change, self._clock())
        return Deleted()

    def _get(self, number: int) -> Orphan:
        orphan = self._store.orphans.get(number)
        if orphan is None:
            raise ProtocolError(Code.UNKNOWN_ORPHAN, f"There is no late result or candidate {number}.")
        return orphan

    def _adoptable(self, orphan: Orphan, job: Job | None) -> Job:
        """The job that the result would complete; raises what speaks against it."""
        if job is None:
            raise ProtocolError(Code.WRONG_STATE, f"Job {orphan.job} is no longer kept.")
        if job.state == "complete" and not (job.candidate and job.token == orphan.token):
            raise ProtocolError(Code.WRONG_STATE, f"Job {job.id} was completed by another try.")
        if job.state == "processing":
            raise ProtocolError(
                Code.WRONG_STATE, f"Job {job.id} is in the hands of {job.worker}; wait for it, or cancel it."
            )
        if job.state == "blocked" and not job.barred:
            raise ProtocolError(Code.WRONG_STATE, f"Job {job.id} waits for other jobs now.")
        if job.kind == "generate":
            self._check_fits(orphan, job)
            check_still_free(self._store, job.layer, job.infill, but=job.plan)
        return job

    def _check_fits(self, orphan: Orphan, job: Job) -> None:
        """Raise SEAM if the result would not match the map as it now is, in its own layer or what it read."""
        tiles = self._store.tiles
        x0, y0, x1, y1 = bounding(job.infill)
        around = (x0 - AROUND, y0 - AROUND, x1 + AROUND, y1 + AROUND)
        finished = tiles.finished(job.layer, *around, plan=job.plan)
        if job.candidate:
            # What another candidate of the comparison put there gives way.
            finished -= self._store.versions.standing_of(job.plan, job.layer, job.kept)
        legal = place(job.infill, finished)
        if isinstance(legal, Refusal):
            raise ProtocolError(Code.SEAM, legal.reason)
        # It was made for the neighbours as they were then: what came or changed since, it does not match.
        against = tiles.standing(job.layer, sorted(beside(job.infill)), job.plan)
        unseen = [(tile.x, tile.y) for tile in against if tile.version not in orphan.made.saw]
        if unseen:
            raise ProtocolError(
                Code.SEAM,
                f"It would leave a seam: it was made without seeing {named(unseen)} as the map is now.",
            )
        if job.input_layer not in ("", "render"):
            read = tiles.standing(job.input_layer, sorted(job.quadrants), job.plan)
            same = {(tile.x, tile.y) for tile in read if tile.version in orphan.made.saw}
            if changed := set(job.quadrants) - same:
                raise ProtocolError(
                    Code.SEAM,
                    f"It would not match what it was drawn from: {named(changed)} of {job.input_layer} has "
                    "changed since.",
                )

    def _behind(self, job: Job) -> Iterator[list[Job]]:
        """What would go on with the job though its plan had settled, and its ground was free for others."""
        plan = self._store.plans.get(job.plan)
        if plan is None or not plan.settled:
            return
        seen, frontier = {job.id}, [job.id]
        while frontier:
            part = frontier[-PART:]
            del frontier[-PART:]
            behind = self._store.dependencies.behind(part) - seen
            seen |= behind
            frontier += behind
            yield [other for other in self._store.queue.among(behind) if other.kind == "generate"]

    def why_not(self, orphan: Orphan, job: Job | None) -> str:
        """What speaks against putting it on the map now; empty if nothing does."""
        try:
            self._adoptable(orphan, job)
        except ProtocolError as error:
            return error.message[:8_000]
        return ""

    def _view(self, orphan: Orphan, job: Job | None) -> OrphanView:
        reason = self.why_not(orphan, job)
        return OrphanView(
            orphan=orphan.id,
            job=orphan.job,
            plan=job.plan if job else "",
            model_id=orphan.model_id,
            prompt=orphan.prompt,
            tiles=[OrphanTile(layer=t.layer, x=t.x, y=t.y, sha256=t.sha256) for t in orphan.tiles],
            worker=orphan.made.worker,
            seconds=orphan.made.seconds,
            attempt=orphan.attempt,
            received_at=orphan.received_at,
            adoptable=not reason,
            reason=reason,
        )
