"""The books: what the keeper says was spent, compared with the bills that the stub model wrote."""

import time
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence

from services.drill.faults import DAY
from services.drill.ledger import Facts, of
from services.drill.model import Bill
from services.drill.plans import BUDGET, PRICE, PRICED_MODEL
from services.drill.remains import Remains

ROUNDING = 1e-6
INFINITE = float("inf")


class Books:
    """The accounts of the one model that costs something; it always has a budget, so each call is tracked.

    `ahead` is by how much the wall's clock is ahead of the one that ledgers and bills go by.
    """

    def __init__(
        self, world: Remains, facts: Facts, bills: Collection[Bill], *, ahead: float | None = None
    ) -> None:
        self._world = world
        self._facts = facts
        self._bills = sorted((bill for bill in bills if bill.model_id == PRICED_MODEL), key=lambda it: it.at)
        self._jobs = {row["id"]: row for row in world.jobs.values() if row["model_id"] == PRICED_MODEL}
        self._ahead = time.time() - time.monotonic() if ahead is None else ahead

    def miscounted(self) -> Iterable[str]:
        """Jobs whose calls are counted twice, for nothing, or not at all."""
        paid = Counter(bill.job for bill in self._bills)
        for job_id, job in self._jobs.items():
            due, held = paid.pop(job_id, 0) * PRICE, job["reserved"] + job["presumed"]
            if job["cost"] > due + ROUNDING:
                yield f"job {job_id} is said to have cost {job['cost']:g}, and {due:g} was paid"
            elif job["cost"] + held < due - ROUNDING:
                yield f"job {job_id} is said to have cost {job['cost']:g} (+ {held:g}), and {due:g} was paid"
        for job_id, count in paid.items():
            yield f"{count * PRICE:g} was paid for job {job_id}, which is not there"

    def unsettled(self) -> Iterable[str]:
        """Money that is still set aside though everything was told, and sums that do not fit their parts."""
        leases = Counter(job for job, _ in self._world.chronicle.leases)
        told: dict[int, set[int]] = defaultdict(set)
        for what in ("acked", "refused", "failed"):
            for fact in self._facts[what]:
                told[fact["job"]].add(fact["token"])
        held: Counter[str] = Counter()
        cost: Counter[str] = Counter()
        adopted = of(self._facts, "adopting")
        for job_id, job in self._world.jobs.items():
            kept = job["reserved"] + job["presumed"]
            held[job["plan_id"]] += kept
            cost[job["plan_id"]] += job["cost"]
            untold = leases[job_id] - len(told[job_id])
            if kept > untold * PRICE + ROUNDING:
                yield f"job {job_id}: {kept:g} is set aside, for {untold} tries of which nobody told"
            elif job["reserved"] and job["status"] == "complete" and job_id not in adopted:
                yield f"job {job_id} is complete, and {job['reserved']:g} is set aside for its next call"
        for plan_id, plan in self._world.plans.items():
            if abs(plan["reserved"] - held[plan_id]) > ROUNDING:
                yield f"{plan_id} has {plan['reserved']:g} set aside, its jobs {held[plan_id]:g}"
            if abs(self._world.tallied.get(plan_id, 0.0) - cost[plan_id]) > ROUNDING:
                yield f"{plan_id} cost {self._world.tallied.get(plan_id, 0.0):g}, its jobs {cost[plan_id]:g}"

    def overspent(self) -> Iterable[str]:
        """Calls that were paid for beyond what was allowed at that moment, of a plan or in a day."""
        caps: dict[str, list[tuple[float, float]]] = {
            fact["plan"]: [(-INFINITE, fact["cap"])] for fact in self._facts["offered"] if fact["cap"]
        }
        for fact in self._facts["cap"]:
            caps[fact["plan"]].append((fact["at"], fact["cap"]))
        budgets = [(-INFINITE, BUDGET), *((it["at"], it["budget"]) for it in self._facts["budget"])]
        days = self._days()
        calls: Counter[str] = Counter()
        for bill in self._bills:
            day = days.get((bill.job, bill.token))
            if day is None:
                yield f"job {bill.job} was paid for with token {bill.token}, under no lease"
                continue
            job = self._jobs.get(bill.job)
            plan = job["plan_id"] if job else ""
            for name, limits in ((f"day {day}", budgets), (plan, caps.get(plan))):
                calls[name] += 1
                spent, limit = calls[name] * PRICE, _in_force(limits, bill.at) if limits else INFINITE
                if spent > limit + ROUNDING:
                    yield f"{name}: {spent:g} was paid by the call for job {bill.job}, {limit:g} allowed"

    def _days(self) -> dict[tuple[int, int], int]:
        """The day of the keeper's clock in which each lease was given, by job and token.

        Days are counted as they began: a clock that is set back to the day before begins none.
        """
        leases: dict[int, list[tuple[float, int]]] = defaultdict(list)
        number, before = 0, None
        for job, at in self._world.chronicle.leases:
            if job in self._jobs:
                today = at // DAY
                if before is None or today not in (before - 1, before):
                    number, before = number + 1, today
                leases[job].append((at - self._ahead, number))
        found: dict[tuple[int, int], int] = {}
        left = {job: len(those) for job, those in leases.items()}
        taken = {(fact["job"], fact["token"]): fact["at"] for fact in self._facts["taken"]}
        # The last first: who was frozen may have looked at a lease when the next one was given long since.
        for (job, token), at in sorted(taken.items(), key=lambda it: it[0][1], reverse=True):
            given = leases.get(job, ())
            for place in reversed(range(left.get(job, 0))):
                # The keeper's clock may have been off by days.
                if (at - given[place][0] + 0.01) % DAY < DAY / 2:
                    found[job, token], left[job] = given[place][1], place
                    break
        return found


def _in_force(limits: Sequence[tuple[float, float]], at: float) -> float:
    """What was allowed at a moment, of amounts that follow each other."""
    return limits[bisect_right(limits, at, key=lambda limit: limit[0]) - 1][1]
