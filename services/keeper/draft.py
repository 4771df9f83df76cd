"""The draft of a plan: its steps, found sound, as jobs with all that they wait for. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from protocol.errors import Code, ProtocolError
from protocol.message import COORDINATE_LIMIT, JobState, Layer
from protocol.plan import Lane, Step
from services.keeper import proof
from services.keeper.ancestry import Ancestry
from services.keeper.drafted import Drafted, DraftedRender, filled
from services.keeper.ground import PALETTE_BOX, Box, Cell, Ground
from services.keeper.lifecycle import Cells, Job
from services.model import Model
from services.tiling.quadrant import FRAME, SIZE, frame_of
from services.tiling.region import bounding, frames, named, needed_renders, rectangle
from services.tiling.seam import Window

JOB_LIMIT = 400_000
"""Jobs of the largest plan: each of its steps may need renders of its own."""
Shape = tuple[int, int, int, int]
"""Where in its frame an infill begins, and how far it reaches from there."""


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
    cost_cap: float | None = None
    seeds: Mapping[str, int | None] | None = None
    """Of a comparison, whose steps are candidates for the same ground: each one's seed by its id."""


@dataclass
class Draft:
    """The jobs of a plan that is being accepted. Its own have ids −1, −2, … until they are numbered."""

    asked: Asked
    ground: Ground
    max_attempts: int
    now: float
    jobs: list[Drafted | DraftedRender] = field(default_factory=list)
    waits: list[list[int]] = field(default_factory=list)
    """What each of the jobs waits for, by the same position; something may stand there twice."""
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
    layer: Layer = "generation"
    """What its model calls draw."""
    free: dict[Cell, str] = field(default_factory=dict)
    """Frames that a step of the plan itself draws anew without waiting for anything."""
    _shapes: dict[Shape, list[tuple[Cell, list[Cell]]]] = field(default_factory=dict)
    """The frames around an infill, each with what it needs of it: the same everywhere."""

    @property
    def own_palette(self) -> bool:
        """Whether one of its jobs is to make the palette."""
        return self.palette is not None and self.palette < 0

    @property
    def pending(self) -> int:
        """How many of its jobs wait for nothing."""
        return [job.state for job in self.jobs].count("pending")

    @property
    def pattern(self) -> Job:
        """What all of its jobs have in common, as a job."""
        return Job(
            id=0,
            plan=self.asked.id,
            step="",
            kind="generate",
            state="blocked",
            lane=self.asked.lane,
            quadrants=(),
            max_attempts=self.max_attempts,
            created_at=self.now,
            priority=self.asked.priority,
        )

    def add_steps(
        self, models: Mapping[str, Model], windows: Mapping[str, Window], order: Sequence[int]
    ) -> None:
        """Take every step in, each after what it waits for and the renders that it is the first to need.

        So whatever begins the list of jobs can be put into the queue without the rest.
        """
        steps = self.asked.steps
        drawn = [frames(step.quadrants) if step.kind == "render" else [] for step in steps]
        self.free = {
            frame: step.id
            for step, found in zip(steps, drawn, strict=True)
            if not step.after
            for frame in found
        }
        by_step: dict[str, list[int]] = {}
        for i in order:
            step = steps[i]
            if step.kind == "render":
                jobs = [self._drawn_anew(step, frame) for frame in drawn[i]]
            else:
                jobs = [self._generate(step, models[step.id], windows[step.id])]
            by_step[step.id] = jobs
            if step.after:
                needed = [need for name in step.after for need in by_step[name]]
                for job in jobs:
                    self._wait(job, needed)

    def _wait(self, job: int, needed: Iterable[int]) -> None:
        waits = self.waits[-job - 1]
        waits += needed
        if len(set(waits)) < len(waits):
            waits[:] = dict.fromkeys(waits)

    def _generate(self, step: Step, model: Model, window: Window) -> int:
        corners = proof.corners(step)
        waits = self._renders_around(corners)
        if model.needs_palette and not self.ground.palette_made:
            waits.append(self._palette())
        if not model.reads_renders:
            waits += self._drawn_before(step, model.input_layer)
        asked = self.asked
        prompt, negative = asked.prompts.get(model.model_id, (asked.prompt, asked.negative_prompt))
        whole = not step.padding and not step.scaffold
        quadrants = filled(corners) if whole else _rows(step.quadrants)
        job = self._job(
            Drafted(
                step.id,
                "generate",
                "blocked" if waits or step.after else "pending",
                # The same ones, if they can be: of a large plan they take as much memory as all the rest.
                own if (own := tuple(step.quadrants)) == quadrants else quadrants,
                () if whole else _rows(step.padding),
                () if whole else _rows(step.scaffold),
                window.x,
                window.y,
                model.model_id,
                (prompt if step.prompt is None else step.prompt) or model.prompt,
                (negative if step.negative_prompt is None else step.negative_prompt) or model.negative_prompt,
                model.output_layer,
                model.input_layer,
                asked.seeds is not None,
                None if asked.seeds is None else asked.seeds[step.id],
            )
        )
        self._wait(job, waits)
        return job

    def _drawn_before(self, step: Step, layer: Layer) -> list[int]:
        """The jobs of other plans that are yet to draw what this step turns into another layer."""
        source = self.ground.sources[layer]
        if lacking := {cell for cell in step.quadrants if source.lacks(cell)}:
            raise ProtocolError(Code.WRONG_STATE, nothing_to_read(step.id, lacking, layer), details=step.id)
        return [source.drawing[cell] for cell in step.quadrants if cell in source.drawing]

    def _renders_around(self, corners: Box) -> list[int]:
        """The render jobs to wait for until all that an infill with these corners needs is rendered."""
        left, top, right, bottom = corners
        shape = (left % FRAME, top % FRAME, right - left, bottom - top)
        if shape not in self._shapes:
            self._shapes[shape] = _frames_around(shape)
        column, row = left // FRAME, top // FRAME
        rendered, free, renders = self.ground.rendered, self.free, self.renders
        waits = []
        for (x, y), cells in self._shapes[shape]:
            frame = (column + x, row + y)
            if not rendered or frame in free or any((left + i, top + j) not in rendered for i, j in cells):
                waits.append(renders.get(frame) or self._render(frame))
        return waits

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
        left, top = frame[0] * FRAME, frame[1] * FRAME
        if max(-left, -top, left + FRAME - 1, top + FRAME - 1) > COORDINATE_LIMIT:
            raise ProtocolError(
                Code.BAD_PLAN,
                f"Step {step} needs a render beyond ±{COORDINATE_LIMIT}, the edge of the world.",
                details=step,
            )
        return self._job(DraftedRender(step, left * SIZE, top * SIZE, "blocked" if blocked else "pending"))

    def _palette(self) -> int:
        if self.palette is None:
            self.palette = self.ground.palette_job
        if self.palette is None:
            quadrants = _rows(rectangle(*PALETTE_BOX))
            waits = self._renders(quadrants)
            state: JobState = "blocked" if waits else "pending"
            self.palette = self._job(Drafted("palette", "palette", state, quadrants))
            self._wait(self.palette, waits)
        return self.palette

    def _job(self, job: Drafted | DraftedRender) -> int:
        self.jobs.append(job)
        self.waits.append([])
        return -len(self.jobs)


