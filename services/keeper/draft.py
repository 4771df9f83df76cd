"""The draft of a plan: its steps, found sound, as jobs with all that they wait for. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from protocol.errors import Code, ProtocolError
from protocol.message import COORDINATE_LIMIT, JobKind
from protocol.plan import Lane, Step
from services.config import Model
from services.keeper import proof
from services.keeper.ancestry import Ancestry
from services.keeper.ground import PALETTE_BOX, Box, Cell, Ground
from services.keeper.lifecycle import Cells, Job
from services.tiling.quadrant import frame_box, frame_of, frame_quadrants
from services.tiling.region import bounding, frames, is_rectangle, needed_renders, rectangle
from services.tiling.seam import Window

JOB_LIMIT = 100_000


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
    repair: Sequence[Cell] = ()
    """Finished quadrants that the steps draw anew."""
    priority: int = 0
    prompts: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Prompt and negative prompt for steps of one model, where they differ from the plan's."""


@dataclass
class Draft:
    """The jobs of a plan that is being accepted. Its own have ids −1, −2, … until they are numbered."""

    asked: Asked
    ground: Ground
    max_attempts: int
    now: float
    jobs: list[Job] = field(default_factory=list)
    needs: set[tuple[int, int]] = field(default_factory=set)
    borrowed: set[int] = field(default_factory=set)
    """Jobs of other plans that already do what was asked for."""
    renders: dict[Cell, int] = field(default_factory=dict)
    """This plan's render jobs that wait for nothing, by canonical frame."""
    palette: int | None = None
    cells: frozenset[Cell] = frozenset()
    """Every quadrant that a model call of the plan draws."""
    box: Box = (0, 0, 0, 0)
    """The smallest rectangle around all that it draws."""
    leans_on: frozenset[int] = frozenset()
    """Jobs of other plans that this one's wait for, or that it took for its own."""
    free: dict[Cell, str] = field(default_factory=dict)
    """Frames that a step of the plan itself draws anew without waiting for anything."""

    def numbered(self, first: int) -> tuple[list[Job], list[tuple[int, int]]]:
        """The jobs with their final ids, counted from `first`, and what waits for what."""

        def final(job: int) -> int:
            return first - job - 1 if job < 0 else job

        jobs = [replace(job, id=final(job.id)) for job in self.jobs]
        return jobs, sorted((final(job), final(needed)) for job, needed in self.needs)

    def add_steps(self, models: Mapping[str, Model], windows: Mapping[str, Window]) -> None:
        """Take every step in, each right after the renders that it is the first to need."""
        steps = self.asked.steps
        self.free = {
            frame: step.id
            for step in steps
            if step.kind == "render" and not step.after
            for frame in frames(step.quadrants)
        }
        by_step: dict[str, list[int]] = {}
        for step in steps:
            if step.kind == "render":
                by_step[step.id] = [self._drawn_anew(step, frame) for frame in frames(step.quadrants)]
            else:
                by_step[step.id] = [self._generate(step, models[step.id], windows[step.id])]
        for step in steps:
            for name in step.after:
                self.needs.update((job, need) for job in by_step[step.id] for need in by_step[name])

    def _generate(self, step: Step, model: Model, window: Window) -> int:
        waits = self._renders(needed_renders(proof.infill(step)))
        if model.needs_palette and not self.ground.palette_made:
            waits.append(self._palette())
        asked = self.asked
        prompt, negative = asked.prompts.get(model.model_id, (asked.prompt, asked.negative_prompt))
        job = self._job(
            step.id,
            "generate",
            blocked=bool(waits or step.after),
            quadrants=_rows(step.quadrants),
            padding=_rows(step.padding),
            scaffold=_rows(step.scaffold),
            x=window.x,
            y=window.y,
            model_id=model.model_id,
            prompt=(prompt if step.prompt is None else step.prompt) or model.prompt,
            negative_prompt=(negative if step.negative_prompt is None else step.negative_prompt)
            or model.negative_prompt,
        )
        self.needs.update((job, needed) for needed in waits)
        return job

    def _renders(self, quadrants: Iterable[Cell]) -> list[int]:
        """The render jobs to wait for until all these quadrants are rendered."""
        missing = (
            (x, y)
            for x, y in quadrants
            if (x, y) not in self.ground.rendered or frame_of((x, y)) in self.free
        )
        return [self._render(frame) for frame in frames(missing)]

    def _render(self, frame: Cell) -> int:
        if frame in self.renders:
            return self.renders[frame]
        if frame in self.ground.running:
            return self.ground.running[frame]
        step = self.free.get(frame, f"render:{frame[0]},{frame[1]}")
        self.renders[frame] = self._draw(step, frame, blocked=False)
        return self.renders[frame]

    def _drawn_anew(self, step: Step, frame: Cell) -> int:
        """The job that draws a frame because it was asked for; one already under way is enough."""
        if step.after:
            # Nothing else waits for a render that itself waits: it could be waiting for that very step.
            return self._draw(step.id, frame, blocked=True)
        job = self._render(frame)
        if job > 0:
            self.borrowed.add(job)
        return job

    def _draw(self, step: str, frame: Cell, *, blocked: bool) -> int:
        cells = frame_quadrants(frame)
        if any(abs(c) > COORDINATE_LIMIT for cell in cells for c in cell):
            raise ProtocolError(
                Code.BAD_PLAN,
                f"Step {step} needs a render beyond ±{COORDINATE_LIMIT}, the edge of the world.",
                details=step,
            )
        box = frame_box(frame)
        return self._job(step, "render", blocked=blocked, quadrants=_rows(cells), x=box.left, y=box.top)

    def _palette(self) -> int:
        if self.palette is None:
            self.palette = self.ground.palette_job
        if self.palette is None:
            quadrants = _rows(rectangle(*PALETTE_BOX))
            waits = self._renders(quadrants)
            self.palette = self._job("palette", "palette", blocked=bool(waits), quadrants=quadrants)
            self.needs.update((self.palette, needed) for needed in waits)
        return self.palette

    def _job(self, step: str, kind: JobKind, *, blocked: bool, quadrants: Cells, **rest: Any) -> int:
        job = Job(
            id=-len(self.jobs) - 1,
            plan=self.asked.id,
            step=step,
            kind=kind,
            state="blocked" if blocked else "pending",
            lane=self.asked.lane,
            priority=self.asked.priority,
            quadrants=quadrants,
            max_attempts=self.max_attempts,
            created_at=self.now,
            **rest,
        )
        self.jobs.append(job)
        return job.id


