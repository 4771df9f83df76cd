"""Drawings: requests that are drawn up beside the batches, in a thread or by a process of their own."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from protocol.errors import ProtocolError
from protocol.ingest import Publish
from protocol.plan import PlanHead
from protocol.region import Planned
from services.actor import Letter
from services.keeper import parts, staging
from services.keeper.drafter import Drafter
from services.keeper.entry import enter
from services.keeper.lookout import Lookout
from services.keeper.planner import Planner
from services.keeper.proposal import Drawn, Proposal
from services.keeper.request import Case, Parted, Request, box_of
from services.keeper.slices import LongDeed

T = TypeVar("T")

AT_ONCE = 500
"""Jobs that are put into the queue in one transaction; more follow from a file, some at a time."""
LARGE, LARGE_REGION, LARGE_GROUND = 2_000, 4_500, 20_000
"""Steps, quadrants to be filled, and tiles around, from which a process of its own draws a plan up."""


@dataclass
class Drawing:
    """One request that is being drawn up beside the batches."""

    request: Request
    case: Case | None
    """None until its ground is looked at."""
    letters: list[Letter]
    """Who asked for it: the first, and whoever asked again meanwhile."""
    taken_up: asyncio.Event = field(default_factory=asyncio.Event)
    lookout: Lookout = field(default_factory=Lookout)
    stale: bool = False
    """Whether the ground had changed, so that it must be drawn up again."""
    error: ProtocolError | None = None
    """Why it came to nothing."""
    work: asyncio.Task[Any] | None = None
    """What draws it up, to be ended if somebody calls it off."""


class Drawings:
    """Draws requests up, and changes nothing but the files it is told; `in_background` begins a long deed."""

    def __init__(
        self, planner: Planner, *, pool: Executor, in_background: Callable[[LongDeed], None]
    ) -> None:
        self.drafter = Drafter()
        self._planner = planner
        self._pool = pool
        self._in_background = in_background

    async def draw(self, drawing: Drawing, path: Path, whole: Path) -> Proposal | Drawn | Planned:
        """What a request comes down to; all that takes long is done in a thread or in another process."""
        aside = self._aside
        while drawing.case is None:
            drawing.case = await self._look(drawing)
        case, request, proposer = drawing.case, drawing.request, self._planner.proposer
        if (
            case.size > LARGE
            or (case.region is not None and case.region.size > LARGE_REGION)
            or case.ground.size > LARGE_GROUND
        ):
            if isinstance(request, Publish) and request.plan.steps:
                await aside(parts.write, whole, request.plan, request.plan.steps)
                head = PlanHead.model_validate(request.plan.model_dump(include=set(PlanHead.model_fields)))
                named = {step.model_id for step in request.plan.steps if step.kind == "generate"}
                rest = (request.plan.repair, request.dry_run, frozenset(named))
                parted = Parted(head, whole, case.size, box_of(request), *rest)
                case = replace(case, request=parted)
            return await self.drafter.draw(self._planner.order(case, path), self._planner.number)
        proposal = await aside(proposer.propose, case)
        if proposal.planned is not None:
            return proposal.planned
        first = self._planner.number(len(proposal.draft.jobs))
        if len(proposal.draft.jobs) <= AT_ONCE:
            proposal.entry = await aside(enter, proposal.draft, first)
            return proposal
        await aside(staging.write, path, proposal.draft, first)
        return proposer.drawn(proposal, first, path)

    async def _look(self, drawing: Drawing) -> Case | None:
        """Look at wide ground in many transactions; None if one of them came to nothing."""
        looked: asyncio.Future[Case | None] = asyncio.get_running_loop().create_future()

        def looking() -> LongDeed:
            case = None
            try:
                case = yield from self._planner.surveying(drawing.request, drawing.lookout)
            except ProtocolError as error:
                if not looked.done():
                    looked.set_exception(error)
            finally:
                if not looked.done():
                    looked.set_result(case)
            return None

        self._in_background(looking())
        return await looked

    async def _aside(self, do: Callable[..., T], *arguments: Any) -> T:
        """Do something in a thread; cancelled, it is over when the thread is, which nobody can end."""
        working = asyncio.get_running_loop().run_in_executor(self._pool, partial(do, *arguments))
        try:
            return await asyncio.shield(working)
        except asyncio.CancelledError:
            await asyncio.wait([working])
            raise
