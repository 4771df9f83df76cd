"""Proposals: what a request comes down to on its ground, drawn up and proved but not accepted yet. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from protocol.errors import Code, ProtocolError
from protocol.ingest import LEFT_OUT_NAMED
from protocol.message import Layer
from protocol.plan import Step
from protocol.region import Planned
from protocol.view import LeftOut
from protocol.view import PlannedStep as PlannedView
from services.config import AppConfig
from services.keeper import forecast
from services.keeper.asked import asked as asked_of
from services.keeper.asked import lay
from services.keeper.draft import Asked, Draft, draw_up
from services.keeper.entry import Entry
from services.keeper.ground import Cell
from services.keeper.models import usable
from services.keeper.plans import PlanRow
from services.keeper.purse import check_cap
from services.keeper.request import Case, is_dry
from services.model import Model
from services.tiling.quadrant import FRAME

PLANNED_LEFT_OUT = 20_000
"""Quadrants that a dry run names as left out."""


@dataclass
class Proposal:
    """A sound answer to a request, as long as the ground stays as it was."""

    draft: Draft
    left_out: Sequence[tuple[Cell, str]] = ()
    planned: Planned | None = None
    """The whole answer to a dry run."""
    entry: Entry | None = None
    """The rows of its jobs, once they have numbers."""


@dataclass(frozen=True)
class Drawn:
    """A large proposal whose jobs are not in memory but in a file, numbered and ready to be moved over."""

    plan: PlanRow
    path: Path
    repair: Sequence[Cell]
    leans_on: frozenset[int]
    own_palette: bool


class Proposer:
    """Draws requests up by one configuration at one moment."""

    def __init__(self, config: AppConfig, now: float) -> None:
        self._config = config
        self._now = now

    def propose(self, case: Case) -> Proposal:
        """Draw the request up on its ground; raises ProtocolError. Reads nothing but its arguments."""
        ground = case.ground.whole()
        found = None if case.region is None else lay(case.region, ground, dry=is_dry(case.request))
        local = {model.model_id for model in self._config.models if model.made_by.local}
        asked = asked_of(case, found, without_chance=local)
        if asked.cost_cap is not None:
            check_cap(asked.cost_cap, self._config)
        models = self._models(asked, case.layer)
        draft = draw_up(asked, ground, models, max_attempts=self._config.max_attempts, now=self._now)
        draft.layer = case.layer
        left_out = sorted(((c.x, c.y), why) for c, why in found.left_out.items()) if found else []
        proposal = Proposal(draft, left_out)
        if is_dry(case.request):
            proposal.planned = self._planned(case, proposal, models)
        return proposal

    def drawn(self, proposal: Proposal, first: int, path: Path) -> Drawn:
        """The proposal, once its jobs are written to a file with ids from `first`."""
        draft = proposal.draft
        repair = list(draft.asked.repair)
        return Drawn(self.plan_row(proposal, first), path, repair, draft.leans_on, draft.own_palette)

    def plan_row(self, proposal: Proposal, first: int, *, position: int = 0, entered: int = 0) -> PlanRow:
        """The plan of a proposal whose jobs are numbered from `first`."""
        draft = proposal.draft
        asked, jobs = draft.asked, draft.jobs
        generated = sum([len(job.quadrants) for job in jobs if job.kind == "generate"])
        rendered = FRAME * FRAME * [job.kind for job in jobs].count("render")
        return PlanRow(
            id=asked.id,
            layer=draft.layer,
            name=asked.name,
            model_id=asked.model_id or (self._config.default_model if generated else ""),
            lane=asked.lane,
            priority=asked.priority,
            created_at=draft.now,
            settled=False,
            quadrants_total=generated or rendered,
            position=position,
            first_job=first,
            jobs=len(jobs),
            entered=entered,
            borrowed=tuple(sorted(draft.borrowed)),
            bounds=draft.box,
            left_out=tuple((x, y, why) for (x, y), why in proposal.left_out[:LEFT_OUT_NAMED]),
            left_out_count=len(proposal.left_out),
            cost_cap=asked.cost_cap,
        )

    def _models(self, asked: Asked, layer: Layer) -> dict[str, Model]:
        """The model of every step that calls one; a plan draws one layer."""
        known: dict[str | None, Model] = {}
        found: dict[str, Model] = {}
        for step in asked.steps:
            if step.kind == "generate":
                model = known.get(step.model_id)
                if model is None:
                    model = known[step.model_id] = self._model(step, step.model_id or asked.model_id)
                    if model.output_layer != layer:
                        raise ProtocolError(
                            Code.BAD_PLAN,
                            f"Step {step.id}: {model.name} draws {model.output_layer}, but the plan draws "
                            f"{layer}; each layer takes a plan of its own.",
                            details=step.id,
                        )
                found[step.id] = model
        return found

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
            left_out=named(proposal.left_out[:PLANNED_LEFT_OUT]),
            left_out_count=len(proposal.left_out),
            repaired=list(draft.asked.repair),
            estimate=estimate,
        )


def named(left_out: Collection[tuple[Cell, str]]) -> list[LeftOut]:
    return [LeftOut(quadrant=cell, reason=why[:8_000]) for cell, why in left_out]
