"""The curator: a person who looks after late results and takes back what was drawn, and notes the answers."""

import asyncio
import random
import time

from protocol.control import GetQuadrant, ListPlans, Plans, Quadrant
from protocol.order import (
    Adopt,
    Deleted,
    DeleteOrphan,
    ListOrphans,
    Orphans,
    Revert,
    Reverted,
    RevertPlan,
)
from protocol.view import OrphanView
from services.drill.ledger import Ledger
from services.drill.meddler import Meddler
from services.drill.plans import COMPARISON

LATE_SECONDS = 3.0
"""How long a result that came too late is waited for."""
LOOK_SECONDS = 0.1
TRIES = 4


class Curator:
    """Asks by way of the meddler, one thing after the other."""

    def __init__(self, meddler: Meddler, ledger: Ledger, seed: int) -> None:
        self._meddler = meddler
        self._ledger = ledger
        self._chance = random.Random(f"curator {seed}")
        self._turn = asyncio.Lock()
        self._reverted: set[str] = set()

    async def do(self, what: str) -> None:
        """Do one of the things that people do."""
        async with self._turn:
            match what:
                case "adopt":
                    await self._adopt()
                case "delete_orphan":
                    await self._delete()
                case "revert_plan":
                    await self._revert_plan()
                case "revert":
                    await self._revert()

    async def _adopt(self) -> None:
        """Call a job off that is in somebody's hands, and take what is made of it all the same."""
        for _ in range(TRIES):
            job = await self._meddler.one("processing", kind="generate")
            if job is None or not await self._meddler.cancel_job(job.job):
                await asyncio.sleep(LOOK_SECONDS)
                continue
            if (late := await self._late(job.job)) is not None:
                tiles = [(tile.layer, tile.x, tile.y, tile.sha256) for tile in late.tiles]
                self._ledger.note("adopting", job=late.job)
                if await self._meddler.told(Adopt(orphan=late.orphan), Reverted) is not None:
                    self._ledger.note("adopted", job=late.job, orphan=late.orphan, tiles=tiles)
                return

    async def _late(self, job: int) -> OrphanView | None:
        """What came too late of a job and can be taken, once it is there."""
        end = time.monotonic() + LATE_SECONDS
        while time.monotonic() < end:
            for late in await self._orphans():
                if late.job == job and late.adoptable:
                    return late
            await asyncio.sleep(LOOK_SECONDS)
        return None

    async def _delete(self) -> None:
        if found := await self._orphans():
            late = self._chance.choice(found)
            self._ledger.note("deleting", orphan=late.orphan, job=late.job)
            if await self._meddler.told(DeleteOrphan(orphan=late.orphan), Deleted) is not None:
                self._ledger.note("deleted", orphan=late.orphan, job=late.job)

    async def _orphans(self) -> list[OrphanView]:
        found = await self._meddler.told(ListOrphans(limit=500), Orphans)
        return found.orphans if found else []

    async def _revert_plan(self) -> None:
        """Take back what a plan has drawn, of which nothing is left to do."""
        if (plan := await self._finished()) is not None:
            self._ledger.note("reverting_plan", plan=plan)
            if await self._meddler.told(RevertPlan(plan=plan), Reverted) is not None:
                self._reverted.add(plan)
                self._ledger.note("reverted_plan", plan=plan)

    async def _revert(self) -> None:
        """Take one quadrant of a finished plan off the map; now and then put it back."""
        plan = await self._finished()
        job = plan and await self._meddler.one("complete", kind="generate", plan=plan)
        if not job:
            return
        x, y = job.quadrants[0]
        found = await self._meddler.told(GetQuadrant(x=x, y=y), Quadrant)
        drawn = [view.version for view in found.versions if view.layer == job.layer] if found else []
        for version in (0, *drawn[: self._chance.randrange(2)]):
            request = Revert(layer=job.layer, x=x, y=y, version=version)
            self._ledger.note("reverting", **request.model_dump())
            if await self._meddler.told(request, Reverted) is not None:
                self._ledger.note("reverted", **request.model_dump())

    async def _finished(self) -> str | None:
        """Some plan that has settled with all its jobs done, and that nobody has reverted."""
        found = await self._meddler.told(ListPlans(limit=200), Plans)
        whole = [
            view.plan
            for view in (found.plans if found else [])
            if view.settled
            and view.plan not in self._reverted
            # What is chosen there again would come back.
            and not view.plan.startswith(COMPARISON)
            and view.counts.get("complete", 0) == view.jobs > 0
        ]
        return self._chance.choice(whole) if whole else None
