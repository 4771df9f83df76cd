"""The planner: turns what was asked for into jobs in the queue, or says why it cannot be done."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from protocol.control import Fill, Generate, Planned, Render
from protocol.errors import Code, ProtocolError
from protocol.event import PlanChange
from protocol.ingest import Accepted, Publish
from protocol.message import COORDINATE_LIMIT
from protocol.plan import STEP_LIMIT, Step
from protocol.view import Estimate
from protocol.view import PlannedStep as PlannedView
from services.config import AppConfig
from services.keeper import proof
from services.keeper.draft import Asked, Draft, check_shape, draw_up
from services.keeper.entry import Entry, enter
from services.keeper.ground import Cell, Ground, survey
from services.keeper.models import usable
from services.keeper.plans import PlanRow
from services.keeper.store import Store
from services.tiling import estimate, planning
from services.tiling.region import bounding, rectangle
from services.tiling.seam import Refusal, place_padded

Request = Publish | Render | Generate | Fill


@dataclass(frozen=True)
class Proposal:
    """A sound answer to a request, as long as the ground stays as it was."""

    draft: Draft
    entry: Entry | None
    """None for what is only looked at."""
    pattern: Sequence[planning.PlannedStep] = ()


class Planner:
    """Looks at the ground, draws up, accepts: three steps, so that the second may run in a thread."""

    def __init__(self, config: AppConfig, store: Store, clock: Callable[[], float]) -> None:
        self._config = config
        self._store = store
        self._clock = clock

    def before(self, request: Request) -> Accepted | None:
        """The answer that the same plan id got before."""
        if isinstance(request, Fill) and request.dry_run:
            return None
        plan = self._store.plans.get(plan_id(request))
        if plan is None:
            return None
        return Accepted(plan=plan.id, duplicate=True, jobs=plan.job_ids, position=plan.position)

    def survey(self, request: Request) -> Ground:
        """What the request depends on, as it is now."""
        corners = _corners(request)
        if corners is not None:
            _check_size(corners)
            # Islands may overhang the right and the bottom edge by one.
            box = (corners[0], corners[1], corners[2] + 1, corners[3] + 1)
        else:
            cells = _cells(request)
            box = bounding(cells) if cells else (0, 0, 0, 0)
        return survey(self._store, box, plan=plan_id(request))

    def propose(self, request: Request, ground: Ground) -> Proposal:
        """Draw the request up on this ground; raises ProtocolError. Reads nothing but its arguments."""
        pattern: list[planning.PlannedStep] = []
        corners = _corners(request)
        if corners is not None:
            # A conflict passes by itself, finished ground does not: say the one that helps.
            ground.check_free(rectangle(*corners))
            found = planning.fill(*corners, ground.finished)
            if isinstance(found, Refusal):
                raise ProtocolError(Code.SEAM, found.reason)
            pattern = found
        asked = self._asked(request, ground, pattern)
        models = {
            step.id: usable(self._config, step.model_id or asked.model_id)
            for step in asked.steps
            if step.kind == "generate"
        }
        draft = draw_up(asked, ground, models, max_attempts=self._config.max_attempts, now=self._clock())
        dry_run = isinstance(request, Fill) and request.dry_run
        return Proposal(draft, None if dry_run else enter(draft, ground.next_job), pattern)

    def accept(self, proposal: Proposal) -> Accepted:
        """Put the plan and all its jobs into the queue."""
        draft, store = proposal.draft, self._store
        asked = draft.asked
        priority = 0 if asked.lane == "interactive" else 1
        position = store.queue.count("status = 'pending' AND priority <= ?", (priority,)) if draft.jobs else 0
        first, entry = store.queue.next_id(), proposal.entry
        if entry is None or entry.first != first:
            entry = enter(draft, first)
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
            first_job=first,
            jobs=len(jobs),
            borrowed=tuple(sorted(draft.borrowed)),
            bounds=bounding(cell for step in asked.steps for cell in proof.infill(step)),
        )
        store.plans.insert(plan)
        store.queue.insert(entry.rows, entry.cells, needs)
        if asked.lane == "interactive":
            store.dependencies.hurry({needed for _, needed in needs if needed < first} | draft.borrowed)
        store.events.append(
            PlanChange(plan=plan.id, name=plan.name, state="accepted", jobs=plan.jobs), draft.now
        )
        store.events.extend(entry.events)
        return Accepted(plan=plan.id, jobs=plan.job_ids, position=position)

    def planned(self, proposal: Proposal) -> Planned:
        """What a dry run says."""
        return Planned(
            steps=[
                PlannedView(
                    id=step.id,
                    quadrants=_plain(step.quadrants),
                    padding=_plain(step.padding),
                    scaffold=_plain(step.scaffold),
                    after=list(step.after),
                    wave=step.wave,
                )
                for step in proposal.pattern
            ],
            waves=max((step.wave for step in proposal.pattern), default=0),
            renders=sum(job.kind == "render" for job in proposal.draft.jobs),
            estimate=Estimate.model_validate(
                {
                    "calls": len(proposal.pattern),
                    "quadrants": sum(len(step.quadrants) for step in proposal.pattern),
                    "waves": max((step.wave for step in proposal.pattern), default=0),
                    "renders": sum(job.kind == "render" for job in proposal.draft.jobs),
                    "shapes": estimate.shapes(proposal.pattern),
                    "concurrency": 1,
                }
            ),
        )

    def _asked(self, request: Request, ground: Ground, pattern: Sequence[planning.PlannedStep]) -> Asked:
        steps = [_as_step(step) for step in pattern]
        if isinstance(request, Publish):
            plan = request.plan
            return Asked(
                plan.id,
                plan.name,
                plan.model_id,
                plan.prompt,
                plan.negative_prompt,
                plan.lane,
                steps or plan.steps,
            )
        if isinstance(request, Render):
            step = Step(id="render", kind="render", quadrants=list(dict.fromkeys(request.quadrants)))
            return Asked(request.plan, "", None, "", "", request.lane, [step])
        if isinstance(request, Generate):
            steps = [_placed(list(dict.fromkeys(request.quadrants)), ground)]
        return Asked(
            request.plan,
            request.name if isinstance(request, Fill) else "",
            request.model_id,
            request.prompt,
            request.negative_prompt,
            request.lane,
            steps,
        )


def plan_id(request: Request) -> str:
    """The id that makes a repeat harmless."""
    return request.plan.id if isinstance(request, Publish) else request.plan


def size(request: Request) -> int:
    """Roughly how many jobs the request comes down to."""
    corners = _corners(request)
    if corners is not None:
        return planning.calls(corners[2] - corners[0] + 1, corners[3] - corners[1] + 1)
    return len(request.plan.steps) if isinstance(request, Publish) else 1


def _placed(quadrants: list[Cell], ground: Ground) -> Step:
    """The one step of a generate request, padded where exactly its quadrants would not be legal."""
    step = Step(id="generate", quadrants=quadrants)
    check_shape(step)
    ground.check_free(quadrants)
    found = place_padded(quadrants, ground.finished)
    if isinstance(found, Refusal):
        raise ProtocolError(Code.SEAM, found.reason)
    return step.model_copy(update={"padding": _plain(found.padding)})


def _corners(request: Request) -> tuple[int, int, int, int] | None:
    """Left, top, right, bottom, if the request leaves the steps to the keeper."""
    given = request.rectangle if isinstance(request, Fill) else None
    if isinstance(request, Publish):
        given = request.plan.rectangle
    return None if given is None else bounding(_ends(given))


def _ends(corners: tuple[int, int, int, int]) -> tuple[Cell, Cell]:
    return (corners[0], corners[1]), (corners[2], corners[3])


def _cells(request: Request) -> list[Cell]:
    if isinstance(request, Publish):
        return [cell for step in request.plan.steps for cell in proof.infill(step)]
    return [] if isinstance(request, Fill) else list(request.quadrants)


def _check_size(corners: tuple[int, int, int, int]) -> None:
    if max(corners[2], corners[3]) >= COORDINATE_LIMIT:
        raise ProtocolError(
            Code.BAD_PLAN,
            f"The rectangle lies at ±{COORDINATE_LIMIT}, the edge of the world; stay off it by one.",
        )
    count = planning.calls(corners[2] - corners[0] + 1, corners[3] - corners[1] + 1)
    if count > STEP_LIMIT:
        raise ProtocolError(
            Code.TOO_LARGE,
            f"The rectangle takes {count} model calls; a plan has at most {STEP_LIMIT}. Fill it in parts.",
        )


def _as_step(step: planning.PlannedStep) -> Step:
    return Step(
        id=step.id,
        quadrants=_plain(step.quadrants),
        padding=_plain(step.padding),
        scaffold=_plain(step.scaffold),
        after=list(step.after),
    )


def _plain(cells: Collection[Cell]) -> list[Cell]:
    return [(x, y) for x, y in cells]
