"""What the change of one job means for the others: dependants released, plans settled, scaffold dropped."""

import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

from protocol.errors import Code, ProtocolError
from protocol.event import PlanChange, QueueChange, TileRef
from services.keeper import legality, lifecycle
from services.keeper.ground import check_still_free
from services.keeper.lifecycle import Job
from services.keeper.store import Store
from services.keeper.views import job_change
from services.tiling.seam import Refusal

FAILED = "(status = 'error' OR (status = 'blocked' AND error_class = 'seam'))"
"""What a retry of the failed jobs takes up."""

log = logging.getLogger("keeper")


class Progress:
    """Writes down every change of a job, with its event and its consequences."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._touched: set[str] = set()
        self._stopped: set[int] = set()

    def note(self, job: Job, tiles: list[TileRef] | None = None) -> None:
        """Save what a job has come to and tell it; what waited for it alone is released."""
        self._store.queue.save(job)
        self._store.events.append(job_change(job, tiles), self._clock())
        self._touched.add(job.plan)
        if job.state == "complete":
            for waiting in self._store.dependencies.releasable(job.id):
                self.note(replace(waiting, state="pending"))
        elif job.state in ("error", "cancelled") or job.barred:
            self._stopped.add(job.id)
        if job.state == "error":
            log.warning("%s: %s; what needs it is held until it is retried", name(job), job.reason)
        elif job.barred:
            log.warning("%s: no longer legal: %s; retry it or plan it anew", name(job), job.reason)

    def accepted(self, plan_id: str, leans_on: Collection[int]) -> None:
        """A plan came in; one whose work others already do has settled at once.

        `leans_on` are jobs of other plans, which may have ended while it was drawn up.
        """
        self._touched.add(plan_id)
        for needed in self._store.queue.complete_of(leans_on):
            for waiting in self._store.dependencies.releasable(needed):
                self.note(replace(waiting, state="pending"))
        self._store.dependencies.hold(leans_on)

    def paused(self, paused: bool) -> None:
        """A person has stopped the handing out of jobs, or lets it go on."""
        self._store.events.append(QueueChange(paused=paused), self._clock())

    def cancel(self, jobs: Iterable[Job]) -> int:
        """Call jobs off, however far they are; how many."""
        now = self._clock()
        count = 0
        for job in jobs:
            self.note(lifecycle.cancel(job, now))
            count += 1
        return count

    def cancel_plan(self, plan_id: str) -> int:
        """Call a plan off, except for renders and the palette if another plan waits for them."""
        jobs = self._store.queue.select(
            "plan_id = ? AND status IN ('blocked', 'pending', 'processing', 'error')", (plan_id,)
        )
        shared = [job for job in jobs if job.kind != "generate" and job.state != "error"]
        # The palette goes first: once it is another plan's, so are the renders that it waits for.
        heirs: dict[int, str] = {}
        for job in sorted(shared, key=lambda job: job.kind != "palette"):
            if (heir := self._store.dependencies.heir(job)) is not None:
                heirs[job.id] = heir
                self._store.queue.save(replace(job, plan=heir))
                self._touched.add(heir)
        self._touched.add(plan_id)
        return self.cancel(job for job in jobs if job.id not in heirs)

    def revive(self, jobs: list[Job]) -> int:
        """Try jobs again from the first attempt; how many it changed. Raises CONFLICT if ground is taken.

        One that the map does not allow any more is blocked with the reason, or stays so.
        """
        held = self._store.dependencies.held_by(job.id for job in jobs)
        for job in (*jobs, *held):
            plan = self._store.plans.get(job.plan)
            if job.kind == "generate" and plan is not None and plan.settled:
                check_still_free(self._store, job.infill, but=job.plan)
        changed = [self._revived(job) for job in jobs].count(True)
        self._touched |= self._store.dependencies.let_go(job.id for job in jobs)
        return changed

    def _revived(self, job: Job) -> bool:
        """Let one job live again if it may; whether that changed it."""
        waits = bool(self._store.dependencies.needs(job.id))
        after = lifecycle.revive(job, blocked=waits)
        if not waits and isinstance(place := legality.look(self._store, job), Refusal):
            after = lifecycle.bar(job, place.reason)
        if after == job:
            return False
        self.note(after)
        return (after.state, after.barred) != (job.state, job.barred)

    def look_again(self, plan_id: str) -> None:
        """Block the plan's pending steps that are no longer legal, without waiting for a worker to ask."""
        for job in self._store.queue.select(
            "plan_id = ? AND status = 'pending' AND kind = 'generate'", (plan_id,)
        ):
            if isinstance(place := legality.look(self._store, job), Refusal):
                self.note(lifecycle.bar(job, place.reason))
        self._hold()

    def failed_of(self, plan_id: str) -> list[Job]:
        """The plan's failed and barred jobs, and the dead jobs of others that its own still wait for."""
        queue = self._store.queue
        found = {job.id: job for job in queue.select(f"plan_id = ? AND {FAILED}", (plan_id,))}
        frontier = queue.select("plan_id = ? AND status = 'blocked'", (plan_id,))
        seen = {job.id for job in frontier}
        while frontier:
            for needed in self._store.dependencies.needs(frontier.pop().id):
                if needed.state == "error" or (needed.state == "cancelled" and needed.plan != plan_id):
                    found[needed.id] = needed
                elif needed.state == "blocked" and needed.id not in seen:
                    seen.add(needed.id)
                    frontier.append(needed)
        return sorted(found.values(), key=lambda job: job.id)

    def settle(self) -> None:
        """Close the plans that can no longer go on by themselves, reopen those that can again."""
        self._hold()
        plans = self._touched
        self.forget()
        for plan_id in sorted(plans):
            self._settle(plan_id)

    def forget(self) -> None:
        """Drop what was noticed in a batch that is over."""
        self._touched = set()
        self._stopped = set()

    def _hold(self) -> None:
        # What has stopped may hold back jobs of any plan that shared its renders.
        if self._stopped:
            self._touched |= self._store.dependencies.hold(self._stopped)
            self._stopped = set()

    def _settle(self, plan_id: str) -> None:
        store = self._store
        plan = store.plans.get(plan_id)
        if plan is None:
            raise ProtocolError(Code.UNKNOWN_PLAN, f"There is no plan {plan_id}.")
        if store.dependencies.can_go_on(plan_id):
            if plan.settled:
                store.plans.settle(plan_id, False)
            return
        rest = store.queue.count("plan_id = ? AND status IN ('blocked', 'error')", (plan_id,))
        # A failed step may be retried, and then needs the scaffold that it was planned with.
        dropped = [] if rest else store.tiles.drop_scaffold(plan_id)
        if plan.settled and not dropped:
            return
        store.plans.settle(plan_id, True)
        change = PlanChange(plan=plan_id, name=plan.name, state="settled", jobs=plan.jobs, tiles=dropped)
        store.events.append(change, self._clock())
        left = f", {rest} jobs failed or held" if rest else ""
        log.info("plan %s has settled%s", plan_id, left)


def name(job: Job) -> str:
    """A job as the log names it."""
    first = f"({job.quadrants[0][0]},{job.quadrants[0][1]})" if job.quadrants else ""
    return f"job {job.id} {job.kind}{first} of {job.plan}"
