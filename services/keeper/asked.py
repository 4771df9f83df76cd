"""What a request asks for: its own steps, or those that the planner lays over its region."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from protocol.errors import Code, ProtocolError
from protocol.ingest import Publish
from protocol.plan import STEP_LIMIT, Step
from protocol.region import Compare, Generate, Render, Replan
from services.keeper import parts
from services.keeper.draft import Asked, check_shape
from services.keeper.ground import Cell, Ground
from services.keeper.request import Case, Parted, Region, Rest, too_many
from services.tiling import planning
from services.tiling.quadrant import Quadrant
from services.tiling.region import BadRegion, named
from services.tiling.seam import Refusal, place_padded

REASONS = 3
"""Reasons in the sentence that refuses a region."""


def lay(region: Region, ground: Ground, *, dry: bool) -> planning.Planning:
    """The steps that fill a region as far as that can be; raises CONFLICT, SEAM, BAD_PLAN, TOO_LARGE."""
    cells = region.cells()
    unread = _unread(region, ground)
    if unread:
        cells = [cell for cell in cells if cell not in unread]
        if not cells:
            why = next(iter(unread.values()))
            raise ProtocolError(Code.WRONG_STATE, f"No quadrant of the region can be drawn. {why}")
    # A conflict passes by itself, finished ground does not: say the one that helps.
    ground.check_free({cell for cell in cells if cell not in ground.finished})
    surroundings = planning.Map(ground.finished, ground.kept_out(), ground.failed)
    try:
        found = planning.plan(cells, surroundings, repair=region.repair)
    except BadRegion as error:
        raise ProtocolError(Code.BAD_PLAN, str(error)) from None
    if len(found.steps) > STEP_LIMIT:
        raise too_many(len(found.steps))
    if unread:
        found = replace(
            found, left_out={**found.left_out, **{Quadrant(*c): why for c, why in unread.items()}}
        )
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


def _unread(region: Region, ground: Ground) -> dict[Cell, str]:
    """The quadrants of a region that models of the plan have nothing to draw from, with the reason."""
    found: dict[Cell, str] = {}
    for layer, source in ground.sources.items():
        why = f"It would be drawn from {layer}, where it is not finished and nobody is about to draw it."
        found |= {cell: why for cell in region.cells() if source.lacks(cell) and cell not in ground.finished}
    return found


def asked(case: Case, found: planning.Planning | None, *, without_chance: Collection[str] = ()) -> Asked:
    """The request as steps; `found` are those laid over its region, if it has one.

    To compare models `without_chance` with different seeds would only make the same picture again.
    """
    request, steps = case.request, [_as_step(step) for step in found.steps] if found else []
    repaired = _plain(found.repaired) if found else []
    if isinstance(request, Publish):
        plan = request.plan
        texts = (plan.prompt, plan.negative_prompt)
        repair = plan.repair or repaired
        laid = steps if found else plan.steps
        return Asked(
            plan.id,
            plan.name,
            plan.model_id,
            *texts,
            plan.lane,
            laid,
            repair,
            priority=plan.priority,
            cost_cap=plan.cost_cap,
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
            cost_cap=head.cost_cap,
        )
    if isinstance(request, Render):
        step = Step(id="render", kind="render", quadrants=list(dict.fromkeys(request.quadrants)))
        return Asked(request.plan, "", None, "", "", request.lane, [step])
    if isinstance(request, Replan):
        assert case.rest is not None
        return _again(request.id, case.rest, steps, repaired)
    texts = (request.prompt, request.negative_prompt)
    if isinstance(request, Compare):
        return _compared(request, case.ground.whole(), without_chance)
    if isinstance(request, Generate):
        steps = [_placed(list(dict.fromkeys(request.quadrants)), case.ground.whole())]
        return Asked(request.plan, "", request.model_id, *texts, request.lane, steps)
    cap = request.cost_cap
    return Asked(
        request.plan, request.name, request.model_id, *texts, request.lane, steps, repaired, cost_cap=cap
    )


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
        rest.cap_left,
    )


def _compared(request: Compare, ground: Ground, without_chance: Collection[str]) -> Asked:
    """One step for each model and seed, all of them the same call on the ground as if nothing stood there."""
    quadrants = list(dict.fromkeys(request.quadrants))
    x, y = quadrants[0]
    repair = [cell for cell in quadrants if cell in ground.finished]
    placed = _placed(quadrants, ground, but=repair)
    seeds: dict[str, int | None] = {}
    steps: list[Step] = []
    for model in dict.fromkeys(request.models):
        same = model in without_chance or not request.seeds
        for seed in (None,) if same else dict.fromkeys(request.seeds):
            step = placed.model_copy(update={"id": f"candidate-{len(steps) + 1}", "model_id": model})
            seeds[step.id] = seed
            steps.append(step)
    texts = (request.prompt, request.negative_prompt)
    name = f"Comparison at {x},{y}"
    return Asked(request.plan, name, request.models[0], *texts, request.lane, steps, repair, seeds=seeds)


def _placed(quadrants: list[Cell], ground: Ground, *, but: Collection[Cell] = ()) -> Step:
    """The step of one call, padded where just its quadrants would not be legal; `but` counts as empty."""
    step = Step(id="generate", quadrants=quadrants)
    check_shape(step)
    ground.check_free(quadrants)
    finished = ground.finished.difference(but)
    found = place_padded(quadrants, finished, ground.kept_out())
    if isinstance(found, Refusal):
        # Padding on what others have reserved is refused as a conflict, which passes by itself.
        found = place_padded(quadrants, finished)
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
