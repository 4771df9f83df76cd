"""What the change of one job means for the others: dependants released, plans settled, scaffold dropped."""

import logging
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence

from protocol.event import PlanChange, TileRef
from services.keeper import legality, lifecycle
from services.keeper.events import job_row, row
from services.keeper.ground import check_still_free
from services.keeper.lifecycle import Job
from services.keeper.settling import Outcome
from services.keeper.slices import PART
from services.keeper.store import Store
from services.logs import about
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
        self._store.events.extend([job_row(job, self._clock(), tiles or ())])
        if job.state != "processing":
            # What is handed out was pending, so its plan goes on as it did.
            self._touched.add(job.plan)
        if job.state == "complete":
            for waiting in self._store.dependencies.releasable(job.id):
                self.note(waiting._replace(state="pending"))
        elif job.state in ("error", "cancelled") or job.barred:
            self._stopped.add(job.id)
        if job.state == "error":
            text = "%s: %s; what needs it is held until it is retried"
            log.warning(text, name(job), job.reason, extra=about(job.id, job.plan))
        elif job.barred:
            text = "%s: no longer legal: %s; retry it or plan it anew"
            log.warning(text, name(job), job.reason, extra=about(job.id, job.plan))

    def completed_late(self, job: Job, tiles: list[TileRef]) -> None:
        """A job that had ended otherwise is complete after all; what was held behind it goes on."""
        # Before it is told: what it releases is no longer found behind it.
        self._store.queue.save(job)
        self._touched |= self._store.dependencies.let_go([job.id])
        self.note(job, tiles)

    def entered(self, plan_id: str, job_ids: Sequence[int]) -> None:
        """Jobs of a large plan came into the queue: what they wait for may have ended meanwhile."""
        self._touched.add(plan_id)
        for job in self._store.dependencies.ready_among(job_ids):
            self.note(job._replace(state="pending"))
        self._store.dependencies.hold(job for job, _, _ in self._store.dependencies.stuck_needs(job_ids))

    def accepted(self, plan_id: str, leans_on: Collection[int]) -> None:
        """A plan came in; one whose work others already do has settled at once.

        `leans_on` are jobs of other plans, which may have ended while it was drawn up.
        """
        self._touched.add(plan_id)
        if not leans_on:
            return
        for needed in self._store.queue.complete_of(leans_on):
            for waiting in self._store.dependencies.releasable(needed):
                self.note(waiting._replace(state="pending"))
        self._store.dependencies.hold(leans_on)

    def cancel(self, jobs: Iterable[Job]) -> int:
        """Call jobs off, however far they are; how many."""
        now = self._clock()
        count = 0
        for job in jobs:
            self.note(lifecycle.cancel(job, now))
            count += 1
        return count

    def cancelling(self, where: str, values: Sequence[object] = ()) -> Generator[None, None, int]:
        """Call off every job that an SQL condition of this package holds for now; how many. A long deed.

        The last first: what waits for a job is called off before it, and not first held and then called off.
        """
        count = 0
        for part in _parts(self._store.queue.ids(where, values)[::-1]):
            count += self.cancel(self._store.queue.among(part, where, values, "id DESC"))
            yield
        return count

    def cancelling_plan(self, plan_id: str) -> Generator[None, None, int]:
        """Call a plan off, except for renders and the palette if another plan waits for them. A long deed."""
        queue = self._store.queue
        where = "plan_id = ? AND status IN ('blocked', 'pending', 'processing', 'error')"
        self._touched.add(plan_id)
        # The palette goes first: once it is another plan's, so are the renders that it waits for.
        for palette in queue.select(f"{where} AND kind = 'palette'", (plan_id,)):
            self._bequeath(palette)
        count = 0
        for part in _parts(queue.ids(where, (plan_id,))[::-1]):
            jobs = queue.among(part, where, (plan_id,), "id DESC")
            count += self.cancel([job for job in jobs if not self._bequeath(job)])
            yield
        return count

    def _bequeath(self, job: Job) -> bool:
        """Give a render or palette to another plan that waits for it, if there is one."""
        if job.kind == "generate" or job.state == "error":
            return False
        heir = self._store.dependencies.heir(job)
        if heir is None:
            return False
        self._store.queue.save(job._replace(plan=heir, suspended=False))
        self._touched.add(heir)
        return True

    def reviving(self, job_ids: Iterable[int]) -> Generator[None, None, int]:
        """Try jobs again from the first attempt, the first ones first; how many it changed. A long deed.

        Raises CONFLICT before anything is changed if ground that they need, or that what is held behind
        them needs, is taken. What the map does not allow any more is blocked with the reason, or stays so.
        """
        queue, dependencies = self._store.queue, self._store.dependencies
        asked = sorted(job_ids)
        rested: dict[str, bool] = {}
        seen, frontier = set(asked), list(asked)
        while frontier:
            part = frontier[-PART:]
            del frontier[-PART:]
            self._check_ground(queue.among(part), rested)
            behind = dependencies.behind(part) - seen
            seen |= behind
            frontier += behind
            yield
        changed = 0
        for some in _parts(asked):
            jobs = queue.among(some, f"(status = 'cancelled' OR {FAILED})")
            # Again: if others came in between, somebody may have taken ground of a plan that had settled.
            self._check_ground(jobs, rested)
            changed += [self._revived(job) for job in jobs].count(True)
            self._touched |= dependencies.let_go(job.id for job in jobs)
            yield
        return changed

    def _check_ground(self, jobs: Iterable[Job], rested: dict[str, bool]) -> None:
        """Raise CONFLICT if others have reserved ground of jobs whose plan had rested and so let go of it."""
        for job in jobs:
            if job.kind != "generate":
                continue
            if job.plan not in rested:
                plan = self._store.plans.get(job.plan)
                rested[job.plan] = plan is not None and plan.settled
            if rested[job.plan]:
                check_still_free(self._store, job.layer, job.infill, but=job.plan)

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

    def looking_again(self, plan_id: str) -> Generator[None, None, None]:
        """Block the plan's pending steps that are no longer legal, up to the first that is. A long deed.

        So it is known, without a worker that asks, whether a plan can still go on.
        """
        queue = self._store.queue
        pending = "plan_id = ? AND status = 'pending' AND kind = 'generate'"
        for part in _parts(queue.ids(pending, (plan_id,))):
            for job in queue.among(part, pending, (plan_id,)):
                place = legality.look(self._store, job)
                if not isinstance(place, Refusal):
                    self._hold()
                    return
                self.note(lifecycle.bar(job, place.reason))
            self._hold()
            yield

    def failed_of(self, plan_id: str) -> Generator[None, None, list[int]]:
        """The plan's failed and barred jobs, and dead ones of others that its own wait for. A long deed."""
        queue = self._store.queue
        found = set(queue.ids(f"plan_id = ? AND {FAILED}", (plan_id,)))
        frontier = queue.ids("plan_id = ? AND held = 1", (plan_id,))
        seen = set(frontier)
        while frontier:
            part = frontier[-PART:]
            del frontier[-PART:]
            for needed, state, plan in self._store.dependencies.stuck_needs(part):
                if state == "error" or (state == "cancelled" and plan != plan_id):
                    found.add(needed)
                elif state == "blocked" and needed not in seen:
                    seen.add(needed)
                    frontier.append(needed)
            yield
        return sorted(found)

    def settle(self) -> None:
        """Close the plans that can no longer go on by themselves, reopen those that can again."""
        self._hold()
        plans = self._touched
        self.forget()
        if not plans:
            return
        found = self._store.settling.look(plans)
        if again := [it.plan for it in found if it.goes_on and it.settled]:
            self._store.settling.write(again, False)
        # A failed step may be retried, and then needs the scaffold that it was planned with.
        self._close(
            [it for it in found if not it.goes_on and (not it.settled or (it.scaffold and not it.left))]
        )

    def _close(self, ended: Sequence[Outcome]) -> None:
        if not ended:
            return
        store, now = self._store, self._clock()
        store.settling.write([it.plan for it in ended], True)
        changes = [
            PlanChange(
                plan=it.plan,
                name=it.name,
                state="settled",
                jobs=it.jobs,
                tiles=store.tiles.drop_scaffold(it.plan) if it.scaffold and not it.left else [],
            )
            for it in ended
        ]
        store.events.extend([row(change, now) for change in changes])
        for it in ended:
            left = f", {it.left} jobs failed or held" if it.left else ""
            log.info("has settled%s", left, extra=about(plan=it.plan))

    def forget(self) -> None:
        """Drop what was noticed in a batch that is over."""
        self._touched = set()
        self._stopped = set()

    def _hold(self) -> None:
        # What has stopped may hold back jobs of any plan that shared its renders.
        if self._stopped:
            self._touched |= self._store.dependencies.hold(self._stopped)
            self._stopped = set()


def _parts(job_ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (job_ids[i : i + PART] for i in range(0, len(job_ids), PART))


def name(job: Job) -> str:
    """A job as the log names it, beside its id and its plan's."""
    return f"{job.kind}({job.quadrants[0][0]},{job.quadrants[0][1]})" if job.quadrants else job.kind
