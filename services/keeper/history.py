"""The history of the map: results come onto it, older versions come back, and the neighbours are marked."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field

from protocol.errors import Code, ProtocolError
from protocol.event import MapChange, TileRef
from protocol.message import RENDERED, Layer
from protocol.order import Reverted
from protocol.work import Made
from services.config import AppConfig
from services.keeper.ground import check_free
from services.keeper.lifecycle import Job
from services.keeper.slices import PART, LongDeed
from services.keeper.store import Store
from services.keeper.versions import Drawn, Stored
from services.tiling.region import bounding

Cell = tuple[int, int]
Place = tuple[Layer, int, int]

BUSY_SECONDS = 1.0


@dataclass
class Tally:
    """What a revert has done so far."""

    changed: set[Place] = field(default_factory=set)
    stale: set[Place] = field(default_factory=set)
    skipped: int = 0

    def count(self, refs: Collection[TileRef], others: Collection[TileRef]) -> None:
        """These quadrants were changed, and these neighbours became stale or fresh by it."""
        self.changed |= {(ref.layer, ref.x, ref.y) for ref in refs}
        self.stale |= {(mark.layer, mark.x, mark.y) for mark in others if mark.stale}
        self.stale -= {(mark.layer, mark.x, mark.y) for mark in others if not mark.stale} | self.changed

    def told(self) -> Reverted:
        """The answer."""
        return Reverted(quadrants=len(self.changed), stale=len(self.stale), skipped=self.skipped)


class History:
    """The one that changes what stands on the map, scaffold that is dropped apart."""

    def __init__(self, store: Store, clock: Callable[[], float], config: AppConfig) -> None:
        self._store = store
        self._clock = clock
        self._config = config

    def take_over(self, config: AppConfig) -> None:
        """Reckon by other prices from now on."""
        self._config = config

    def cost(self, job: Job, calls: int, stated: float | None) -> float | None:
        """What so many calls cost: as the worker states, or by the price that the model has."""
        if stated is not None:
            return stated
        model = self._config.model(job.model_id) if job.model_id else None
        return None if model is None or model.cost_per_image is None else model.cost_per_image * calls

    def put(self, job: Job, images: Sequence[Stored], made: Made) -> list[TileRef]:
        """Append a job's result and let it stand; what people see of that."""
        tiles, now = self._store.tiles, self._clock()
        scaffold = frozenset(job.scaffold)
        cost = self.cost(job, made.calls, made.cost)
        repairs = tiles.repairs(job.plan, job.infill) if job.kind == "generate" else {}
        refs, came, left = [], [], []
        for image in images:
            is_scaffold = (image.x, image.y) in scaffold
            before = tiles.at(image.layer, image.x, image.y)
            if job.kind == "generate":
                left.append(before)
                before = before or repairs.get((image.x, image.y), 0)
                if job.candidate:
                    # Another one of the comparison may give way to it.
                    before = self._store.versions.before_plan(before, job.plan)
            version = self._store.versions.add(
                job, image, made, scaffold=is_scaffold, replaced=before, cost=cost, now=now
            )
            if job.kind == "generate":
                came.append(version)
            tiles.lay(image.layer, image.x, image.y, version, scaffold_of=job.plan if is_scaffold else None)
            if not is_scaffold:
                refs.append(TileRef(layer=image.layer, x=image.x, y=image.y, version=version))
        if repairs:
            for (x, y), version in tiles.take_off(job.plan, job.layer, job.infill):
                left.append(version)
                refs.append(TileRef(layer=job.layer, x=x, y=y, version=0))
        # What saw nothing and took nothing away concerns nobody.
        return self._mark(refs, [*came, *left]) if made.saw or any(left) else refs

    def revert(self, x: int, y: int, version: int, layer: Layer | None) -> Reverted:
        """Let an older version of one quadrant stand, or none; the same again changes nothing."""
        if version:
            layer = self._layer_of(x, y, version, layer)
        layer = layer or "generation"
        if layer in RENDERED:
            raise ProtocolError(
                Code.BAD_REQUEST, f"Only what models drew goes back; {layer} is of renderers."
            )
        now = self._store.tiles.at(layer, x, y)
        if now == version:
            return Reverted(quadrants=0)
        self._check_free(layer, [(x, y)])
        tally = Tally()
        self._bring_back([Drawn(layer, x, y, now, version, now)], tally)
        return tally.told()

    def reverting_plan(self, plan_id: str) -> LongDeed:
        """Put back what stood before a settled plan, except where somebody drew again since. A long deed."""
        plan = self._store.plans.get(plan_id)
        if plan is None:
            raise ProtocolError(Code.UNKNOWN_PLAN, f"There is no plan {plan_id}.")
        if not plan.settled:
            raise ProtocolError(
                Code.WRONG_STATE, f"Plan {plan_id} is still at work; wait until it has ended, or cancel it."
            )
        # First all of the ground, so that what is refused has changed nothing.
        for part in self._drawn_by(plan_id):
            self._check_free(plan.layer, [(drawn.x, drawn.y) for drawn in part if drawn.stands])
            yield
        tally = Tally()
        for part in self._drawn_by(plan_id):
            # Again: while others came in between, somebody may have reserved some of it.
            self._check_free(plan.layer, [(drawn.x, drawn.y) for drawn in part if drawn.stands])
            self._bring_back(part, tally)
            yield
        return tally.told()

    def _drawn_by(self, plan_id: str) -> Iterator[list[Drawn]]:
        """What a plan has changed on the map, as it now is, part by part."""
        versions, last = self._store.versions, 0
        while part := versions.drawn_by(plan_id, after=last, limit=PART):
            yield part
            last = part[-1].version
        taken = versions.taken_by(plan_id)
        for first in range(0, len(taken), PART):
            yield taken[first : first + PART]

    def _check_free(self, layer: Layer, cells: Collection[Cell]) -> None:
        """Raise CONFLICT if a plan is still to draw there or beside it: it was proved on the map as it is."""
        if not cells:
            return
        x0, y0, x1, y1 = bounding(cells)
        box = (x0 - 1, y0 - 1, x1 + 1, y1 + 1)
        if (plan := self._store.plans.entering(box)) is not None:
            raise ProtocolError(
                Code.BUSY, f"Plan {plan} is being put into the queue; ask again.", retry_after=BUSY_SECONDS
            )
        check_free(self._store.whereabouts.reserved(layer, *box, but=()), frozenset(cells))

    def _layer_of(self, x: int, y: int, version: int, layer: Layer | None) -> Layer:
        """The layer of a version that may be brought back there, which is the one given if one is."""
        found = self._store.versions.find([version])
        drawn = bool(found) and (found[0].x, found[0].y) == (x, y) and found[0].layer not in RENDERED
        if not drawn or layer not in (None, found[0].layer):
            of_layer = f" in {layer}" if layer else ""
            raise ProtocolError(
                Code.UNKNOWN_TILE, f"Quadrant {x},{y} has no generated version {version}{of_layer}."
            )
        if found[0].scaffold:
            raise ProtocolError(
                Code.WRONG_STATE,
                f"Version {version} of {x},{y} was scaffold, made to be dropped with its plan; "
                "choose another one.",
            )
        return found[0].layer

    def _bring_back(self, drawn: Collection[Drawn], tally: Tally) -> None:
        """Let each quadrant be as before, if it is still as the plan left it."""
        known = {tile.version for tile in self._store.versions.find([d.before for d in drawn if d.before])}
        refs, moved = [], []
        for it in drawn:
            if it.now == it.before:
                continue
            if not it.stands or (it.before and it.before not in known):
                tally.skipped += 1
                continue
            if it.before:
                self._store.tiles.lay(it.layer, it.x, it.y, it.before)
            else:
                self._store.tiles.lift(it.layer, it.x, it.y)
            moved += [it.now, it.before]
            refs.append(TileRef(layer=it.layer, x=it.x, y=it.y, version=it.before))
        if refs:
            marks = self._store.stale.refresh([version for version in moved if version])
            others = _others(refs, marks)
            self._store.events.append(MapChange(tiles=[*_marked(refs, marks), *others]), self._clock())
            tally.count(refs, others)

    def _mark(self, refs: list[TileRef], moved: Collection[int]) -> list[TileRef]:
        """Mark whom it concerns that these versions came or went; the refs with their own marks."""
        marks = self._store.stale.refresh([version for version in moved if version])
        if others := _others(refs, marks):
            self._store.events.append(MapChange(tiles=others), self._clock())
        return _marked(refs, marks)


def _marked(refs: Collection[TileRef], marks: Collection[TileRef]) -> list[TileRef]:
    """The refs, each as stale as it is now; a tile that was just laid is fresh unless it is marked."""
    stale = {mark.version for mark in marks if mark.stale}
    return [ref.model_copy(update={"stale": True}) if ref.version in stale else ref for ref in refs]


def _others(refs: Collection[TileRef], marks: Collection[TileRef]) -> list[TileRef]:
    """The tiles whose mark changed and that are not among the refs."""
    own = {(ref.layer, ref.x, ref.y) for ref in refs}
    return [mark for mark in marks if (mark.layer, mark.x, mark.y) not in own]
