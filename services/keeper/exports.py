"""The exports: what has not ended, as plans that another world, or this one later, can take up."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from functools import partial
from typing import Any

from protocol.errors import Code, ProtocolError
from protocol.message import Message
from protocol.order import Export, Exported
from protocol.plan import Plan, Step
from services.actor import Letter
from services.keeper.asked import lay
from services.keeper.ground import Sought, survey
from services.keeper.lifecycle import Job
from services.keeper.plans import PlanRow
from services.keeper.request import Region
from services.keeper.store import Store
from services.tiling.region import bounding

PART_STEPS = 1_000
"""Steps in one answer; a larger plan comes in several, one after the other."""
PART_CHARACTERS = 2_000_000
"""Of prompts that differ from the plan's, in one answer."""
_PLACE = 1 << 32
"""A cursor is the place of a plan among all, and in it how far that plan has been told."""


class Exports:
    """Answers `export`. What takes planning runs beside: `start` begins it, `pool` does it."""

    def __init__(
        self, store: Store, *, pool: Executor, start: Callable[[Coroutine[Any, Any, None]], None]
    ) -> None:
        self._store = store
        self._left = store.remainders
        self._pool = pool
        self._start = start

    def export(self, letter: Letter, request: Export) -> Message | None:
        """The next part of the next plan that has something left."""
        place, told = divmod(request.cursor, _PLACE)
        while True:
            found = self._which(request.plan, place, told)
            if found is None:
                return Exported(plan=None, cursor=0)
            place, plan = found
            if self._left.is_entering(plan.id):
                raise ProtocolError(
                    Code.BUSY,
                    f"Plan {plan.id} is still being put into the queue; ask again.",
                    retry_after=1.0,
                )
            if self._store.tiles.scaffold_plans(plan.id):
                self._start(self._laid_anew(letter, request, place, told, plan))
                return None
            answer = self._part(request, place, told, plan)
            if answer.plan is not None or not answer.cursor:
                return answer
            place, told = divmod(answer.cursor, _PLACE)

    def _which(self, wanted: str | None, place: int, told: int) -> tuple[int, PlanRow] | None:
        if wanted is not None:
            plan = self._store.plans.get(wanted)
            if plan is None:
                raise ProtocolError(Code.UNKNOWN_PLAN, f"There is no plan {wanted}.")
            own = self._left.place(wanted)
            return None if own < place or (own == place and not told) else (own, plan)
        # A plan of which a part has been told is gone on with, whatever has become of it.
        following = self._left.next_plan(place - 1 if told else place)
        if following is None:
            return None
        row = self._store.plans.get(following[1])
        return None if row is None else (following[0], row)

    def _part(self, request: Export, place: int, told: int, plan: PlanRow) -> Exported:
        """Steps as they were asked for, in the order of their jobs."""
        dropped = self._left.dropped(plan.id)
        calls = self._left.calls(plan.id, told, PART_STEPS + 1)
        texts = self._left.texts(plan.id)
        steps: list[Step] = []
        if not told:
            for name, quadrants in self._left.renders(plan.id).items():
                steps.append(Step(id=name, kind="render", quadrants=quadrants))
        after = self._left.needed([job.id for job in calls], dropped)
        characters, last = 0, told
        for job in calls[:PART_STEPS]:
            step = _step(job, after.get(job.id, []), plan, texts)
            characters += len(step.prompt or "") + len(step.negative_prompt or "")
            if characters > PART_CHARACTERS and last > told:
                break
            last = job.id
            if job.id not in dropped:
                steps.append(step)
        more = bool(calls) and calls[-1].id > last
        return self._told(request, place, last if more else 0, plan, steps, texts)

    def _told(
        self, request: Export, place: int, told: int, plan: PlanRow, steps: list[Step], texts: tuple[str, str]
    ) -> Exported:
        cursor = place * _PLACE + told if told or request.plan is None else 0
        if not steps:
            return Exported(plan=None, cursor=cursor)
        drawn = {cell for step in steps for cell in step.quadrants if step.kind == "generate"}
        repair = sorted(self._left.repairing(plan.id) & drawn)
        head = Plan(
            id=plan.id,
            name=plan.name,
            model_id=plan.model_id or None,
            prompt=texts[0],
            negative_prompt=texts[1],
            lane=plan.lane,
            priority=self._left.priority(plan.id),
            cost_cap=self._store.accounts.plan(plan.id).left,
            steps=steps,
            repair=repair,
        )
        return Exported(plan=head, cursor=cursor)

    async def _laid_anew(self, letter: Letter, request: Export, place: int, told: int, plan: PlanRow) -> None:
        """Where scaffold of the plan stands, which is on no other map, other steps draw the same ground."""
        jobs = self._store.queue.of_plan(plan.id)
        jobs = [job for job in jobs if job.state != "cancelled"]
        cells = frozenset(cell for job in jobs for cell in job.quadrants)
        if not cells:
            letter.reply(self._told(request, place, 0, plan, [], ("", "")))
            return
        region = Region(bounding(cells), cells)
        ground = survey(self._store, region.box, Sought(plan="", layer=plan.layer, replaces=plan.id))
        try:
            found = await asyncio.get_running_loop().run_in_executor(
                self._pool, partial(lay, region, ground, dry=True)
            )
        except ProtocolError as error:
            letter.refuse(error)
            return
        owner = {cell: job for job in jobs for cell in job.quadrants}
        texts = self._left.texts(plan.id)
        steps = []
        for planned in found.steps[told : told + PART_STEPS]:
            job = next((owner[cell] for cell in planned.quadrants if cell in owner), jobs[0])
            steps.append(
                _step(job, list(planned.after), plan, texts).model_copy(
                    update={
                        "id": planned.id,
                        "quadrants": [(x, y) for x, y in planned.quadrants],
                        "padding": [(x, y) for x, y in planned.padding],
                        "scaffold": [(x, y) for x, y in planned.scaffold],
                    }
                )
            )
        more = told + PART_STEPS if told + PART_STEPS < len(found.steps) else 0
        letter.reply(self._told(request, place, more, plan, steps, texts))


def _step(job: Job, after: list[str], plan: PlanRow, texts: tuple[str, str]) -> Step:
    """What the job does, as a step; said apart is only what is not the plan's."""
    return Step(
        id=job.step,
        quadrants=list(job.quadrants),
        padding=list(job.padding),
        scaffold=list(job.scaffold),
        after=after[:64],
        model_id=job.model_id if job.model_id != plan.model_id else None,
        prompt=job.prompt if job.prompt != texts[0] else None,
        negative_prompt=job.negative_prompt if job.negative_prompt != texts[1] else None,
    )
