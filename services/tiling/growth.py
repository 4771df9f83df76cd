"""Growth: a region filled from what is finished, step by step, early waves and large shapes first.

2×2 islands on a lattice of period 3 touch nothing and need nothing; strips join them to each other and to
what is finished; single quadrants close the holes. So free ground takes three waves. Where finished
quadrants are in the way of the lattice the same rule goes on with whatever shape is legal next.

One thing can never be mended: a quadrant beside two finished ones that touch only at a corner must match
both, but no window shows both without the fourth quadrant there, which waits for the first. So a step that
would make such a pair waits until it no longer does. The rest is tried again in other orders (`pockets`).
"""

import heapq
from collections.abc import Iterable, Iterator
from itertools import islice
from random import Random

from services.tiling.field import NEVER, WANTED, Field
from services.tiling.reach import unreachable
from services.tiling.shape import SHAPES, Shape

Laid = tuple[int, int]
"""A shape, as its number in SHAPES, and the place where it lies."""

_ISLAND = 0
_OTHERS = range(1, len(SHAPES))
PERIOD = 3
_LATTICE = ((_ISLAND, (0, 0), 0), (1, (0, 2), 4), (2, (2, 0), 4), (3, (2, 2), 8))
"""Pieces of the lattice: number of the shape, where it lies in a period, finished quadrants that it sees."""


class Step:
    """One shape that was laid: its places, those that its model sees, the steps that made them, its wave."""

    __slots__ = ("after", "laid", "needed_by", "places", "wave")

    def __init__(self, laid: Laid, places: tuple[int, ...], after: tuple["Step", ...], wave: int) -> None:
        self.laid = laid
        self.places = places
        self.after = after
        self.wave = wave
        self.needed_by: list[Step] = []


