"""Spending: what calls may cost is set aside before they are made, and settled when that is known."""

import logging
from collections.abc import Callable

from services.config import AppConfig
from services.keeper import purse
from services.keeper.lifecycle import Job
from services.keeper.purse import Account, Prices, day_of, fits, written
from services.keeper.store import Store

log = logging.getLogger("keeper")


class Spending:
    """Keeps models within their daily budgets and plans within their caps.

    `halt` pauses a plan with a reason, `let_go` lets one go on that was paused so. Jobs of other models and
    plans come here only if something is set aside for them.
    """

    def __init__(
        self,
        store: Store,
        config: AppConfig,
        *,
        clock: Callable[[], float],
        halt: Callable[[str, str], None],
        let_go: Callable[[str], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._halt = halt
        self._let_go = let_go
        self.take_over(config)

    def take_over(self, config: AppConfig) -> None:
        """Go by other prices and budgets from now on."""
        self._config = config
        self._prices = Prices(config)
        self.budgets = {m.model_id: m.daily_budget for m in config.models if m.daily_budget is not None}
        self.day: int | None = None
        """The last day on which it was looked whether models may go on; None if that is to be done."""

    def turn_day(self) -> None:
        """Let models go on whose budget has room again, once after a day or a configuration has begun."""
        today = day_of(self._clock())
        if today != self.day:
            self.day = today
            for model_id in self._store.accounts.shut_models():
                self._look_again(model_id)

    def reserve(self, job: Job, *, capped: bool) -> Job | None:
        """The job with its next call's price set aside; None if there is no room for that.

        Then its model is shut until there is, or its plan is paused.
        """
        if job.handle and job.reserved:
            # It goes on with a call for which that was done.
            return job
        accounts, price = self._store.accounts, self._prices.of(job.model_id)
        if capped:
            plan = accounts.plan(job.plan)
            if plan.cap is not None and not fits(plan.spent, price, plan.cap):
                self._halt(job.plan, _capped(plan.spent, plan.cap, price))
                return None
        day, budget = self._day(job.model_id), self.budgets.get(job.model_id)
        if budget is not None and not fits(accounts.spent(job.model_id, day), price, budget):
            accounts.spend(job.model_id, day, 0.0)
            accounts.shut(job.model_id, True)
            log.warning("%s has spent its daily budget of %s", job.model_id, written(budget))
            return None
        accounts.spend(job.model_id, day, price)
        accounts.hold(job.plan, price)
        after = Account(job.reserved, job.presumed).begin(price)
        return job._replace(reserved=after.reserved, presumed=after.presumed)

    def settle(
        self, job: Job, calls: int, cost: float | None, *, unsettled: int = 0, goes_on: bool = False
    ) -> Job:
        """A try of the job has ended with so many new calls: count what they cost instead of what they might.

        The rest is as in Account. The cost itself is added to the job by whoever asks.
        """
        before = Account(job.reserved, job.presumed)
        after = before.settle(calls, cost, unsettled=unsettled, goes_on=goes_on)
        accounts, held = self._store.accounts, after.held - before.held
        began = day_of(job.started_at)
        day = self._day(job.model_id) if began == day_of(self._clock()) else began
        accounts.correct(job.model_id, day, held + (cost or 0.0))
        accounts.hold(job.plan, held)
        return job._replace(reserved=after.reserved, presumed=after.presumed)

    def settle_late(self, job: Job, calls: int, cost: float | None) -> Job:
        """A try before the job's latest has told what it cost: that is no longer presumed.

        Of one that called nobody neither is what was set aside for it.
        """
        own = 0.0 if calls else self._prices.of(job.model_id)
        told = min(job.presumed, (cost or 0.0) + own)
        self._store.accounts.hold(job.plan, -told)
        return job._replace(presumed=job.presumed - told)

    def look_again(self, job: Job) -> None:
        """Let its model and its plan go on if what a try of the job came to has left room."""
        if job.model_id in self.budgets:
            self._look_again(job.model_id)
        plan = self._store.accounts.plan(job.plan)
        if plan.capped and self.may_go_on(job.plan, job.model_id):
            self._let_go(job.plan)

    def check_cap(self, cap: float) -> None:
        """Raise BAD_PLAN if a cap cannot be kept, since nobody knows what a call costs."""
        purse.check_cap(cap, self._config)

    def may_go_on(self, plan_id: str, model_id: str) -> bool:
        """Whether a plan's cap has room for a call of that model."""
        plan = self._store.accounts.plan(plan_id)
        return plan.cap is None or fits(plan.spent, self._prices.of(model_id), plan.cap)

    def why_capped(self, plan_id: str, model_id: str) -> str:
        """Why a plan may make no other call of that model."""
        plan = self._store.accounts.plan(plan_id)
        return _capped(plan.spent, plan.cap or 0.0, self._prices.of(model_id))

    def _day(self, model_id: str) -> int:
        return self._store.accounts.day(model_id, day_of(self._clock()))

    def _look_again(self, model_id: str) -> None:
        accounts, budget = self._store.accounts, self.budgets.get(model_id)
        spent, price = accounts.spent(model_id, self._day(model_id)), self._prices.of(model_id)
        if model_id in accounts.shut_models() and (budget is None or fits(spent, price, budget)):
            accounts.shut(model_id, False)
            log.info("%s is within its daily budget again", model_id)


def _capped(spent: float, cap: float, price: float) -> str:
    return (
        f"It has spent {written(spent)} of its {written(cap)}, calls under way included, and the next call "
        f"may cost {written(price)}; resume it with a higher cost_cap to go on."
    )
