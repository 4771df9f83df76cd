"""The planner: turns what was asked for into jobs, or says why it cannot be done."""

import json
import os
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from protocol.control import Fill, Generate, Planned, Render
from protocol.control import PlannedStep as PlannedView
from protocol.errors import Code, ProtocolError
from protocol.event import PlanChange
from protocol.ingest import Accepted
from protocol.message import COORDINATE_LIMIT
from protocol.plan import STEP_LIMIT, Lane, Plan, Step
from services.config import AppConfig, Model
from services.keeper import proof
from services.keeper.lifecycle import Cells, Job
from services.keeper.plans import PlanRow
from services.keeper.store import Store
from services.keeper.views import job_change
from services.tiling import planning
from services.tiling.quadrant import frame_box, frame_of, frame_quadrants
from services.tiling.region import bounding, frames, is_rectangle, needed_renders
from services.tiling.seam import Refusal, place_padded

JOB_LIMIT = 100_000
PALETTE_FRAMES = ((-1, -1), (0, -1), (-1, 0), (0, 0))
"""Fixed frames around the origin, so that the palette does not depend on the order of work."""
PALETTE_QUADRANTS: Cells = tuple((x, y) for y in range(-2, 2) for x in range(-2, 2))

Cell = tuple[int, int]


@dataclass(frozen=True)
class Asked:
    """What every kind of request comes down to."""

    id: str
    name: str
    model_id: str | None
    prompt: str
    negative_prompt: str
    lane: Lane
    steps: Sequence[Step]


@dataclass
class Draft:
    """The jobs of a plan that is being accepted."""

    asked: Asked
    next_id: int
    max_attempts: int
    now: float
    jobs: list[Job] = field(default_factory=list)
    needs: set[tuple[int, int]] = field(default_factory=set)
    renders: dict[Cell, int] = field(default_factory=dict)
    """Render jobs by canonical frame: this plan's own, and those of others that it waits for."""
    borrowed: set[int] = field(default_factory=set)
    palette: int | None = None

    def add(self, job: Job) -> int:
        """Take a job in; its id is the next one."""
        self.jobs.append(job)
        self.next_id += 1
        return job.id

    def render(self, frame: Cell, step: str) -> int:
        """Take in the render job of a canonical frame."""
        box = frame_box(frame)
        self.renders[frame] = self.add(
            Job(
                id=self.next_id,
                plan=self.asked.id,
                step=step,
                kind="render",
                state="pending",
                lane=self.asked.lane,
                quadrants=tuple((cell.x, cell.y) for cell in frame_quadrants(frame)),
                max_attempts=self.max_attempts,
                created_at=self.now,
                x=box.left,
                y=box.top,
            )
        )
        return self.renders[frame]