class Growth:
    """A field with the steps that fill it so far, in a legal order."""

    def __init__(self, field: Field, phase: tuple[int, int]) -> None:
        """Start with nothing laid. `phase` is the quadrant on which an island of the lattice begins."""
        self.field = field
        beyond = unreachable(field)
        self.lost = {i for i in beyond if field.use[i] == WANTED}
        """Wanted places that no order of steps could fill; nothing is laid there."""
        for place in beyond:
            field.use[place] = NEVER
        self.steps: dict[Step, None] = {}
        self.missing = {i for i, use in enumerate(field.use) if use == WANTED}
        self.chance: Random | None = None
        """Decides between equals; without it the first place does."""
        self.at_random = False
        """Let chance alone decide what comes next."""
        self.supports: set[int] = set()
        """Spare places that may be laid although nothing wanted lies in the same shape."""
        self._maker: list[Step | None] = [None] * len(field.use)
        self._heap: list[tuple[int, float, Laid]] = []
        width = field.width
        self._cells = tuple(tuple(y * width + x for x, y in shape.cells) for shape in SHAPES)
        self._last = tuple(cells[-1] for cells in self._cells)
        self._views: tuple[dict[int, tuple[int, ...] | None], ...] = tuple({} for _ in SHAPES)
        self._corners = tuple(
            tuple((y * width + x, dx, dy * width) for (x, y), (dx, dy) in shape.corners) for shape in SHAPES
        )
        self._wakes = tuple(tuple(_wakes(shape, width)) for shape in SHAPES)
        self._column, self._row = (phase[0] - field.left) % PERIOD, (phase[1] - field.top) % PERIOD

    def turn(self, column: int, row: int) -> None:
        """Use another lattice from here on."""
        self._column, self._row = column, row

    @property
    def left_out(self) -> set[int]:
        """The wanted places that no step draws."""
        return self.missing | self.lost

    def run(self) -> None:
        """Lay everything that can be laid from here."""
        width = self.field.width
        around = sorted({i + dy * width + dx for i in self.missing for dy in (-1, 0) for dx in (-1, 0)})
        self._lay_lattice(around)
        self.offer(around)
        self.drain()

    def _lay_lattice(self, places: Iterable[int]) -> None:
        """Lay the islands, and what they enclose: the strips between two, the quadrant between four.

        All at once: one by one, each would have everything around it considered over and over.
        """
        lattice: dict[tuple[int, int], list[int]] = {}
        for place in places:
            y, x = divmod(place, self.field.width)
            lattice.setdefault(((x - self._column) % PERIOD, (y - self._row) % PERIOD), []).append(place)
        for number, corner, enclosed in _LATTICE:
            for place in lattice.get(corner, ()):
                seen = self._seen(number, place)
                laid = (number, place)
                if (
                    seen is not None
                    and len(seen) == enclosed
                    and self._wanted(laid)
                    and not self._spoilt(laid)
                ):
                    self._enter(Step(laid, self._places(laid), tuple(self.makers(seen)), self._wave(seen)))

    def offer(self, places: Iterable[int]) -> None:
        """Consider every shape at these places."""
        near = self.field.near
        for place in places:
            self._consider(_ISLAND, place)
            for number in _OTHERS:
                # Only an island may lie where nothing near is finished.
                if near[place] or near[place + self._last[number]]:
                    self._consider(number, place)

    def drain(self) -> None:
        """Lay what was considered, earliest wave first, until nothing is left that may be laid."""
        held: set[Laid] = set()
        heap = self._heap
        while True:
            while heap:
                key, _, laid = heapq.heappop(heap)
                seen = self._seen(*laid)
                if seen is None:
                    continue
                if self._key(laid, seen) > key:
                    self._consider(*laid)
                elif self._spoilt(laid):
                    held.add(laid)
                else:
                    self._lay(laid, seen)
            held = {laid for laid in held if self._seen(*laid) is not None}
            harmless = [laid for laid in held if not self._spoilt(laid)]
            if harmless:
                held.difference_update(harmless)
                for laid in sorted(harmless):
                    self._consider(*laid)
            elif held:
                # Each of these spoils something that would be lost anyway if nothing were laid.
                laid = min(held, key=lambda laid: (self._spoilt(laid) - self._wanted(laid), laid))
                held.discard(laid)
                if self._wanted(laid):
                    self._lay(laid, self._seen(*laid) or ())
            else:
                return

    def remove(self, steps: Iterable[Step]) -> list[Step]:
        """Take steps back with all that depend on them; gives them in a legal order."""
        gone: set[Step] = set()
        frontier = list(steps)
        while frontier:
            step = frontier.pop()
            if step not in gone:
                gone.add(step)
                frontier += step.needed_by
        ordered = sorted(gone, key=lambda step: (step.wave, step.laid))
        for step in reversed(ordered):
            del self.steps[step]
            for needed in step.after:
                needed.needed_by.remove(step)
            for place in step.places:
                self.field.clear(place)
                self._maker[place] = None
                if self.field.use[place] == WANTED:
                    self.missing.add(place)
        return ordered

    def restore(self, steps: Iterable[Step]) -> None:
        """Lay steps again that were taken back."""
        for step in steps:
            self._enter(step)

    def makers(self, places: Iterable[int]) -> list[Step]:
        """The steps that draw any of these places."""
        return list(dict.fromkeys(step for place in places if (step := self._maker[place]) is not None))

    def since(self, count: int) -> list[Step]:
        """The steps laid since there were `count` of them, the newest first."""
        return list(islice(reversed(self.steps), len(self.steps) - count))

    def prune(self, since: int = 0) -> None:
        """Take back those steps since there were so many that draw nothing wanted and that no step needs."""
        for step in self.since(since):
            # The newest first: whatever needs a step was laid after it.
            if not step.needed_by and not self._wanted(step.laid):
                self.remove([step])

    def _consider(self, number: int, place: int) -> None:
        seen = self._seen(number, place)
        if seen is None:
            return
        laid = (number, place)
        if not self._wanted(laid) and self.supports.isdisjoint(self._places(laid)):
            return
        tie = place if self.chance is None else self.chance.random()
        heapq.heappush(self._heap, (self._key(laid, seen), tie, laid))

    def _seen(self, number: int, place: int) -> tuple[int, ...] | None:
        """The finished places that a model would see, as offsets; None where the shape may not lie now."""
        near = self.field.near
        key = near[place] | near[place + self._last[number]] << 8
        views = self._views[number]
        if key in views:
            seen = views[key]
        else:
            found = SHAPES[number].views[key]
            width = self.field.width
            seen = views[key] = None if found is None else tuple(y * width + x for x, y in found)
        if seen is None:
            return None
        use, finished = self.field.use, self.field.finished
        for offset in self._cells[number]:
            if finished[place + offset] or not use[place + offset]:
                return None
        return tuple([place + offset for offset in seen])

    def _key(self, laid: Laid, seen: tuple[int, ...]) -> int:
        """What comes first: early waves, then islands of the lattice, then what fills most."""
        if self.at_random:
            return 0
        number, place = laid
        off_lattice = number != _ISLAND or not self._on_lattice(place)
        return ((self._wave(seen) * 2 + off_lattice) * 5 + 4 - self._wanted(laid)) * 5 + len(
            self._cells[number]
        )

    def _on_lattice(self, place: int) -> bool:
        y, x = divmod(place, self.field.width)
        return x % PERIOD == self._column and y % PERIOD == self._row

    def _wave(self, seen: tuple[int, ...]) -> int:
        wave = 0
        for place in seen:
            step = self._maker[place]
            if step is not None and step.wave > wave:
                wave = step.wave
        return wave + 1

    def _wanted(self, laid: Laid) -> int:
        number, place = laid
        use = self.field.use
        wanted = 0
        for offset in self._cells[number]:
            if use[place + offset] == WANTED:
                wanted += 1
        return wanted

    def _places(self, laid: Laid) -> tuple[int, ...]:
        number, place = laid
        return tuple([place + offset for offset in self._cells[number]])

    def _spoilt(self, laid: Laid) -> int:
        """Wanted places that could never be filled after this: between finished corners that touch."""
        number, place = laid
        finished, use = self.field.finished, self.field.use
        spoilt = 0
        for offset, dx, dy in self._corners[number]:
            at = place + offset
            if finished[at + dx + dy] and not finished[at + dx] and not finished[at + dy]:
                spoilt += (use[at + dx] == WANTED) + (use[at + dy] == WANTED)
        return spoilt

    def _lay(self, laid: Laid, seen: tuple[int, ...]) -> None:
        number, place = laid
        self._enter(Step(laid, self._places(laid), tuple(self.makers(seen)), self._wave(seen)))
        finished = self.field.finished
        for other, offset in self._wakes[number]:
            if not finished[place + offset]:
                self._consider(other, place + offset)

    def _enter(self, step: Step) -> None:
        self.steps[step] = None
        for needed in step.after:
            needed.needed_by.append(step)
        for place in step.places:
            self.field.finish(place)
            self._maker[place] = step
            self.missing.discard(place)


def _wakes(laid: Shape, width: int) -> Iterator[Laid]:
    """The shapes, from where one was laid, that see it: all but islands, which see nothing."""
    drawn = set(laid.cells)
    for number in _OTHERS:
        cells = SHAPES[number].cells
        for y in range(-3, 4):
            for x in range(-3, 4):
                own = {(x + i, y + j) for i, j in cells}
                near = {(a + i, b + j) for a, b in own for i in (-1, 0, 1) for j in (-1, 0, 1)}
                if not own & drawn and near & drawn:
                    yield number, y * width + x
