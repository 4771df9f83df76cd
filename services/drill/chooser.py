"""The chooser: a person who compares models, puts one candidate on the map, and perhaps another instead."""

import asyncio
import random
import time

from protocol.ingest import Accepted
from protocol.order import Adopt, Candidates, Deleted, DeleteOrphan, ListCandidates, Reverted
from protocol.region import Compare
from protocol.view import CandidateView
from services.drill.ledger import Ledger
from services.drill.meddler import Meddler
from services.drill.plans import COMPARISON, PRICED_MODEL, Plans
from services.drill.stage import MODEL

WAIT_SECONDS = 6.0
"""How long candidates are waited for; who killed their workers may have them come later."""
LOOK_SECONDS = 0.2
SEEDS = [1, 2]


class Chooser:
    """Asks by way of the meddler, one thing after the other."""

    def __init__(self, meddler: Meddler, ledger: Ledger, plans: Plans, seed: int) -> None:
        self._meddler = meddler
        self._ledger = ledger
        self._plans = plans
        self._chance = random.Random(f"chooser {seed}")

    async def compare(self) -> None:
        """Have four candidates made, choose one or two after each other, forget one, leave the rest."""
        number, quadrants = self._plans.island()
        plan = f"{COMPARISON}{number}"
        self._ledger.note("offered", plan=plan, cap=None)
        models = [MODEL, PRICED_MODEL]
        request = Compare(plan=plan, quadrants=quadrants, models=models, seeds=SEEDS, prompt=f"at {number}")
        if (accepted := await self._meddler.told(request, Accepted)) is None:
            return
        self._ledger.note("accepted", plan=plan, jobs=list(accepted.jobs))
        made = await self._made(plan)
        self._chance.shuffle(made)
        for candidate in made[: self._chance.randint(1, 2)]:
            await self._choose(candidate)
        for candidate in made[3:]:
            self._ledger.note("deleting", orphan=candidate.orphan, job=candidate.job)
            if await self._meddler.told(DeleteOrphan(orphan=candidate.orphan), Deleted) is not None:
                self._ledger.note("deleted", orphan=candidate.orphan, job=candidate.job)

    async def _choose(self, candidate: CandidateView) -> None:
        tiles = [(tile.layer, tile.x, tile.y, tile.sha256) for tile in candidate.tiles]
        named = {"job": candidate.job, "orphan": candidate.orphan}
        self._ledger.note("adopting", **named)
        if await self._meddler.told(Adopt(orphan=candidate.orphan), Reverted) is not None:
            self._ledger.note("adopted", **named, tiles=tiles)

    async def _made(self, plan: str) -> list[CandidateView]:
        """The candidates that can be chosen, once all are there or have been waited for."""
        end = time.monotonic() + WAIT_SECONDS
        while True:
            found = await self._meddler.told(ListCandidates(plan=plan), Candidates)
            made = [one for one in found.candidates if one.adoptable] if found else []
            if len(made) >= 2 * len(SEEDS) or time.monotonic() > end:
                return made
            await asyncio.sleep(LOOK_SECONDS)