def draw_up(
    asked: Asked, ground: Ground, models: Mapping[str, Model], *, max_attempts: int, now: float
) -> Draft:
    """The jobs that a request comes down to; raises ProtocolError if it is not sound on this ground."""
    for step in asked.steps:
        check_shape(step)
    ancestry = Ancestry(asked.steps)
    cells = frozenset(cell for step in asked.steps if step.kind == "generate" for cell in proof.infill(step))
    ground.check_free(cells)
    windows = proof.prove(asked.steps, ground.finished, asked.repair, ancestry=ancestry)
    draft = Draft(asked, ground, max_attempts, now, cells=cells)
    draft.add_steps(models, windows)
    draft.leans_on = frozenset(needed for _, needed in draft.needs if needed > 0) | draft.borrowed
    if drawn := {cell for step in asked.steps for cell in step.quadrants} | cells:
        draft.box = bounding(drawn)
    if len(draft.jobs) > JOB_LIMIT:
        raise ProtocolError(
            Code.TOO_LARGE, f"The plan comes to {len(draft.jobs)} jobs; {JOB_LIMIT} is the most."
        )
    return draft


def check_shape(step: Step) -> None:
    """Raise BAD_PLAN if the step could not be right on any ground."""
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


def _rows(cells: Iterable[Cell]) -> Cells:
    return tuple(sorted(((x, y) for x, y in cells), key=lambda cell: (cell[1], cell[0])))