class Planner:
    """Checks a request against the map and the queue and, if it is sound, puts its jobs into the queue."""

    def __init__(self, config: AppConfig, store: Store, clock: Callable[[], float]) -> None:
        self._config = config
        self._store = store
        self._clock = clock

    def publish(self, plan: Plan) -> Accepted:
        """Accept a plan whole, or refuse it whole."""
        if (before := self._before(plan.id)) is not None:
            return before
        steps = plan.steps
        if plan.rectangle is not None:
            steps = [_as_step(step) for step in self._pattern(plan.rectangle, plan.id)]
        return self._accept(
            Asked(plan.id, plan.name, plan.model_id, plan.prompt, plan.negative_prompt, plan.lane, steps)
        )

    def render(self, request: Render) -> Accepted:
        """Accept renders of whole frames; each is drawn anew."""
        if (before := self._before(request.plan)) is not None:
            return before
        step = Step(id="render", kind="render", quadrants=list(dict.fromkeys(request.quadrants)))
        return self._accept(Asked(request.plan, "", None, "", "", request.lane, [step]))

    def generate(self, request: Generate) -> Accepted:
        """Accept one model call for exactly these quadrants, with padding where that alone is legal."""
        if (before := self._before(request.plan)) is not None:
            return before
        quadrants = list(dict.fromkeys(request.quadrants))
        self.check_free(quadrants, but=request.plan)
        found = place_padded(quadrants, self._finished(quadrants, request.plan))
        if isinstance(found, Refusal):
            raise ProtocolError(Code.SEAM, found.reason)
        step = Step(id="generate", quadrants=quadrants, padding=[(cell.x, cell.y) for cell in found.padding])
        return self._accept(
            Asked(
                request.plan,
                "",
                request.model_id,
                request.prompt,
                request.negative_prompt,
                request.lane,
                [step],
            )
        )

    def fill(self, request: Fill) -> Accepted | Planned:
        """Accept a rectangle of free ground, or only say how it would be filled."""
        if not request.dry_run and (before := self._before(request.plan)) is not None:
            return before
        pattern = self._pattern(request.rectangle, request.plan)
        asked = Asked(
            request.plan,
            request.name,
            request.model_id,
            request.prompt,
            request.negative_prompt,
            request.lane,
            [_as_step(step) for step in pattern],
        )
        if not request.dry_run:
            return self._accept(asked)
        draft = self._draft(asked)
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
                for step in pattern
            ],
            waves=max(step.wave for step in pattern),
            renders=sum(job.kind == "render" for job in draft.jobs),
        )

    def check_free(self, cells: Collection[Cell], *, but: str) -> None:
        """Raise CONFLICT if another unsettled plan is still to generate in or right beside the cells."""
        if not cells:
            return
        x0, y0, x1, y1 = bounding(cells)
        wanted = set(cells)
        hits: dict[str, set[Cell]] = {}
        for x, y, plan in self._store.queue.reserved(x0 - 1, y0 - 1, x1 + 1, y1 + 1, but=but):
            if any((x + i, y + j) in wanted for i in (-1, 0, 1) for j in (-1, 0, 1)):
                hits.setdefault(plan, set()).add((x, y))
        if hits:
            plan = min(hits)
            raise ProtocolError(
                Code.CONFLICT,
                f"Plan {plan} is still to generate {_names(hits[plan])}, in or beside what was asked for; "
                "wait until it has ended, or cancel it.",
                details=plan,
            )

    def _before(self, plan_id: str) -> Accepted | None:
        plan = self._store.plans.get(plan_id)
        if plan is None:
            return None
        return Accepted(plan=plan.id, duplicate=True, jobs=plan.job_ids, position=plan.position)

    def _pattern(self, corners: tuple[int, int, int, int], plan_id: str) -> list[planning.PlannedStep]:
        x0, y0, x1, y1 = corners
        left, right, top, bottom = min(x0, x1), max(x0, x1), min(y0, y1), max(y0, y1)
        count = planning.calls(right - left + 1, bottom - top + 1)
        if count > STEP_LIMIT:
            raise ProtocolError(
                Code.TOO_LARGE,
                f"The rectangle takes {count} model calls; a plan has at most {STEP_LIMIT}. "
                "Fill it in parts.",
            )
        # An island may overhang the right and the bottom edge by one.
        drawn = [(x, y) for x in range(left, right + 2) for y in range(top, bottom + 2)]
        self.check_free([cell for cell in drawn if cell[0] <= right and cell[1] <= bottom], but=plan_id)
        found = planning.fill(left, top, right, bottom, self._finished(drawn, plan_id))
        if isinstance(found, Refusal):
            raise ProtocolError(Code.SEAM, found.reason)
        return found

    def _finished(self, cells: Collection[Cell], plan_id: str) -> set[Cell]:
        x0, y0, x1, y1 = bounding(cells)
        return self._store.tiles.finished(x0 - 2, y0 - 2, x1 + 2, y1 + 2, plan=plan_id)

    def _accept(self, asked: Asked) -> Accepted:
        draft = self._draft(asked)
        store = self._store
        priority = 0 if asked.lane == "interactive" else 1
        position = store.queue.count("status = 'pending' AND priority <= ?", (priority,)) if draft.jobs else 0
        generated = sum(len(job.quadrants) for job in draft.jobs if job.kind == "generate")
        rendered = sum(len(job.quadrants) for job in draft.jobs if job.kind == "render")
        plan = PlanRow(
            id=asked.id,
            name=asked.name,
            model_id=asked.model_id or (self._config.default_model if generated else ""),
            lane=asked.lane,
            created_at=draft.now,
            settled=False,
            quadrants_total=generated or rendered,
            position=position,
            first_job=draft.next_id - len(draft.jobs),
            jobs=len(draft.jobs),
            borrowed=tuple(sorted(draft.borrowed)),
            bounds=bounding(cell for step in asked.steps for cell in proof.infill(step)),
        )
        store.plans.insert(plan)
        store.queue.insert(draft.jobs, sorted(draft.needs))
        if asked.lane == "interactive":
            own = {job.id for job in draft.jobs}
            store.queue.hurry({needed for _, needed in draft.needs if needed not in own} | draft.borrowed)
        store.events.append(
            PlanChange(plan=plan.id, name=plan.name, state="accepted", jobs=plan.jobs), draft.now
        )
        for job in draft.jobs:
            store.events.append(job_change(job), draft.now)
        return Accepted(plan=plan.id, jobs=plan.job_ids, position=position)

    def _draft(self, asked: Asked) -> Draft:
        """The jobs that the request comes down to; raises ProtocolError if it is not sound."""
        for step in asked.steps:
            _check_shape(step)
        generated = [step for step in asked.steps if step.kind == "generate"]
        models = {step.id: self._model(step.model_id or asked.model_id) for step in generated}
        cells = {cell for step in generated for cell in proof.infill(step)}
        proof.order(asked.steps)
        if cells:
            self.check_free(cells, but=asked.id)
        windows = proof.prove(asked.steps, self._finished(cells, asked.id) if cells else ())
        draft = Draft(asked, self._store.queue.next_id(), self._config.max_attempts, self._clock())
        wanted = self._wanted_frames(asked.steps, any(model.needs_palette for model in models.values()))
        running = self._store.queue.running_renders(wanted)
        rendered = self._rendered(wanted)
        # Asked for without `after`, a render waits for nothing, so other steps may wait for it.
        free = {
            f: s.id for s in asked.steps if s.kind == "render" and not s.after for f in frames(s.quadrants)
        }
        by_step: dict[str, list[int]] = {}

        def renders_for(quadrants: Iterable[Cell]) -> list[int]:
            found = []
            for frame in frames(cell for cell in quadrants if cell not in rendered or frame_of(cell) in free):
                if frame in draft.renders:
                    found.append(draft.renders[frame])
                elif frame in running:
                    found.append(running[frame])
                else:
                    name = free.get(frame, f"render:{frame[0]},{frame[1]}")
                    found.append(draft.render(frame, name))
            return found

        def palette() -> int | None:
            if draft.palette is None and self._store.tiles.asset("palette") is None:
                draft.palette = self._store.queue.palette()
                if draft.palette is None:
                    needs = renders_for(PALETTE_QUADRANTS)
                    draft.palette = draft.add(self._palette_job(draft, blocked=bool(needs)))
                    draft.needs |= {(draft.palette, needed) for needed in needs}
            return draft.palette

        for step in asked.steps:
            if step.kind == "render":
                by_step[step.id] = [
                    self._explicit(draft, step, frame, running) for frame in frames(step.quadrants)
                ]
                continue
            waits = renders_for((cell.x, cell.y) for cell in needed_renders(proof.infill(step)))
            if models[step.id].needs_palette and (made := palette()) is not None:
                waits.append(made)
            job = Job(
                id=draft.next_id,
                plan=asked.id,
                step=step.id,
                kind="generate",
                state="blocked" if waits or step.after else "pending",
                lane=asked.lane,
                quadrants=_rows(step.quadrants),
                padding=_rows(step.padding),
                scaffold=_rows(step.scaffold),
                max_attempts=self._config.max_attempts,
                created_at=draft.now,
                x=windows[step.id].x,
                y=windows[step.id].y,
                model_id=models[step.id].model_id,
                prompt=asked.prompt or models[step.id].prompt,
                negative_prompt=asked.negative_prompt or models[step.id].negative_prompt,
            )
            by_step[step.id] = [draft.add(job)]
            draft.needs |= {(job.id, needed) for needed in waits}
        for step in asked.steps:
            for name in step.after:
                draft.needs |= {(job, needed) for job in by_step[step.id] for needed in by_step[name]}
        if len(draft.jobs) > JOB_LIMIT:
            raise ProtocolError(
                Code.TOO_LARGE, f"The plan comes to {len(draft.jobs)} jobs; {JOB_LIMIT} is the most."
            )
        return draft

    def _explicit(self, draft: Draft, step: Step, frame: Cell, running: dict[Cell, int]) -> int:
        """The job that draws a frame anew because a person asked; one already under way is enough."""
        if not step.after:
            if frame in draft.renders:
                return draft.renders[frame]
            if frame in running:
                draft.borrowed.add(running[frame])
                return running[frame]
            return draft.render(frame, step.id)
        known = draft.renders.get(frame)
        job = draft.render(frame, step.id)
        draft.jobs[-1] = replace(draft.jobs[-1], state="blocked")
        # Nothing may wait for a render that itself waits: it could be waiting for the very same step.
        if known is None:
            del draft.renders[frame]
        else:
            draft.renders[frame] = known
        return job

    def _palette_job(self, draft: Draft, *, blocked: bool) -> Job:
        return Job(
            id=draft.next_id,
            plan=draft.asked.id,
            step="palette",
            kind="palette",
            state="blocked" if blocked else "pending",
            lane=draft.asked.lane,
            quadrants=PALETTE_QUADRANTS,
            max_attempts=self._config.max_attempts,
            created_at=draft.now,
        )

    def _wanted_frames(self, steps: Sequence[Step], palette: bool) -> set[Cell]:
        wanted: set[Cell] = set(PALETTE_FRAMES) if palette else set()
        for step in steps:
            if step.kind == "render":
                needed = set(frames(step.quadrants))
            else:
                needed = set(frames(needed_renders(proof.infill(step))))
            for frame in needed:
                if any(abs(c) > COORDINATE_LIMIT for cell in frame_quadrants(frame) for c in cell):
                    raise ProtocolError(
                        Code.BAD_PLAN,
                        f"Step {step.id} needs a render beyond ±{COORDINATE_LIMIT}, the edge of the world.",
                        details=step.id,
                    )
            wanted |= needed
        return wanted

    def _rendered(self, wanted: Collection[Cell]) -> set[Cell]:
        if not wanted:
            return set()
        x0, y0, x1, y1 = bounding(cell for frame in wanted for cell in frame_quadrants(frame))
        return self._store.tiles.rendered(x0, y0, x1, y1)

    def _model(self, model_id: str | None) -> Model:
        wanted = model_id or self._config.default_model
        model = self._config.model(wanted)
        if model is None:
            known = ", ".join(known.model_id for known in self._config.models)
            raise ProtocolError(
                Code.UNKNOWN_MODEL, f"There is no model {wanted}; the known ones are {known}.", details=known
            )
        if reason := why_unavailable(model):
            raise ProtocolError(Code.MODEL_UNAVAILABLE, f"{model.name} cannot be used: {reason}")
        return model


