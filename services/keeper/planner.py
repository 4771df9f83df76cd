"""The planner: turns what was asked for into jobs in the queue, or says why it cannot be done."""

from collections.abc import Callable, Collection, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from protocol.errors import Code, ProtocolError
from protocol.ingest import Accepted, Publish
from protocol.message import Layer
from protocol.region import Fill, Generate, Replan
from services.config import AppConfig
from services.keeper import staging
from services.keeper.commission import Order
from services.keeper.entry import Line, enter
from services.keeper.events import Row as EventRow
from services.keeper.events import plan_row as event_of
from services.keeper.ground import Box, Cell, Ground, Sought, around, survey, survey_renders, touch
from services.keeper.lineup import LineUp
from services.keeper.lookout import Lookout
from services.keeper.panorama import Panorama, is_wide, look
from services.keeper.plans import PlanRow
from services.keeper.proposal import Drawn, Proposal, Proposer, named
from services.keeper.request import (
    Case,
    Region,
    Request,
    Rest,
    box_of,
    calls_models,
    check_calls,
    is_dry,
    models_of,
    plan_id,
    region_of,
)
from services.keeper.row import rank
from services.keeper.store import Store
from services.keeper.underway import UnderWay

FULL_SECONDS = 30.0
"""When it is worth asking again once the queue is full."""


@dataclass(frozen=True)
class Outline:
    """Where a request is about what."""

    plan: str
    box: Box
    region: Region | None
    rest: Rest | None
    draws: bool
    """Whether it may call models."""
    layer: Layer
    """What those draw."""
    reads: frozenset[Layer]
    """What those draw it from, besides renders."""

    @property
    def sought(self) -> Sought:
        """All that matters to it; a plan that it stands in for is no other's."""
        replaces = self.rest.plan.id if self.rest is not None else ""
        return Sought(
            plan=self.plan,
            layer=self.layer,
            reads=self.reads,
            replaces=replaces,
            draws=self.draws,
            lays=self.region is not None,
        )


