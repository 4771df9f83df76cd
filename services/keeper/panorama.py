"""Panoramas: ground too wide to be looked at between two other requests, seen some of it at a time."""

from array import array
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from protocol.message import JobState, Layer
from services.keeper.ground import PALETTE_BOX, Box, Cell, Ground, Sought, Source, around, grown
from services.keeper.store import Store
from services.keeper.underway import MARGIN
from services.tiling.quadrant import FRAME, frame_of

WIDE, LITTLE = 2_500, 5_000
"""Quadrants of a box, and what the world holds in all, above which it is seen some at a time."""
CELLS = 3_000
"""Quadrants that are looked at between two other requests; some milliseconds."""
JOBS = 200
"""Jobs whose places are: renders have sixteen."""
COLUMNS = 64
ON_MAP: tuple[JobState, ...] = ("blocked", "pending", "processing", "error")
UNFIT = "(status = 'error' OR error_class NOT IN ('', 'seam'))"
"""Among what failed or was called off: where model calls failed for good."""


class Pages:
    """Quadrants as bytes, which take no time to be handed to the process that draws plans up."""

    def __init__(self) -> None:
        self._pages: list[bytes] = []
        self.count = 0

    def add(self, cells: Sequence[Cell]) -> None:
        """Take some more in, none of them twice."""
        self._pages.append(array("q", chain.from_iterable(cells)).tobytes())
        self.count += len(cells)

    def __iter__(self) -> Iterator[Cell]:
        for page in self._pages:
            numbers = array("q")
            numbers.frombytes(page)
            one = iter(numbers)
            yield from zip(one, one, strict=True)


@dataclass(frozen=True)
class Panorama:
    """What a `Ground` says, put together from looks at different moments."""

    finished: Pages
    reserved: frozenset[tuple[int, int, str]]
    failed: frozenset[Cell]
    rendered: Pages
    running: dict[Cell, int]
    palette_made: bool
    palette_job: int | None
    sources: Mapping[Layer, tuple[Pages, dict[Cell, int]]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many tiles stand there."""
        return self.finished.count + self.rendered.count

    def whole(self) -> Ground:
        """The ground, for whoever does not keep others waiting."""
        finished = frozenset(self.finished)
        return Ground(
            finished,
            self.reserved,
            self.failed - finished,
            frozenset(self.rendered),
            self.running,
            self.palette_made,
            self.palette_job,
            {
                layer: Source(frozenset(finished), drawing)
                for layer, (finished, drawing) in self.sources.items()
            },
        )


def is_wide(store: Store, box: Box) -> bool:
    """Whether looking at all that lies in the box at once might keep others waiting."""
    x0, y0, x1, y1 = box
    if (x1 - x0 + 1) * (y1 - y0 + 1) <= WIDE:
        return False
    jobs = sum(jobs for state, _, jobs in store.tallies.queue() if state != "complete")
    tiles = store.tallies.tiles("render") + sum(store.tallies.layers().values())
    return tiles + FRAME**2 * jobs > LITTLE


def look(store: Store, box: Box, sought: Sought) -> Generator[None, None, Panorama]:
    """Look around as `survey` does, with others served at each `yield`.

    What is finished or reserved meanwhile may be in it or not: whoever goes by it asks a lookout, and for
    what is reserved by then. What is being rendered is looked at before what is rendered, so that a frame
    that becomes it meanwhile is found; one that is handed back just then may be drawn twice.
    """
    near, far = around(box)
    running: dict[Cell, int] = {}
    there = far if sought.draws else box
    overlapping = store.plans.open_within(grown(there, MARGIN))
    for page in _jobs(store, ("pending", "processing"), "kind = 'render'", there, overlapping):
        running |= {frame_of(cell): job for cell, job, _ in page}
        yield
    finished, rendered = Pages(), Pages()
    if not sought.draws:
        return Panorama(finished, frozenset(), frozenset(), rendered, running, True, None)
    reserved: set[tuple[int, int, str]] = set()
    others = overlapping - {sought.plan, sought.replaces}
    for page in _jobs(store, ON_MAP, _generates(sought.layer), near, others):
        reserved.update((x, y, owner) for (x, y), _, owner in page)
        yield
    failed: set[Cell] = set()
    if sought.lays:
        unfit = f"{_generates(sought.layer)} AND {UNFIT}"
        for page in _jobs(store, ("error", "cancelled"), unfit, near, None):
            failed.update(cell for cell, _, _ in page)
            yield
    sources: dict[Layer, tuple[Pages, dict[Cell, int]]] = {}
    for read in sought.reads:
        # Jobs first: what is finished meanwhile is then found there, or stands.
        drawing: dict[Cell, int] = {}
        which = f"{_generates(read)} AND held = 0"
        for page in _jobs(store, ("blocked", "pending", "processing"), which, near, overlapping, kept=True):
            drawing |= {cell: job for cell, job, _ in page}
            yield
        sources[read] = (Pages(), drawing)
        yield from _tiles(store, read, near, "", sources[read][0])
    yield from _tiles(store, sought.layer, near, sought.plan, finished)
    yield from _tiles(store, "render", far, sought.plan, rendered)
    made = store.tiles.asset("palette") is not None
    if not made:
        rendered.add(list(store.tiles.rendered(*PALETTE_BOX)))
        running = {**store.whereabouts.running_renders(*PALETTE_BOX), **running}
    palette = None if made else store.queue.palette()
    return Panorama(
        finished, frozenset(reserved), frozenset(failed), rendered, running, made, palette, sources
    )


def _generates(layer: Layer) -> str:
    """The model calls of a layer, as an SQL condition; its name holds nothing that SQL would read."""
    return f"kind = 'generate' AND layer = '{layer}'"


def _jobs(
    store: Store,
    states: Sequence[JobState],
    where: str,
    box: Box,
    owners: Collection[str] | None,
    *,
    kept: bool = False,
) -> Iterator[list[tuple[Cell, int, str]]]:
    """Where jobs of these plans lie in the box, a page of jobs at a time: quadrant, job, plan."""
    if owners is not None and not owners:
        return
    tallies = store.tallies.queue()
    for state, model_id in [
        (state, model) for state in states for other, model, _ in tallies if other == state
    ]:
        after: int | None = 0
        while after is not None:
            page, after = store.queue.page(state, model_id, where, after)
            wanted = {job: plan for job, plan in page if owners is None or plan in owners}
            jobs = list(wanted)
            for some in [jobs[i : i + JOBS] for i in range(0, len(jobs), JOBS)] or [[]]:
                found = store.whereabouts.lying_in(box, some, kept=kept)
                yield [(cell, job, wanted[job]) for cell, job in found]


def _tiles(store: Store, layer: Layer, box: Box, plan: str, pages: Pages) -> Iterator[None]:
    """Gather what stands in the box, some columns at a time."""
    x0, y0, x1, y1 = box
    limit = max(1, min(COLUMNS, CELLS // (y1 - y0 + 1)))
    while columns := store.tiles.columns(x0, x1, limit):
        pages.add(store.tiles.standing_in(layer, columns, y0, y1, plan=plan))
        x0 = columns[-1] + 1
        yield
