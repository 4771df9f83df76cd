"""The forecast: what a plan takes in calls, time and money, before anything is spent."""

from collections.abc import Mapping, Sequence

from protocol.plan import Step
from protocol.view import Estimate
from services.config import AppConfig
from services.keeper.ancestry import Ancestry
from services.keeper.pace import percentile
from services.model import Model
from services.tiling import estimate


def waves(steps: Sequence[Step]) -> dict[str, int]:
    """When each model call can run at the earliest, from 1, in an order that `after` allows."""
    found: dict[str, int] = {}
    for i in Ancestry(steps).order:
        step = steps[i]
        found[step.id] = max((found[name] for name in step.after), default=0) + (step.kind == "generate")
    return {step.id: found[step.id] for step in steps if step.kind == "generate"}


def forecast(
    steps: Sequence[Step],
    *,
    renders: int,
    models: Mapping[str, Model],
    seconds: Mapping[str, list[float]],
    config: AppConfig,
) -> Estimate:
    """The estimate of a sound plan. `models` are by step, `seconds` the times of past calls by model."""
    calls = [step for step in steps if step.kind == "generate"]
    used = {model.model_id: model for model in models.values()}
    default = config.model(config.default_model)
    assert default is not None
    concurrency = min(config.concurrency(model) for model in used.values() or [default])
    # With several models in one plan, as if each call took as long as one of the slowest.
    times = [seconds.get(model_id) or [] for model_id in used]
    known = calls and all(times)
    called = {step.id: models[step.id].model_id for step in calls}
    apart = {model.model_id: model.seconds_apart for model in used.values() if model.seconds_apart}

    def lasting(share: float) -> float | None:
        slowest = max((percentile(taken, share) for taken in times), default=0.0) if known else None
        if slowest is None:
            return None
        return estimate.duration(calls, slowest, concurrency, models=called, apart=apart)

    costs = [models[step.id].cost_per_image for step in calls]
    cost = None if not costs or None in costs else round(sum(cost or 0.0 for cost in costs), 6)
    return Estimate.model_validate(
        {
            "calls": len(calls),
            "quadrants": sum(len(step.quadrants) for step in calls),
            "waves": max(waves(steps).values(), default=0),
            "renders": renders,
            "shapes": estimate.shapes(calls),
            "seconds_p50": lasting(0.5),
            "seconds_p90": lasting(0.9),
            "concurrency": concurrency,
            "cost": cost,
        }
    )
