"""Pauses: the handing out of jobs stopped and let go on, by a person or by what a model answers."""

import logging
import random
from collections.abc import Callable

from protocol.control import Changed, Pause, Resume
from protocol.errors import Code, ProtocolError
from protocol.event import QueueChange
from protocol.message import Message
from protocol.work import Nack
from services.actor import Letter
from services.config import AppConfig
from services.keeper import circuit, throttle
from services.keeper.circuit import Circuit
from services.keeper.halts import PAUSED, RESUMING, RUNS
from services.keeper.lifecycle import Job
from services.keeper.slices import LongDeed
from services.keeper.spending import Spending
from services.keeper.store import Store
from services.logs import about

log = logging.getLogger("keeper")


class Pauses:
    """Answers requests to pause and resume, and hears what models say about being called."""

    def __init__(
        self,
        store: Store,
        config: AppConfig,
        spending: Spending,
        *,
        clock: Callable[[], float],
        steady: Callable[[], float],
        chance: random.Random,
        in_background: Callable[[LongDeed], None],
    ) -> None:
        self._store = store
        self._config = config
        self._spending = spending
        self._clock = clock
        self._steady = steady
        self._chance = chance
        self._in_background = in_background
        self.ailing = frozenset(circuit.model_id for circuit in store.halts.circuits())
        """The models whose latest try has failed, so that of the others nothing need be looked up."""
        # From here on: forgotten when the keeper stops, begun anew by `mark_all`.
        self._marking: dict[str, object] = {}
        """The newest marking of each plan's jobs that is under way."""

    def take_over(self, config: AppConfig) -> None:
        """Know the models of another configuration from now on."""
        self._config = config

    def pause(self, letter: Letter, request: Pause) -> Message:
        """Hand out no more jobs of a model, of a plan, or at all."""
        return self._set(request, True)

    def resume(self, letter: Letter, request: Resume) -> Message:
        """Hand out jobs of a model, of a plan, or of all again; a model also before its limit is over."""
        return self._set(request, False)

    def mark_all(self) -> None:
        """Mark the jobs of plans that were paused or resumed, as far as nobody is at it."""
        for plan_id, paused in self._store.halts.unfinished():
            if plan_id not in self._marking:
                self._mark_soon(plan_id, paused)

    def look_again(self) -> None:
        """Begin anew what a transaction that came to nothing may have cut short."""
        for plan_id, paused in self._store.halts.unfinished():
            if not paused and plan_id not in self._marking:
                self._mark_soon(plan_id, paused)

    def hear(self, job: Job, nack: Nack) -> float:
        """Let all jobs of a model wait for what befell one of them; until when on the steady clock, or 0."""
        if not job.model_id or not nack.burn:
            return 0.0
        if nack.error_class == "transient":
            return self._failed(job.model_id, nack.reason)
        self.answered(job.model_id)
        before = self._store.halts.throttle(job.model_id)
        if nack.error_class == "rate_limited":
            now = self._steady()
            after = throttle.limit(
                before, retry_after=nack.retry_after, reason=nack.reason, now=now, chance=self._chance
            )
            if after != before:
                self._store.halts.keep(after)
                log.warning("%s wants no more calls for %.0f s", job.model_id, after.until - now)
            return after.until
        if nack.error_class in throttle.SHUTTING and not before.paused:
            self._store.halts.keep(throttle.pause(before, nack.reason))
            self._tell(QueueChange(paused=True, model_id=job.model_id, reason=nack.reason[:300]))
            log.error("%s is paused until somebody resumes it: %s", job.model_id, nack.reason)
        return 0.0

    def answered(self, model_id: str) -> None:
        """A model has answered, whatever that was: what failed before it is forgotten."""
        if model_id not in self.ailing:
            return
        self.ailing -= {model_id}
        before = self._store.halts.circuit(model_id)
        self._store.halts.keep_circuit(Circuit(model_id))
        if before.trips:
            log.info("%s answers again", model_id)

    def _failed(self, model_id: str, reason: str) -> float:
        now = self._steady()
        before = self._store.halts.circuit(model_id)
        after = circuit.fail(before, reason, now)
        self.ailing |= {model_id}
        if after != before:
            self._store.halts.keep_circuit(after)
        if after.trips > before.trips:
            text = "%s has failed %d times in a row and is left alone for %.0f s, then tried with one job: %s"
            log.warning(text, model_id, after.failures, after.until - now, reason)
        return after.until

    def _set(self, request: Pause, paused: bool) -> Message:
        if request.model_id is not None:
            return Changed(jobs=self._set_model(request.model_id, paused))
        if request.plan is not None:
            cap = request.cost_cap if isinstance(request, Resume) else None
            return Changed(jobs=self._set_plan(request.plan, paused, cap))
        if self._store.paused == paused:
            return Changed(jobs=0)
        self._store.pause(paused)
        self._tell(QueueChange(paused=paused))
        log.info("no more jobs are handed out" if paused else "jobs are handed out again")
        return Changed(jobs=self._store.halts.waiting())

    def _set_model(self, model_id: str, paused: bool) -> int:
        halts = self._store.halts
        before = halts.throttle(model_id)
        if self._config.model(model_id) is None and not before.paused and not halts.knows(model_id):
            known = ", ".join(model.model_id for model in self._config.models)
            raise ProtocolError(
                Code.UNKNOWN_MODEL,
                f"There is no model {model_id}; the known ones are {known}.",
                details=known,
            )
        after = throttle.pause(before) if paused else throttle.resume(before)
        rests = not paused and halts.circuit(model_id).trips > 0
        if before.paused == paused and (paused or after == before) and not rests:
            return 0
        halts.keep(after)
        if rests:
            halts.keep_circuit(Circuit(model_id))
        self._tell(QueueChange(paused=paused, model_id=model_id))
        log.info("jobs of %s are %s", model_id, "no longer handed out" if paused else "handed out again")
        return halts.waiting(model_id=model_id)

    def cap(self, plan_id: str, reason: str) -> None:
        """Pause a plan that may cost no more, until it may."""
        self._store.accounts.cap(plan_id, reason)
        self._halt(plan_id, True, reason)

    def uncap(self, plan_id: str) -> None:
        """Let a plan go on that its cap has paused: a call of it came to nothing."""
        self._store.accounts.cap(plan_id, "")
        self._halt(plan_id, False)

    def _set_plan(self, plan_id: str, paused: bool, cap: float | None) -> int:
        plan = self._store.plans.get(plan_id)
        if plan is None:
            raise ProtocolError(Code.UNKNOWN_PLAN, f"There is no plan {plan_id}.")
        halts, accounts = self._store.halts, self._store.accounts
        if cap is not None:
            self._spending.check_cap(cap)
            accounts.set_cap(plan_id, cap)
        if not paused and plan.capped and not self._spending.may_go_on(plan_id, plan.model_id):
            raise ProtocolError(Code.WRONG_STATE, self._spending.why_capped(plan_id, plan.model_id))
        if plan.capped:
            # Paused by a person as well, or resumed by one: either is what counts from now on.
            accounts.cap(plan_id, "")
        if halts.holds(plan_id) == paused:
            return 0
        self._halt(plan_id, paused)
        return halts.waiting(plan=plan_id)

    def _halt(self, plan_id: str, paused: bool, reason: str = "") -> None:
        self._store.halts.set_plan(plan_id, PAUSED if paused else RESUMING)
        self._tell(QueueChange(paused=paused, plan=plan_id, reason=reason[:300]))
        how = "no longer handed out" if paused else "handed out again"
        because = f": {reason}" if reason else ""
        log.info("its jobs are %s%s", how, because, extra=about(plan=plan_id))
        self._mark_soon(plan_id, paused)

    def _mark_soon(self, plan_id: str, paused: bool) -> None:
        self._marking[plan_id] = mine = object()
        self._in_background(self._mark(plan_id, paused, mine))

    def _mark(self, plan_id: str, paused: bool, mine: object) -> LongDeed:
        """Mark the pending jobs of a plan, unless somebody has turned it about meanwhile."""
        after: int | None = 0
        try:
            while self._is_wanted(plan_id, paused, mine) and after is not None:
                after = self._store.halts.mark_plan(plan_id, paused, after)
                if after is None and not paused:
                    self._store.halts.set_plan(plan_id, RUNS)
                yield
        finally:
            if self._marking.get(plan_id) is mine:
                del self._marking[plan_id]
        return None

    def _is_wanted(self, plan_id: str, paused: bool, mine: object) -> bool:
        # What paused it may not have been committed: then none of its jobs may be marked.
        return self._marking.get(plan_id) is mine and self._store.halts.holds(plan_id) == paused

    def _tell(self, change: QueueChange) -> None:
        self._store.events.append(change, self._clock())