def why_unavailable(model: Model) -> str:
    """A sentence, or nothing if the model can be called.

    Keys are given to the generator alone; which models lack theirs the supervisor says in
    TILEWRIGHT_UNAVAILABLE, a JSON object of sentences by model id.
    """
    told: dict[str, str] = json.loads(os.environ.get("TILEWRIGHT_UNAVAILABLE") or "{}")
    if model.model_id in told:
        return told[model.model_id]
    return "" if model.key_variable() else model.why_unavailable()


def _check_shape(step: Step) -> None:
    cells = [*step.quadrants, *step.padding, *step.scaffold]
    problem = ""
    if step.kind == "render":
        if not step.quadrants:
            problem = "has no quadrants."
        elif step.padding or step.scaffold:
            problem = "is a render; only model calls have padding or scaffold."
    elif not step.quadrants and not step.scaffold:
        problem = "keeps no quadrants."
    elif len(set(cells)) < len(cells):
        problem = "names a quadrant twice."
    elif not is_rectangle(cells):
        problem = "does not fill one whole rectangle; name what is drawn and thrown away as `padding`."
    else:
        x0, y0, x1, y1 = bounding(cells)
        if x1 - x0 > 1 or y1 - y0 > 1:
            problem = "is larger than 2 × 2 quadrants, the most that one model call fills."
        elif any(abs(c) > COORDINATE_LIMIT for cell in cells for c in cell):
            problem = f"lies beyond ±{COORDINATE_LIMIT}."
    if problem:
        raise ProtocolError(Code.BAD_PLAN, f"Step {step.id} {problem}", details=step.id)


def _as_step(step: planning.PlannedStep) -> Step:
    return Step(
        id=step.id,
        quadrants=_plain(step.quadrants),
        padding=_plain(step.padding),
        scaffold=_plain(step.scaffold),
        after=list(step.after),
    )


def _rows(cells: Iterable[Cell]) -> Cells:
    return tuple(sorted(((x, y) for x, y in cells), key=lambda cell: (cell[1], cell[0])))


def _names(cells: Collection[Cell]) -> str:
    names = [f"{x},{y}" for x, y in sorted(cells)]
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _plain(cells: Iterable[Cell]) -> list[Cell]:
    return [(x, y) for x, y in cells]
