"""The pruning: what ended long ago is removed, bit by bit, and never what stands or may still go on."""

import asyncio
import json
import logging
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

from protocol.message import Message
from protocol.order import Prune, Pruned
from services.actor import Letter
from services.blobs import Blobs
from services.keeper.slices import PART, LongDeed
from services.keeper.store import Store

VERSIONS_LIMIT = 200_000
"""Versions that one request removes at most: their images are kept in mind until the end."""
MANY = 1_000
"""Rows looked at between two yields where nothing more than a look is needed."""
END = 1 << 62

log = logging.getLogger("keeper")

Parts = Generator[None, None, None]


@dataclass
class Removed:
    """What one pruning has removed so far, or would have."""

    before: float
    dry: bool
    plans: list[str] = field(default_factory=list)
    jobs: int = 0
    events: int = 0
    orphans: set[tuple[int, int]] = field(default_factory=set)
    rows: list[int] = field(default_factory=list)
    """Of late results."""
    versions: list[int] = field(default_factory=list)
    hashes: set[str] = field(default_factory=set)
    """Images that nothing may refer to any more."""
    size: int = 0


class Pruning:
    """Removes history when a person says so. `at_length` begins a long deed, `start` one beside it."""

    def __init__(
        self,
        store: Store,
        blobs: Blobs,
        *,
        clock: Callable[[], float],
        pool: Executor,
        at_length: Callable[[Letter, LongDeed], Message | None],
        start: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._relics = store.relics
        self._blobs = blobs
        self._clock = clock
        self._pool = pool
        self._at_length = at_length
        self._start = start

    def prune(self, letter: Letter, request: Prune) -> Message | None:
        """Answer once the rows are gone; the files go right after."""
        return self._at_length(letter, self._pruning(request))

    def _pruning(self, request: Prune) -> LongDeed:
        removed = Removed(self._clock() - request.older_than_seconds, request.dry_run)
        yield from self._prune_events(removed)
        yield from self._prune_plans(removed)
        yield from self._prune_orphans(removed)
        if request.versions:
            yield from self._prune_versions(removed)
        yield from self._spare(removed)
        for part in _parts(sorted(removed.hashes), MANY):
            removed.size += sum(self._blobs.size(sha256) for sha256 in part)
            yield
        answer = Pruned(
            plans=len(removed.plans),
            jobs=removed.jobs,
            events=removed.events,
            orphans=len(removed.orphans),
            versions=len(removed.versions),
            bytes=removed.size,
        )
        if not removed.dry:
            log.info("pruned: %s", answer.model_dump(exclude={"TYPE"}))
            if removed.hashes:
                self._start(self._remove_files(removed))
        return answer

    def _prune_events(self, removed: Removed) -> Parts:
        last = 0
        while found := self._relics.events(removed.before, last, MANY):
            removed.events += len(found)
            last = found[-1]
            if not removed.dry:
                self._relics.drop_events(last)
            yield

    def _prune_plans(self, removed: Removed) -> Parts:
        at = 0
        while found := self._relics.plans(removed.before, at, PART):
            yield
            at = found[-1][0]
            for _, plan_id in found:
                if (yield from self._may_go(plan_id, removed.before)):
                    yield from self._prune_plan(plan_id, removed)

    def _may_go(self, plan_id: str, before: float) -> Generator[None, None, bool]:
        below = END
        while (part := self._relics.part(plan_id, before, below, MANY)).jobs:
            if not part.may_go:
                return False
            below = part.jobs[-1]
            if len(part.jobs) == MANY:
                yield
        return True

    def _prune_plan(self, plan_id: str, removed: Removed) -> Parts:
        """The last jobs first: a person who lives one of the others up meanwhile finds what that needs."""
        below = END
        while self._relics.is_over(plan_id):
            part = self._relics.part(plan_id, removed.before, below, PART)
            if not part.may_go:
                return
            removed.jobs += len(part.jobs)
            if part.jobs:
                below = part.jobs[-1]
                if not removed.dry:
                    self._relics.drop_jobs(part.jobs)
            if len(part.jobs) < PART:
                removed.plans.append(plan_id)
                if not removed.dry:
                    self._relics.drop_plan(plan_id)
                yield
                return
            yield

    def _prune_orphans(self, removed: Removed) -> Parts:
        after = 0
        while True:
            after, found = self._relics.orphans(removed.before, after, MANY)
            if not after:
                return
            removed.orphans |= {(job, token) for _, _, job, token in found}
            removed.rows += [number for number, _, _, _ in found]
            removed.hashes |= {sha256 for _, sha256, _, _ in found}
            if not removed.dry:
                self._relics.drop_orphans([number for number, _, _, _ in found])
            yield

    def _prune_versions(self, removed: Removed) -> Parts:
        gone = json.dumps(removed.plans if removed.dry else [])
        for after in range(0, self._relics.last_version(), MANY):
            found = self._relics.versions(removed.before, gone, after, after + MANY)
            found = found[: VERSIONS_LIMIT - len(removed.versions)]
            removed.versions += [version for version, _ in found]
            removed.hashes |= {sha256 for _, sha256 in found}
            if found and not removed.dry:
                self._relics.drop_versions([version for version, _ in found])
            yield

    def _spare(self, removed: Removed) -> Parts:
        """Leave the images that something refers to; those that are handed in meanwhile the blobs spare."""
        but = (removed.before, json.dumps(removed.plans)) if removed.dry and removed.versions else None
        after = 0
        while removed.hashes and after < self._relics.last_version():
            removed.hashes.difference_update(self._relics.hashes(after, after + MANY, but=but))
            after += MANY
            yield
        removed.hashes.difference_update(self._relics.other_hashes(removed.before if removed.dry else None))

    async def _remove_files(self, removed: Removed) -> None:
        """Only if the rows are gone for good: a file without a row is harmless, a row without one is not."""
        loop = asyncio.get_running_loop()
        for kind in ("versions", "orphans"):
            for part in _parts(removed.versions if kind == "versions" else removed.rows, MANY):
                if self._relics.any_left(**{kind: part}):
                    log.warning("the pruning came to nothing half way, so no image was removed; prune again")
                    return
        for part in _parts(sorted(removed.hashes), MANY):
            await loop.run_in_executor(self._pool, self._blobs.remove, part)


def _parts(found: list[Any], size: int) -> list[list[Any]]:
    return [found[i : i + size] for i in range(0, len(found), size)]
