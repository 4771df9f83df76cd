"""The treasurer: a person who allows more once a budget or a cap is used up, and writes down how much."""

import asyncio
import contextlib

from protocol.control import Changed, ListPlans, Plans, Resume
from protocol.view import PlanView
from services.drill.ledger import Ledger
from services.drill.meddler import Meddler
from services.drill.plans import BUDGET, PRICE, PRICED_MODEL
from services.drill.stage import Stage

HEARING_SECONDS = 5.0


class Treasurer:
    """What is allowed is noted before anybody hears of it, so that no call can come before its note."""

    def __init__(self, stage: Stage, meddler: Meddler, ledger: Ledger) -> None:
        self._stage = stage
        self._meddler = meddler
        self._ledger = ledger
        self._budget = BUDGET

    async def look(self) -> None:
        """Let go on what waits for money; the keeper may be away."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HEARING_SECONDS):
                self._look_at_budget()
                await self._look_at_caps()

    def _look_at_budget(self) -> None:
        for model in self._meddler.models:
            # With another budget it has not heard of the last one yet.
            if (
                model.model_id == PRICED_MODEL
                and model.state == "spent"
                and model.daily_budget == self._budget
            ):
                self._budget += BUDGET
                self._ledger.note("budget", model_id=PRICED_MODEL, budget=self._budget)
                self._stage.write_config(self._budget)

    async def _look_at_caps(self) -> None:
        found = await self._meddler.told(ListPlans(limit=200), Plans)
        if any(_waits(plan) for plan in (found.plans if found else ())):
            # Not what somebody has paused for a moment; they would find it at work.
            async with self._meddler.pausing:
                found = await self._meddler.told(ListPlans(limit=200), Plans)
                for plan in found.plans if found else ():
                    if _waits(plan):
                        cap = 2 * (plan.cost_cap or 0.0) + 4 * PRICE
                        self._ledger.note("cap", plan=plan.plan, cap=cap)
                        await self._meddler.told(Resume(plan=plan.plan, cost_cap=cap), Changed)


def _waits(plan: PlanView) -> bool:
    return plan.paused and plan.cost_cap is not None