class Planner:
    """Looks at the ground, draws up, numbers, accepts; what takes long reads nothing but its arguments.

    So a large plan is drawn up and written out in a thread, and only looked at and put in between others.
    """

    def __init__(self, config: AppConfig, store: Store, clock: Callable[[], float]) -> None:
        self._config = config
        self._store = store
        self._clock = clock
        self.entering = UnderWay()
        """The large plans that are accepted and not wholly in the queue."""
        # Of plans that an earlier life accepted, jobs may still lie in files.
        self._promised = store.staged.last_id()
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
        return None if is_dry(request) else self.accepted(plan_id(request))

    def accepted(self, plan_id: str) -> Accepted | None:
        """The answer that the plan of this id got."""
        return self.accepted_among([plan_id]).get(plan_id)

    def accepted_among(self, plan_ids: Collection[str]) -> dict[str, Accepted]:
        """The answers that those of these plans got that are accepted already."""
        found = self._store.plans.among(plan_ids)
        return {plan.id: _accepted(plan, duplicate=True) for plan in found.values()}

    def order(self, case: Case, path: Path) -> Order:
        """What the process beside needs to draw a request up."""
        return Order(case, self._config, self._clock(), path)

    def is_staged(self, request: Request, file: str) -> bool:
        """Whether the plan was accepted with its jobs in this file."""
        plan = None if is_dry(request) else self._store.plans.get(plan_id(request))
        return plan is not None and plan.staged == file

    def is_settled(self, plan_id: str) -> bool:
        """Whether there is such a plan and it can no longer go on by itself."""
        plan = self._store.plans.get(plan_id)
        return plan is not None and plan.settled

    def survey_renders(self, frames: Collection[Cell]) -> Ground:
        """What all requests depend on that only render these frames."""
        return survey_renders(self._store, frames)

    def survey(self, request: Request, renders: Ground | None = None) -> Case | None:
        """What the request depends on, as it is now; raises what can be said without long thought.

        `renders` is the ground if it only renders and that is known already. None if looking at all of it
        at once might keep others waiting.
        """
        if renders is not None and not calls_models(request):
            if self.entering.any:
                self.entering.check_box(box_of(request))
            return Case(request, renders)
        outline = self._outline(request)
        if is_wide(self._store, outline.box):
            return None
        ground = survey(self._store, outline.box, outline.sought)
        return self._case(request, outline, ground, len(ground.finished))

    def surveying(self, request: Request, lookout: Lookout) -> Generator[None, None, Case]:
        """What a request with wide ground depends on, with others served at each `yield`.

        The lookout sees from here on what changes meanwhile and afterwards.
        """
        outline = self._outline(request)
        lookout.watch(around(outline.box)[0], outline.layer)
        ground = yield from look(self._store, outline.box, outline.sought)
        return self._case(request, outline, ground, ground.finished.count)

    def _outline(self, request: Request) -> Outline:
        """Where a request is about what; raises BUSY and whatever else can be said without looking there."""
        if isinstance(request, Replan):
            self.entering.check_plan(request.plan)
        rest = self._rest(request.plan) if isinstance(request, Replan) else None
        region = region_of(request, rest)
        box = region.box if region is not None else box_of(request)
        self.entering.check_box(box)
        draws = region is not None or calls_models(request)
        layer, reads = self._layers(request, rest)
        return Outline(plan_id(request), box, region, rest, draws, layer, reads)

    def _layers(self, request: Request, rest: Rest | None) -> tuple[Layer, frozenset[Layer]]:
        """What the models of a request draw, and from what besides renders.

        Of several the first says it: whoever draws the request up refuses models that do not agree.
        """
        named = models_of(request) if rest is None else {job.model_id for job in rest.jobs}
        found = [self._config.model(model_id or self._config.default_model) for model_id in named]
        models = sorted((model for model in found if model is not None), key=lambda model: model.model_id)
        layer = models[0].output_layer if models else "generation"
        reads = frozenset(model.input_layer for model in models if not model.reads_renders)
        return (layer if rest is None else rest.plan.layer), reads

    def _case(self, request: Request, outline: Outline, ground: Ground | Panorama, finished: int) -> Case:
        region, rest = outline.region, outline.rest
        if region is not None:
            check_calls(region, finished)
        seconds = {}
        if is_dry(request):
            for model_id in self._models_named(request, rest):
                seconds[model_id] = self._store.paces.seconds(model_id)
        return Case(request, ground, outline.layer, region, rest, seconds)

    @property
    def lookouts(self) -> list[Lookout]:
        """Those that are told what is laid and lifted."""
        return self._store.tiles.lookouts

    @property
    def palette_made(self) -> bool:
        """Whether no plan has to see to the palette any more."""
        return self._store.tiles.asset("palette") is not None

    @property
    def proposer(self) -> Proposer:
        """What draws up: it reads nothing but its arguments, so it works in any thread or process."""
        return Proposer(self._config, self._clock())

    def number(self, jobs: int) -> int:
        """Promise so many jobs their ids; the first of them. Nobody else gets them if it comes to nothing."""
        first = self._next_id()
        self._promised = first + jobs - 1
        return first

    def is_stale(self, case: Case, found: Proposal | Drawn, now: Case | None, lookout: Lookout) -> bool:
        """Whether what was proposed could be wrong by now, so that it must be drawn up again.

        The lookout knows of wide ground what has changed, so that nobody looks at all of it again.
        """
        ground = case.ground
        if isinstance(ground, Ground):
            if now is None or not isinstance(now.ground, Ground):
                return True
            changed = ground.changes(now.ground)
        else:
            but = (plan_id(case.request), case.rest.plan.id if case.rest is not None else "")
            reserved = self._store.whereabouts.reserved(case.layer, *lookout.box, but=but)
            changed = lookout.changed | {(x, y) for x, y, _ in {*reserved} - ground.reserved}
        if isinstance(found, Drawn):
            beside = staging.draws_beside(found.path, changed)
            leans_on, own_palette = found.leans_on, found.own_palette
        else:
            beside = touch(changed, found.draft.cells)
            leans_on, own_palette = found.draft.leans_on, found.draft.own_palette
        if beside or self._store.queue.any_dead(leans_on):
            return True
        # Its own palette job was drawn up when there was none; there must be only one.
        return own_palette and (self.palette_made or self._store.queue.palette() != ground.palette_job)

    def check_room(self, jobs: int, unfinished: int) -> None:
        """Raise BUSY if so many jobs are too many beside the unfinished, TOO_LARGE if they always are."""
        limit = self._config.queue_limit
        if jobs > limit:
            raise ProtocolError(
                Code.TOO_LARGE,
                f"The plan comes to {jobs} jobs; the queue takes {limit} in all (queue_limit).",
            )
        if unfinished + jobs > limit:
            raise ProtocolError(
                Code.BUSY,
                f"The queue has {unfinished} unfinished jobs and takes {limit}, so a plan of {jobs} was not "
                "accepted; publish it again when some are done.",
                retry_after=FULL_SECONDS,
            )

    def accept(self, proposals: Sequence[Proposal]) -> list[Accepted | ProtocolError]:
        """Put plans that have nothing to do with each other into the queue; of each the answer."""
        plans: list[PlanRow] = []
        accepted: list[Proposal] = []
        lines: list[Line] = []
        events: list[EventRow] = []
        answers: list[Accepted | ProtocolError] = []
        unfinished, first = self._store.queue.unfinished(), self._next_id()
        line_up, proposer = LineUp(self._store.queue.standing_before), self.proposer
        for proposal in proposals:
            draft = proposal.draft
            try:
                self.check_room(len(draft.jobs), unfinished)
            except ProtocolError as error:
                answers.append(error)
                continue
            entry = proposal.entry or enter(draft, first)
            jobs = len(draft.jobs)
            position = line_up.position(rank(draft.asked), draft.pending) if jobs else 0
            plan = proposer.plan_row(proposal, entry.first, position=position, entered=jobs)
            plans.append(plan)
            accepted.append(proposal)
            lines += entry.lines
            events += [_told(plan), *(line.event for line in entry.lines)]
            answers.append(_accepted(plan))
            unfinished += plan.jobs
            first += plan.jobs
        self._store.plans.insert(plans)
        self._store.queue.insert(
            [line.row for line in lines],
            [cell for line in lines for cell in line.cells],
            [needs for line in lines for needs in line.needs],
        )
        self._store.events.extend(events)
        for plan, proposal in zip(plans, accepted, strict=True):
            self._claim(plan, proposal.draft.asked.repair, proposal.draft.leans_on)
        return answers

    def accept_drawn(self, drawn: Drawn) -> Accepted:
        """Put the plan in; from here on it is accepted, and its jobs follow whatever happens."""
        self.check_room(drawn.plan.jobs, self._store.queue.unfinished())
        position = self._store.queue.standing_before(rank(drawn.plan)) if drawn.plan.jobs else 0
        plan = drawn.plan._replace(staged=drawn.path.name, position=position)
        self.entering.add(plan.id, plan.bounds, plan.jobs)
        self._store.plans.insert([plan])
        self._store.events.extend([_told(plan)])
        self._claim(plan, drawn.repair, drawn.leans_on)
        return _accepted(plan)

    def _claim(self, plan: PlanRow, repair: Collection[Cell], leans_on: Collection[int]) -> None:
        """What a plan does beside putting its own jobs in."""
        self._store.tiles.repair(plan.id, plan.layer, repair)
        if plan.lane == "interactive":
            self._store.dependencies.hurry(leans_on)

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
        rest = Rest(plan, tuple(self._store.queue.of_plan(plan_id)), self._store.accounts.plan(plan_id).left)
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


def _accepted(plan: PlanRow, *, duplicate: bool = False) -> Accepted:
    return Accepted(
        plan=plan.id,
        duplicate=duplicate,
        jobs=plan.job_ids,
        position=plan.position,
        left_out=named([((x, y), why) for x, y, why in plan.left_out]),
        left_out_count=plan.left_out_count,
    )


def _told(plan: PlanRow) -> EventRow:
    """The event of a plan that is accepted."""
    return event_of(plan.id, plan.name, plan.jobs, plan.created_at)
