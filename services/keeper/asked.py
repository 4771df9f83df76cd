"""What a request asks for: its own steps, or those that the planner lays over its region."""

from collections.abc import Collection, Sequence

from protocol.errors import Code, ProtocolError
from protocol.ingest import Publish
from protocol.plan import STEP_LIMIT, Step
from protocol.region import Generate, Render, Replan
from services.keeper import parts
from services.keeper.draft import Asked, check_shape
from services.keeper.ground import Cell, Ground
from services.keeper.request import Case, Parted, Region, Rest, too_many
from services.tiling import planning
from services.tiling.region import BadRegion, named
from services.tiling.seam import Refusal, place_padded

REASONS = 3
"""Reasons in the sentence that refuses a region."""


def lay(region: Region, ground: Ground, *, dry: bool) -> planning.Planning:
    """The steps that fill a region as far as that can be; raises CONFLICT, SEAM, BAD_PLAN, TOO_LARGE."""
    cells = region.cells()
    # A conflict passes by itself, finished ground does not: say the one that helps.
    ground.check_free({cell for cell in cells if cell not in ground.finished})
    surroundings = planning.Map(ground.finished, ground.kept_out(), ground.failed)
    try:
        found = planning.plan(cells, surroundings, repair=region.repair)
    except BadRegion as error:
        raise ProtocolError(Code.BAD_PLAN, str(error)) from None
    if len(found.steps) > STEP_LIMIT:
        raise too_many(len(found.steps))
    if not found.steps and not dry:
        if not found.left_out:
            raise ProtocolError(
                Code.WRONG_STATE, "Every quadrant of the region is finished already; nothing is left to fill."
            )
        whys: dict[str, list[Cell]] = {}
        for cell, why in sorted(found.left_out.items()):
            whys.setdefault(why, []).append(cell)
        reasons = [f"{named(there)}: {why}" for why, there in list(whys.items())[:REASONS]]
        raise ProtocolError(
            Code.SEAM, f"No quadrant of the region can be filled. {' '.join(reasons)}"[:8_000]
        )
    return found


def asked(case: Case, found: planning.Planning | None) -> Asked:
    """The request as steps; `found` are those laid over its region, if it has one."""
    request, steps = case.request, [_as_step(step) for step in found.steps] if found else []
    repaired = _plain(found.repaired) if found else []
    if isinstance(request, Publish):
        plan = request.plan
        texts = (plan.prompt, plan.negative_prompt)
        repair = plan.repair or repaired
        laid = steps if found else plan.steps
        return Asked(
            plan.id, plan.name, plan.model_id, *texts, plan.lane, laid, repair, priority=plan.priority
        )
    if isinstance(request, Parted):
        head = request.plan
        texts = (head.prompt, head.negative_prompt)
        laid = parts.read(request.path)
        return Asked(
            head.id,
            head.name,
            head.model_id,
            *texts,
            head.lane,
            laid,
            request.repair,
            priority=head.priority,
        )
    if isinstance(request, Render):
        step = Step(id="render", kind="render", quadrants=list(dict.fromkeys(request.quadrants)))
        return Asked(request.plan, "", None, "", "", request.lane, [step])
    if isinstance(request, Replan):
        assert case.rest is not None
        return _again(request.id, case.rest, steps, repaired)
    texts = (request.prompt, request.negative_prompt)
    if isinstance(request, Generate):
        steps = [_placed(list(dict.fromkeys(request.quadrants)), case.ground.whole())]
        return Asked(request.plan, "", request.model_id, *texts, request.lane, steps)
    return Asked(request.plan, request.name, request.model_id, *texts, request.lane, steps, repaired)


def _again(new_id: str, rest: Rest, steps: Sequence[Step], repaired: Sequence[Cell]) -> Asked:
    """New steps for what is left of a plan, each with the model of the step that it stands in for."""
    owner = {cell: job.model_id for job in rest.jobs for cell in job.quadrants}
    prompts = {job.model_id: (job.prompt, job.negative_prompt) for job in rest.jobs}
    model_id = rest.plan.model_id if rest.plan.model_id in prompts else rest.jobs[0].model_id
    models = [next((owner[cell] for cell in step.quadrants if cell in owner), None) for step in steps]
    owned = [step.model_copy(update={"model_id": model}) for step, model in zip(steps, models, strict=True)]
    return Asked(
        new_id,
        rest.plan.name,
        model_id,
        "",
        "",
        rest.plan.lane,
        owned,
        repaired,
        rest.jobs[0].priority,
        prompts,
    )


def _placed(quadrants: list[Cell], ground: Ground) -> Step:
    """The one step of a generate request, padded where exactly its quadrants would not be legal."""
    step = Step(id="generate", quadrants=quadrants)
    check_shape(step)
    ground.check_free(quadrants)
    found = place_padded(quadrants, ground.finished, ground.kept_out())
    if isinstance(found, Refusal):
        # Padding on what others have reserved is refused as a conflict, which passes by itself.
        found = place_padded(quadrants, ground.finished)
    if isinstance(found, Refusal):
        raise ProtocolError(Code.SEAM, found.reason)
    return step.model_copy(update={"padding": _plain(found.padding)})


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
