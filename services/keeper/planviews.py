"""Plan views: plans as people see them, how far they are, what they cost and what holds them up."""

from collections.abc import Sequence

from protocol.control import ListPlans, Plans
from protocol.view import PlanView
from services.keeper.plans import PlanRow
from services.keeper.prospects import Prospects
from services.keeper.store import Store
from services.keeper.tallies import STATES, PlanTally


class PlanViews:
    """Reads plans for people; changes nothing."""

    def __init__(self, store: Store, prospects: Prospects) -> None:
        self._store = store
        self._prospects = prospects

    def page(self, request: ListPlans) -> Plans:
        """The newest plans and how far they are."""
        return Plans(plans=self.views(self._store.plans.newest(request.limit)))

    def views(self, plans: Sequence[PlanRow]) -> list[PlanView]:
        """Plans as people see them."""
        ids = [plan.id for plan in plans]
        tallies = self._store.tallies.plans(ids)
        rates = self._store.paces.plan_rates(ids)
        paused = self._store.plans.paused(ids)
        left = self._prospects.plans_left(plans, tallies)
        return [
            self._view(plan, tallies[plan.id], rates.get(plan.id, 0.0), plan.id in paused, left.get(plan.id))
            for plan in plans
        ]

    def _view(
        self, plan: PlanRow, tally: PlanTally, rate: float, paused: bool, left: float | None
    ) -> PlanView:
        counts: dict[str, int] = {**dict.fromkeys(STATES, 0), **tally.states}
        stuck = plan.settled and bool(counts["error"] or counts["blocked"])
        held = 0
        if counts["blocked"]:
            # Of a settled plan nothing can go on: then all calls that are left are held.
            held = tally.calls_left if plan.settled else self._store.dependencies.held_in(plan.id)
        priced = tally.cost > 0 or self._prospects.states_price(plan.model_id)
        return PlanView.model_validate(
            {
                "plan": plan.id,
                "name": plan.name,
                "model_id": plan.model_id,
                "created_at": plan.created_at,
                "settled": plan.settled,
                "counts": counts,
                "quadrants_total": plan.quadrants_total,
                "quadrants_done": tally.done,
                "seconds_left": left,
                "failed": counts["error"],
                "held": held,
                "stuck": stuck,
                "reason": self._why_stuck(plan, held) if stuck else plan.capped,
                "paused": paused,
                "entered": plan.entered,
                "jobs": plan.jobs,
                "rate_per_minute": round(rate, 3),
                "cost": round(max(0.0, tally.cost), 6) if priced else None,
                "cost_cap": plan.cost_cap,
                "reserved": round(plan.reserved, 6),
            }
        )

    def _why_stuck(self, plan: PlanRow, held: int) -> str:
        """What holds a plan up, the first of it by name, and the ways out."""
        facts = []
        for what, job in (
            ("failed", self._store.queue.first_failed(plan.id)),
            ("is no longer legal", self._store.queue.first_barred(plan.id)),
        ):
            if job is not None:
                facts.append(f"Job {job.id} {what}: {_sentence(job.reason)}")
        if not facts:
            facts.append("It waits for jobs that failed or were called off.")
        if held:
            facts.append(f"{held} step{'s are' if held > 1 else ' is'} held by that.")
        return " ".join([*facts, "Retry and resume, or plan the rest anew."])[:8_000]


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