def draw_up(
    asked: Asked, ground: Ground, models: Mapping[str, Model], *, max_attempts: int, now: float
) -> Draft:
    """The jobs that a request comes down to; raises ProtocolError if it is not sound on this ground."""
    for step in asked.steps:
        check_shape(step)
    ancestry = Ancestry(asked.steps)
    calls = [step for step in asked.steps if step.kind == "generate"]
    cells = frozenset(
        cell for step in calls for some in (step.quadrants, step.padding, step.scaffold) for cell in some
    )
    windows: dict[str, Window] = {}
    if calls or asked.repair:
        ground.check_free(cells)
        windows = _windows(asked, ground, ancestry)
    order = ancestry.forward()
    # A large plan's takes fifty megabytes, and the jobs take their place.
    del ancestry
    draft = Draft(asked, ground, max_attempts, now, cells=cells)
    draft.add_steps(models, windows, order)
    draft.leans_on = frozenset(need for waits in draft.waits for need in waits if need > 0) | draft.borrowed
    rendered = [cell for step in asked.steps if step.kind == "render" for cell in step.quadrants]
    if rendered or cells:
        draft.box = bounding([*rendered, *cells] if cells else rendered)
    if len(draft.jobs) > JOB_LIMIT:
        raise ProtocolError(
            Code.TOO_LARGE, f"The plan comes to {len(draft.jobs)} jobs; {JOB_LIMIT} is the most."
        )
    return draft


def _windows(asked: Asked, ground: Ground, ancestry: Ancestry) -> dict[str, Window]:
    """Where each call may be drawn; of candidates only one comes onto the map, so each is proved alone."""
    if asked.seeds is None:
        return proof.prove(asked.steps, ground.finished, asked.repair, ancestry=ancestry)
    found: dict[str, Window] = {}
    for step in asked.steps:
        found |= proof.prove([step], ground.finished, asked.repair)
    return found


def nothing_to_read(step: str, lacking: Collection[Cell], layer: Layer) -> str:
    """The sentence about quadrants that are not there to be drawn from."""
    one = len(lacking) == 1
    return (
        f"Step {step} draws from {layer}, where {named(lacking)} {'is' if one else 'are'} not finished "
        f"and nobody is about to draw {'it' if one else 'them'}; fill {layer} there first."
    )


def check_shape(step: Step) -> None:
    """Raise BAD_PLAN if the step could not be right on any ground."""
    problem = ""
    if step.kind == "render":
        if not step.quadrants:
            problem = "has no quadrants."
        elif step.padding or step.scaffold:
            problem = "is a render; only model calls have padding or scaffold."
    elif not step.quadrants and not step.scaffold:
        problem = "keeps no quadrants."
    else:
        cells = [*step.quadrants, *step.padding, *step.scaffold]
        unique = len(set(cells))
        x0, y0, x1, y1 = bounding(cells)
        if unique < len(cells):
            problem = "names a quadrant twice."
        elif unique < (x1 - x0 + 1) * (y1 - y0 + 1):
            problem = "does not fill one whole rectangle; name what is drawn and thrown away as `padding`."
        elif x1 - x0 > 1 or y1 - y0 > 1:
            problem = "is larger than 2 × 2 quadrants, the most that one model call fills."
        elif max(-x0, -y0, x1, y1) > COORDINATE_LIMIT:
            problem = f"lies beyond ±{COORDINATE_LIMIT}."
    if problem:
        raise ProtocolError(Code.BAD_PLAN, f"Step {step.id} {problem}", details=step.id)


def _frames_around(shape: Shape) -> list[tuple[Cell, list[Cell]]]:
    """The frames, and of each the quadrants, that an infill of this shape needs, seen from its own."""
    left, top, width, height = shape
    found: dict[Cell, list[Cell]] = {}
    for x, y in needed_renders(rectangle(left, top, left + width, top + height)):
        found.setdefault(frame_of((x, y)), []).append((x - left, y - top))
    return sorted(found.items(), key=lambda item: (item[0][1], item[0][0]))


def _rows(cells: Collection[Cell]) -> Cells:
    return tuple(sorted(cells, key=_row_by_row)) if cells else ()


def _row_by_row(cell: Cell) -> Cell:
    return cell[1], cell[0]
