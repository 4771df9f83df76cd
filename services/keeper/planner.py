"""The planner: turns what was asked for into jobs in the queue, or says why it cannot be done."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from protocol.control import Fill, Generate, Planned, Replan
from protocol.errors import Code, ProtocolError
from protocol.event import PlanChange
from protocol.ingest import LEFT_OUT_NAMED, Accepted, Publish
from protocol.plan import Step
from protocol.view import LeftOut
from protocol.view import PlannedStep as PlannedView
from services.config import AppConfig, Model
from services.keeper import forecast
from services.keeper.asked import asked as asked_of
from services.keeper.asked import lay
from services.keeper.draft import Draft, draw_up
from services.keeper.entry import Entry, enter
from services.keeper.ground import Cell, survey
from services.keeper.models import usable
from services.keeper.plans import PlanRow
from services.keeper.request import (
    Case,
    Request,
    Rest,
    box_of,
    check_calls,
    is_dry,
    plan_id,
    region_of,
)
from services.keeper.row import rank
from services.keeper.store import Store

PLANNED_LEFT_OUT = 20_000
"""Quadrants that a dry run names as left out."""

FULL_SECONDS = 30.0
"""When it is worth asking again once the queue is full."""


@dataclass
class Proposal:
    """A sound answer to a request, as long as the ground stays as it was."""

    draft: Draft
    left_out: Sequence[tuple[Cell, str]] = ()
    planned: Planned | None = None
    """The whole answer to a dry run."""
    entry: Entry | None = None
    """The rows of its jobs, once they have numbers."""


class Planner:
    """Looks at the ground, draws up, numbers, accepts; what takes long reads nothing but its arguments.

    So a large plan is drawn up and written out in a thread, and only looked at and put in between others.
    """

    def __init__(self, config: AppConfig, store: Store, clock: Callable[[], float]) -> None:
        self._config = config
        self._store = store
        self._clock = clock
        self._promised = 0
        """The last job id given to a plan that has yet to be put in; forgotten with the plan."""

    def take_over(self, config: AppConfig) -> None:
        """Plan by another configuration from now on."""
        self._config = config

    def before(self, request: Request) -> Accepted | None:
        """The answer that the same plan id got before."""
        if isinstance(request, Replan) and request.id == request.plan:
            raise ProtocolError(
                Code.BAD_PLAN, f"The new plan needs an id of its own, not {request.plan} again."
            )
        plan = None if is_dry(request) else self._store.plans.get(plan_id(request))
        return None if plan is None else _accepted(plan, duplicate=True)

    def is_settled(self, plan_id: str) -> bool:
        """Whether there is such a plan and it can no longer go on by itself."""
        plan = self._store.plans.get(plan_id)
        return plan is not None and plan.settled

    def survey(self, request: Request) -> Case:
        """What the request depends on, as it is now; raises what can be said without long thought."""
        rest = self._rest(request.plan) if isinstance(request, Replan) else None
        region = region_of(request, rest)
        box = region.box if region is not None else box_of(request)
        replaces = rest.plan.id if rest is not None else ""
        ground = survey(self._store, box, plan=plan_id(request), replaces=replaces)
        if region is not None:
            check_calls(region, ground.finished)
        seconds = {}
        if is_dry(request):
            for model_id in self._models_named(request, rest):
                seconds[model_id] = self._store.paces.seconds(model_id)
        return Case(request, ground, region, rest, seconds)

    def propose(self, case: Case) -> Proposal:
        """Draw the request up on its ground; raises ProtocolError. Reads nothing but its arguments."""
        found = None if case.region is None else lay(case.region, case.ground, dry=is_dry(case.request))
        asked = asked_of(case, found)
        models = {
            step.id: self._model(step, step.model_id or asked.model_id)
            for step in asked.steps
            if step.kind == "generate"
        }
        draft = draw_up(asked, case.ground, models, max_attempts=self._config.max_attempts, now=self._clock())
        left_out = sorted(((c.x, c.y), why) for c, why in found.left_out.items()) if found else []
        proposal = Proposal(draft, left_out)
        if is_dry(case.request):
            proposal.planned = self._planned(case, proposal, models)
        return proposal

    def number(self, proposal: Proposal) -> int:
        """Promise the jobs of a proposal their ids; the first of them. Nobody else gets them if it fails."""
        first = self._next_id()
        self._promised = first + len(proposal.draft.jobs) - 1
        return first

    def is_stale(self, case: Case, proposal: Proposal, now: Case) -> bool:
        """Whether what was proposed could be wrong by now, so that it must be drawn up again."""
        draft, ground = proposal.draft, now.ground
        palette = (case.ground.palette_made, case.ground.palette_job)
        return (
            case.ground.has_changed_for(draft.cells, ground)
            or self._store.queue.any_dead(draft.leans_on)
            # Its own palette job was drawn up when there was none; there must be only one.
            or (
                (draft.palette is not None and draft.palette < 0)
                and palette != (ground.palette_made, ground.palette_job)
            )
        )

    def check_room(self, jobs: int) -> None:
        """Raise BUSY if so many jobs more are too many for now, or TOO_LARGE if they always are."""
        limit = self._config.queue_limit
        if jobs > limit:
            raise ProtocolError(
                Code.TOO_LARGE,
                f"The plan comes to {jobs} jobs; the queue takes {limit} in all (queue_limit).",
            )
        unfinished = self._store.queue.unfinished()
        if unfinished + jobs > limit:
            raise ProtocolError(
                Code.BUSY,
                f"The queue has {unfinished} unfinished jobs and takes {limit}, so a plan of {jobs} was not "
                "accepted; publish it again when some are done.",
                retry_after=FULL_SECONDS,
            )

    def accept(self, proposal: Proposal) -> Accepted:
        """Put the plan and all its jobs into the queue."""
        self.check_room(len(proposal.draft.jobs))
        draft, store = proposal.draft, self._store
        asked = draft.asked
        first = rank(draft.jobs[0]) if draft.jobs else 0
        position = store.queue.count("status = 'pending' AND rank <= ?", (first,)) if draft.jobs else 0
        entry = proposal.entry or enter(draft, self._next_id())
        jobs, needs = entry.jobs, entry.needs
        generated = sum(len(job.quadrants) for job in jobs if job.kind == "generate")
        rendered = sum(len(job.quadrants) for job in jobs if job.kind == "render")
        plan = PlanRow(
            id=asked.id,
            name=asked.name,
            model_id=asked.model_id or (self._config.default_model if generated else ""),
            lane=asked.lane,
            created_at=draft.now,
            settled=False,
            quadrants_total=generated or rendered,
            position=position,
            first_job=entry.first,
            jobs=len(jobs),
            borrowed=tuple(sorted(draft.borrowed)),
            bounds=draft.box,
            left_out=tuple((x, y, why) for (x, y), why in proposal.left_out[:LEFT_OUT_NAMED]),
            left_out_count=len(proposal.left_out),
        )
        store.plans.insert(plan)
        store.queue.insert(entry.rows, entry.cells, needs)
        store.tiles.repair(plan.id, asked.repair)
        if asked.lane == "interactive":
            store.dependencies.hurry(draft.leans_on)
        store.events.append(
            PlanChange(plan=plan.id, name=plan.name, state="accepted", jobs=plan.jobs), draft.now
        )
        store.events.extend(entry.events)
        return _accepted(plan)

    def _next_id(self) -> int:
        return max(self._store.queue.next_id(), self._promised + 1)

    def _rest(self, plan_id: str) -> Rest:
        """What is left of a plan; raises WRONG_STATE while it can still go on by itself."""
        plan = self._store.plans.get(plan_id)
        if plan is None:
            raise ProtocolError(Code.UNKNOWN_PLAN, f"There is no plan {plan_id}.")
        if self._store.dependencies.can_go_on(plan_id, kind="generate"):
            raise ProtocolError(
                Code.WRONG_STATE,
                f"Plan {plan_id} can still go on by itself; wait until it has settled, or cancel it first.",
            )
        rest = Rest(plan, tuple(self._store.queue.of_plan(plan_id)))
        if not rest.quadrants:
            raise ProtocolError(Code.WRONG_STATE, f"Plan {plan_id} has nothing left to be planned anew.")
        return rest

    def _models_named(self, request: Request, rest: Rest | None) -> set[str]:
        if rest is not None:
            return {job.model_id for job in rest.jobs}
        if isinstance(request, Publish):
            named_ones = {step.model_id or request.plan.model_id for step in request.plan.steps}
            named_ones.add(request.plan.model_id)
        else:
            named_ones = {request.model_id} if isinstance(request, Fill | Generate) else set()
        return {model_id or self._config.default_model for model_id in named_ones}

    def _model(self, step: Step, model_id: str | None) -> Model:
        try:
            return usable(self._config, model_id)
        except ProtocolError as error:
            if step.model_id is None:
                raise
            raise ProtocolError(
                error.code, f"Step {step.id}: {error.message}", details=error.details
            ) from None

    def _planned(self, case: Case, proposal: Proposal, models: dict[str, Model]) -> Planned:
        """What a dry run says."""
        draft = proposal.draft
        steps = draft.asked.steps
        renders = sum(job.kind == "render" for job in draft.jobs)
        estimate = forecast.forecast(
            steps, renders=renders, models=models, seconds=case.seconds, config=self._config
        )
        wave = forecast.waves(steps)
        return Planned(
            steps=[
                PlannedView(
                    id=step.id,
                    quadrants=step.quadrants,
                    padding=step.padding,
                    scaffold=step.scaffold,
                    after=step.after,
                    wave=wave[step.id],
                )
                for step in steps
                if step.kind == "generate"
            ],
            waves=estimate.waves,
            renders=renders,
            left_out=_named(proposal.left_out[:PLANNED_LEFT_OUT]),
            left_out_count=len(proposal.left_out),
            repaired=list(draft.asked.repair),
            estimate=estimate,
        )


def _accepted(plan: PlanRow, *, duplicate: bool = False) -> Accepted:
    return Accepted(
        plan=plan.id,
        duplicate=duplicate,
        jobs=plan.job_ids,
        position=plan.position,
        left_out=_named([((x, y), why) for x, y, why in plan.left_out]),
        left_out_count=plan.left_out_count,
    )


def _named(left_out: Collection[tuple[Cell, str]]) -> list[LeftOut]:
    return [LeftOut(quadrant=cell, reason=why[:8_000]) for cell, why in left_out]
