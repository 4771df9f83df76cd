"""The prospects: what is known about pace, hands and pauses, put together for one answer."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from protocol.message import JobKind
from protocol.view import ModelState, ModelView
from services.config import GENERATOR_SLOTS, AppConfig
from services.keeper.backlog import Sort
from services.keeper.circuit import Circuit
from services.keeper.lifecycle import Job
from services.keeper.outlook import Hands, Outlook
from services.keeper.pace import Pace, pace_of
from services.keeper.plans import PlanRow
from services.keeper.purse import day_of, until_over, written
from services.keeper.store import Store
from services.keeper.tallies import PlanTally
from services.keeper.throttle import Throttle

LIVE = ("blocked", "pending", "processing")


class Prospects:
    """Says how long things still take. `waiting_hands` counts the workers' requests for jobs of a kind."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], float],
        steady: Callable[[], float],
        config: AppConfig,
        waiting_hands: Callable[[], Mapping[JobKind, int]],
    ) -> None:
        self._store = store
        self._clock = clock
        self._steady = steady
        self._config = config
        self._waiting_hands = waiting_hands

    def take_over(self, config: AppConfig) -> None:
        """Know the models of another configuration from now on."""
        self._config = config

    def models(self) -> list[ModelView]:
        """What each model does that is configured, has jobs that have not ended, or is held back."""
        throttles, circuits = self._throttles(), self._circuits()
        counts = self._store.tallies.queue()
        live = {model_id for state, model_id, _ in counts if state in LIVE and model_id}
        names = [model.model_id for model in self._config.models]
        names += sorted((live | throttles.keys() | circuits.keys()) - set(names))
        pending = {model_id: jobs for state, model_id, jobs in counts if state == "pending"}
        in_hands = {model_id: jobs for state, model_id, jobs in counts if state == "processing"}
        wall, steady = self._clock(), self._steady()
        budgets = {m.model_id: m.daily_budget for m in self._config.models if m.daily_budget is not None}
        shut = set(self._store.accounts.shut_models()) if budgets else set()
        found = []
        for name in names[:1_000]:
            held, circuit = throttles.get(name, Throttle(name)), circuits.get(name, Circuit(name))
            state, until, reason = _standing(held, circuit, steady)
            budget = budgets.get(name)
            day = self._store.accounts.day(name, day_of(wall))
            spent = None if budget is None else self._store.accounts.spent(name, day)
            if state in ("ready", "probing") and budget is not None and name in shut:
                state, until, reason = "spent", steady + until_over(day, wall), _over(spent or 0.0, budget)
            pace = pace_of(self._store.paces.seconds(name))
            found.append(
                ModelView(
                    model_id=name,
                    paused=held.paused,
                    state=state,
                    until_seconds=max(0.0, until - steady),
                    reason=reason[:300],
                    pending=pending.get(name, 0),
                    in_hands=in_hands.get(name, 0),
                    rate_per_minute=round(self._store.paces.rate(name, wall), 3),
                    seconds_p50=pace.p50 if pace else None,
                    seconds_p90=pace.p90 if pace else None,
                    daily_budget=budget,
                    spent_today=None if spent is None else round(spent, 6),
                )
            )
        return found

    def states_price(self, model_id: str) -> bool:
        """Whether the configuration says what a call of the model costs."""
        model = self._config.model(model_id) if model_id else None
        return model is not None and model.cost_per_image is not None

    def paused(self, jobs: Sequence[Job]) -> set[int]:
        """Those of these jobs that wait because their plan, their model or the whole queue is paused."""
        if self._store.paused:
            return {job.id for job in jobs if job.state in ("blocked", "pending")}
        throttles = self._throttles()
        plans = self._store.plans.paused({job.plan for job in jobs})
        return {
            job.id
            for job in jobs
            if job.state in ("blocked", "pending")
            and (job.plan in plans or throttles.get(job.model_id, Throttle("")).paused)
        }

    def jobs_left(self, jobs: Sequence[Job], paused: set[int], held: set[int]) -> dict[int, float]:
        """Seconds until each of these jobs is done, where that can be known."""
        asked = [job for job in jobs if job.state in LIVE and job.id not in paused and job.id not in held]
        return self._left(asked, self._outlook({(job.kind, job.model_id) for job in asked})) if asked else {}

    def plans_left(self, plans: Sequence[PlanRow], tallies: Mapping[str, PlanTally]) -> dict[str, float]:
        """Seconds until each of these plans is done, where that can be known."""
        last = self._store.backlog.last_left([plan.id for plan in plans if not plan.settled])
        jobs = {job.plan: job for job in self._store.queue.among(list(last.values()))}
        paused = self.paused(list(jobs.values()))
        sorts = {(job.kind, job.model_id) for job in jobs.values()}
        outlook = self._outlook(sorts) if jobs else None
        left = self._left([job for job in jobs.values() if job.id not in paused], outlook) if outlook else {}
        found = {}
        for plan_id, job in jobs.items():
            tally = tallies[plan_id]
            count = tally.calls_left if job.kind == "generate" else tally.renders_left
            assert outlook is not None
            seconds = outlook.plan_left((job.kind, job.model_id), count, left.get(job.id))
            if seconds is not None:
                found[plan_id] = seconds
        return found

    def _left(self, jobs: Sequence[Job], outlook: Outlook) -> dict[int, float]:
        wall, steady = self._clock(), self._steady()
        until = self._until()
        waiting = [job for job in jobs if job.state != "processing"]
        ahead = self._store.backlog.ahead(waiting, self._counted("pending", "blocked")) if waiting else {}
        found = {}
        for job in jobs:
            sort: Sort = (job.kind, job.model_id)
            if job.state == "processing":
                seconds = outlook.running_left(sort, wall - job.started_at)
            else:
                delay = max(0.0, job.not_before - steady)
                opens = max(0.0, until.get(job.model_id, 0.0) - steady)
                seconds = outlook.waiting_left(sort, ahead[job.id], delay, opens)
            if seconds is not None:
                found[job.id] = round(seconds, 1)
        return found

    def _outlook(self, asked: set[Sort]) -> Outlook:
        waiting, running = self._counted("pending", "blocked"), self._counted("processing")
        paces: dict[Sort, Pace] = {}
        for sort in {*asked, *waiting, *running}:
            if pace := pace_of(self._store.paces.seconds(sort[1], kind=sort[0])):
                paces[sort] = pace
        return Outlook(paces, self._hands(running), running)

    def _hands(self, running: Counter[Sort]) -> Hands:
        """The workers that are known now, or, while there are none, those that the configuration says."""
        waiting = self._waiting_hands()
        services = self._config.services
        said: dict[JobKind, int] = {
            "generate": services.generator * GENERATOR_SLOTS,
            "render": services.renderer,
            "palette": 1,
        }
        slots: dict[JobKind, int] = {}
        for kind, configured in said.items():
            known = waiting.get(kind, 0) + sum(n for sort, n in running.items() if sort[0] == kind)
            slots[kind] = known or max(1, configured)
        limits = {model.model_id: model.at_once for model in self._config.models if model.at_once}
        apart = {model.model_id: model.seconds_apart for model in self._config.models if model.seconds_apart}
        return Hands(slots, limits, apart)

    def _counted(self, *states: str) -> Counter[Sort]:
        """How many jobs there are in these states; what is of no model is counted as renders."""
        found: Counter[Sort] = Counter()
        for state, model_id, jobs in self._store.tallies.queue():
            if state in states:
                found["generate" if model_id else "render", model_id] += jobs
        return found

    def _until(self) -> dict[str, float]:
        """Until when on the steady clock each model is not called, where it is not."""
        found = {model_id: throttle.until for model_id, throttle in self._throttles().items()}
        for model_id, circuit in self._circuits().items():
            found[model_id] = max(circuit.until, found.get(model_id, 0.0))
        for model in self._config.models:
            if model.requests_per_minute:
                paced = self._store.halts.paced(model.model_id)
                found[model.model_id] = max(paced, found.get(model.model_id, 0.0))
        wall = self._clock()
        for model_id in self._store.accounts.shut_models():
            over = until_over(self._store.accounts.day(model_id, day_of(wall)), wall)
            found[model_id] = max(self._steady() + over, found.get(model_id, 0.0))
        return found

    def _circuits(self) -> dict[str, Circuit]:
        return {circuit.model_id: circuit for circuit in self._store.halts.circuits()}

    def _throttles(self) -> dict[str, Throttle]:
        return {throttle.model_id: throttle for throttle in self._store.halts.throttles()}


def _over(spent: float, budget: float) -> str:
    return (
        f"{written(spent)} of today's {written(budget)} are spent, calls under way included; it goes on by "
        "itself when the next day begins (UTC), or when daily_budget is raised."
    )


def _standing(held: Throttle, circuit: Circuit, steady: float) -> tuple[ModelState, float, str]:
    """Whether a model is called, until when on the steady clock it is not, and why."""
    if held.paused:
        return "paused", max(held.until, circuit.until), held.reason
    if circuit.until > max(held.until, steady):
        tries = f"It failed {circuit.failures} times in a row; then one job is tried."
        return "failing", circuit.until, f"{tries} {circuit.reason}"
    if held.until > steady:
        return "limited", held.until, held.reason
    if circuit.trips:
        return "probing", 0.0, f"It failed {circuit.failures} times in a row, so one job is tried at a time."
    return "ready", 0.0, ""
