"""Entering: jobs of large plans are moved into the queue some at a time, and gone on with after a crash."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from services.failpoint import failpoint
from services.keeper.database import DatabaseRefused
from services.keeper.progress import Progress
from services.keeper.slices import PART, LongDeed
from services.keeper.store import Store
from services.keeper.underway import UnderWay

AGAIN_SECONDS = 1.0
"""After jobs could not be written, as on a full disk."""

log = logging.getLogger("keeper")


class Entering:
    """Brings into the queue what was accepted, plan after plan, in the order in which they came."""

    def __init__(
        self,
        store: Store,
        folder: Path,
        progress: Progress,
        under_way: UnderWay,
        in_background: Callable[[LongDeed], None],
    ) -> None:
        self._store = store
        self._folder = folder
        self._progress = progress
        self._under_way = under_way
        self._in_background = in_background
        self._news = asyncio.Event()
        self._attached = ""
        """The plan whose file is open."""

    def prepare(self) -> None:
        """Find what an earlier life left; raises DatabaseRefused if a file with accepted jobs is missing."""
        self._folder.mkdir(exist_ok=True)
        waiting = self._store.staged.waiting()
        for plan, file, box in waiting:
            if not (self._folder / file).is_file():
                raise DatabaseRefused(
                    f"{self._folder / file} is missing; it holds jobs of plan {plan}, which was accepted. "
                    "Put it back from a backup, together with the database."
                )
            self._under_way.add(plan, box, self._left(plan))
            log.info("plan %s: %d jobs are still to be put into the queue", plan, self._left(plan))
        wanted = {file for _, file, _ in waiting}
        for path in self._folder.glob("*.db*"):
            if path.name not in wanted:
                path.unlink()
        self._news.set()

    def begin(self) -> None:
        """A plan was accepted, in a transaction that may still come to nothing."""
        self._news.set()

    def cut(self, plan: str) -> None:
        """Let no more of a plan into the queue, in a transaction that may still come to nothing."""
        for name, file, _ in self._store.staged.waiting():
            if name == plan:
                self._store.staged.cut(plan)
                asyncio.get_running_loop().call_soon(self._drop, plan, self._folder / file)

    def _drop(self, plan: str, path: Path) -> None:
        """Clear up after a plan of which no more is to be moved."""
        if plan != self._attached and not self._is_waiting(plan):
            self._under_way.drop(plan)
            # Whoever drew it up may be the last to hear of it, and have found that it needs no file any more.
            path.unlink(missing_ok=True)
            log.info("plan %s: no more jobs are to be put into the queue", plan)

    async def run(self) -> None:
        """Move jobs over for as long as the keeper lives."""
        while True:
            await self._news.wait()
            self._news.clear()
            while waiting := self._store.staged.waiting():
                plan, file, _ = waiting[0]
                await self._enter(plan, self._folder / file)

    async def _enter(self, plan: str, path: Path) -> None:
        self._attached = plan
        self._store.staged.attach(path)
        try:
            while self._is_waiting(plan):
                over = asyncio.Event()
                self._in_background(self._moving(plan, over))
                await over.wait()
                # The transaction that ended it is over by now, one way or the other.
                await asyncio.sleep(0)
                if self._is_waiting(plan):
                    await asyncio.sleep(AGAIN_SECONDS)
        finally:
            self._store.staged.detach()
            self._attached = ""
        self._drop(plan, path)

    def _moving(self, plan_id: str, over: asyncio.Event) -> LongDeed:
        """Move what is left of a plan. A long deed."""
        try:
            plan = self._store.plans.get(plan_id)
            assert plan is not None
            first, end = plan.first_job + plan.entered, plan.first_job + plan.jobs
            # Between two parts somebody may call it off.
            while first < end and self._is_waiting(plan_id):
                moved = self._store.staged.enter(plan_id, first, min(PART, end - first))
                self._progress.entered(plan_id, moved)
                self._under_way.add(plan_id, plan.bounds, end - first)
                first += len(moved)
                failpoint("keeper_enter")
                yield
            self._store.staged.done(plan_id)
            self._progress.entered(plan_id, ())
            return None
        finally:
            over.set()

    def _is_waiting(self, plan_id: str) -> bool:
        return any(plan == plan_id for plan, _, _ in self._store.staged.waiting())

    def _left(self, plan_id: str) -> int:
        plan = self._store.plans.get(plan_id)
        return 0 if plan is None else plan.jobs - plan.entered
