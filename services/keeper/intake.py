"""The intake: plans that come in, drawn up at once if they are small and beside the batch if they are not."""

import asyncio
import uuid
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from protocol.errors import ProtocolError
from protocol.ingest import Accepted, PartTaken, PlanBegin, PlanCommit, PlanPart, Publish
from protocol.message import Message
from protocol.plan import Plan
from protocol.region import Planned, Replan
from protocol.view import DraftView
from services.actor import Letter, told
from services.failpoint import failpoint
from services.keeper import parts
from services.keeper.batch import Answers, Deed
from services.keeper.bundle import SMALL, Bundle, bundles, is_small
from services.keeper.drawing import Drawing, Drawings
from services.keeper.parts import Parts
from services.keeper.planner import Planner
from services.keeper.progress import Progress, log
from services.keeper.proposal import Drawn, Proposal
from services.keeper.request import Parted, Request, is_dry, name_of, plan_id, steps_of
from services.keeper.slices import LongDeed
from services.logs import about, say_each


class Intake:
    """Answers requests for plans.

    `later` puts a deed into the next transaction, `at_length` begins one that may take several, `start` runs
    something beside that is dropped when the keeper stops, `entering` is called when a plan was accepted
    whose jobs lie in `folder`.
    """

    def __init__(
        self,
        *,
        planner: Planner,
        progress: Progress,
        drawings: Drawings,
        parts: Parts,
        folder: Path,
        clock: Callable[[], float],
        later: Callable[[Letter, Deed], None],
        at_length: Callable[[Letter, LongDeed], Message | None],
        start: Callable[[Coroutine[Any, Any, None]], None],
        entering: Callable[[], None],
    ) -> None:
        self._planner = planner
        self._progress = progress
        self._drawings = drawings
        self._parts = parts
        self._folder = folder
        self._clock = clock
        self._later = later
        self._at_length = at_length
        self._start = start
        self._entering = entering
        self._drawing: dict[str, Drawing] = {}

    def on_plan(self, letter: Letter, request: Request) -> Message | None:
        if isinstance(request, Replan):
            return self._at_length(letter, self._replanning(letter, request))
        return self._plan(letter, request)

    def on_small(self, letters: Sequence[Letter]) -> Answers:
        """Small requests that came in together, drawn up and put in as few at a time as they allow."""
        requests = [body for letter in letters if is_small(body := letter.envelope.body)]
        answers: Answers = []
        came = iter(letters)
        for bundle in bundles(requests, palette_made=self._planner.palette_made):
            answers += self._on_bundle(bundle, list(islice(came, len(bundle.requests))))
        return answers

    def _on_bundle(self, bundle: Bundle, letters: Sequence[Letter]) -> Answers:
        """Accept those that are sound, all of them by the same few statements."""
        answers: Answers = []
        proposals: list[tuple[Letter, Proposal]] = []
        planner = self._planner
        before, renders = planner.accepted_among(bundle.ids), planner.survey_renders(bundle.frames)
        proposer = planner.proposer
        for request, id, letter in zip(bundle.requests, bundle.ids, letters, strict=True):
            answer: Message | None = before.get(id)
            try:
                if answer is None and id in self._drawing:
                    answer = self._plan(letter, request)
                elif answer is None:
                    self._parts.check(id, self._clock())
                    if (case := planner.survey(request, renders)) is None:
                        answer = self._plan(letter, request)
                    else:
                        proposals.append((letter, proposer.propose(case)))
            except ProtocolError as error:
                answer = told(error)
            if answer is not None:
                answers.append((letter, answer))
        found = self._accept([proposal for _, proposal in proposals])
        for (letter, _), one in zip(proposals, found, strict=True):
            answers.append((letter, told(one) if isinstance(one, ProtocolError) else one))
        return answers

    def on_begin(self, letter: Letter, request: PlanBegin) -> Message:
        if (before := self._planner.accepted(request.plan.id)) is not None:
            return before
        here = self._parts.begin(request.plan, request.steps, self._clock())
        return PartTaken(plan=request.plan.id, steps=here)

    def on_part(self, letter: Letter, request: PlanPart) -> Message:
        if (before := self._planner.accepted(request.plan)) is not None:
            return before
        here = self._parts.add(request.plan, request.first, request.steps, self._clock())
        return PartTaken(plan=request.plan, steps=here)

    def on_commit(self, letter: Letter, request: PlanCommit) -> Message | None:
        if (before := self._planner.accepted(request.plan)) is not None:
            self._parts.drop(request.plan)
            return before
        begun = self._parts.complete(request.plan, self._clock())
        if begun.total <= SMALL:
            plan = Plan.model_construct(**dict(begun.head), steps=parts.read(begun.path))
            self._start(self._drop_parts(request.plan))
            return self._plan(letter, Publish(plan=plan))
        box = begun.box or (0, 0, 0, 0)
        return self._plan(letter, Parted(begun.head, begun.path, begun.total, box, models=begun.models))

    async def _drop_parts(self, plan: str) -> None:
        """Drop the parts of a plan if it was accepted by the transaction before."""
        if self._planner.accepted(plan) is not None:
            self._parts.drop(plan)

    def drafts(self) -> list[DraftView]:
        """The large plans that are not accepted yet."""
        drawing = [other.request for other in self._drawing.values() if other.error is None]
        asked = {plan_id(request): request for request in drawing if not is_dry(request)}
        found = [
            DraftView(
                plan=begun.head.id,
                name=begun.head.name,
                steps=begun.total,
                here=begun.here,
                drawing=begun.head.id in asked,
            )
            for begun in self._parts.begun()
        ]
        listed = {draft.plan for draft in found}
        for plan, request in asked.items():
            if plan not in listed:
                steps = steps_of(request)
                found.append(
                    DraftView(plan=plan, name=name_of(request), steps=steps, here=steps, drawing=True)
                )
        return found[:100]

    def call_off(self, plan: str) -> bool:
        """Forget a plan that is not accepted yet, however far it is; whether it is known here."""
        drawing = self._drawing.get(plan)
        if drawing is not None and is_dry(drawing.request):
            drawing = None
        if drawing is None and not self._parts.is_begun(plan):
            return self._parts.is_called_off(plan)
        self._parts.call_off(plan, self._clock())
        if drawing is not None:
            drawing.error = parts.called_off(plan)
            if drawing.work is not None:
                drawing.work.cancel()
        return True

    def void(self) -> None:
        """Forget plans that were begun and that nobody went on with."""
        for plan in self._parts.void(self._clock()):
            log.info("plan %s was begun and not gone on with for an hour; its parts are forgotten", plan)

    def _replanning(self, letter: Letter, request: Replan) -> LongDeed:
        """Plan the rest of a plan anew, once it is known what that is."""
        self._planner.entering.check_plan(request.plan)
        if (before := self._planner.before(request)) is not None:
            if self._planner.is_settled(request.plan):
                # A crash may have come between the new plan and the last of the old one's jobs.
                yield from self._progress.cancelling_plan(request.plan)
            return before
        yield from self._progress.looking_again(request.plan)
        answer = self._plan(letter, request)
        if isinstance(answer, Accepted) and not answer.duplicate:
            yield from self._progress.cancelling_plan(request.plan)
        return answer

    def _plan(self, letter: Letter, request: Request) -> Message | None:
        if (before := self._planner.before(request)) is not None:
            return before
        if not is_dry(request):
            self._parts.check(plan_id(request), self._clock())
        key = letter.envelope.id if is_dry(request) else plan_id(request)
        if (drawing := self._drawing.get(key)) is not None:
            # Asked again while it is being drawn up, it is answered when that is done.
            if all(other.envelope.id != letter.envelope.id for other in drawing.letters):
                drawing.letters.append(letter)
            return None
        case = self._planner.survey(request)
        if case is not None and case.region is None and case.size <= SMALL:
            return self._answer(self._planner.proposer.propose(case))
        self._drawing[key] = Drawing(request, case, [letter])
        self._start(self._draw_aside(key, self._drawing[key]))
        return None

    async def _draw_aside(self, key: str, drawing: Drawing) -> None:
        """Draw a large plan up beside the batches, and let it join one, until the ground has stood still."""
        letter, request = drawing.letters[0], drawing.request
        path = self._folder / f"{uuid.uuid4().hex}.db"
        whole = path.with_suffix(".whole")
        self._planner.lookouts.append(drawing.lookout)
        try:
            while True:
                drawing.work = asyncio.create_task(self._drawings.draw(drawing, path, whole))
                found = await drawing.work
                drawing.taken_up.clear()
                self._later(letter, partial(self._take_up, letter, drawing, found))
                await drawing.taken_up.wait()
                if not drawing.stale:
                    break
        except ProtocolError as error:
            drawing.error = error
            letter.refuse(error)
        except asyncio.CancelledError:
            if drawing.error is None:
                # The keeper stops.
                raise
            letter.refuse(drawing.error)
        finally:
            del self._drawing[key]
            self._planner.lookouts.remove(drawing.lookout)
            whole.unlink(missing_ok=True)
            # By now the transaction that took it up is over, one way or the other.
            if self._planner.is_staged(request, path.name):
                self._entering()
            else:
                path.unlink(missing_ok=True)
                if self._planner.before(request) is None and not is_dry(request):
                    self._planner.entering.drop(plan_id(request))
        if isinstance(request, Parted):
            await self._drop_parts(request.plan.id)
        for other in drawing.letters[1:]:
            if drawing.error is not None:
                other.refuse(drawing.error)
            else:
                self._later(other, partial(self._plan, other, request))

    def _take_up(self, letter: Letter, drawing: Drawing, found: Proposal | Drawn | Planned) -> Message | None:
        """Accept what was drawn up, unless the ground has changed meanwhile: then it is drawn up again."""
        drawing.stale = False
        drawing.taken_up.set()
        request = drawing.request
        if drawing.error is not None:
            raise drawing.error
        try:
            if isinstance(found, Planned):
                return found
            if (before := self._planner.before(request)) is not None:
                return before
            now = self._planner.survey(request)
            assert drawing.case is not None
            if self._planner.is_stale(drawing.case, found, now, drawing.lookout):
                drawing.case, drawing.stale = now, True
                return None
            if isinstance(request, Replan):
                return self._at_length(letter, self._replacing(request.plan, found))
            return self._answer(found)
        except ProtocolError as error:
            drawing.error = error
            raise

    def _answer(self, found: Proposal | Drawn) -> Message:
        if isinstance(found, Drawn):
            accepted = self._planner.accept_drawn(found)
            _log([accepted])
            return accepted
        if found.planned is not None:
            return found.planned
        answer = self._accept([found])[0]
        if isinstance(answer, ProtocolError):
            raise answer
        return answer

    def _accept(self, proposals: Sequence[Proposal]) -> list[Accepted | ProtocolError]:
        """Put proposals in that have nothing to do with each other; of each the answer."""
        answers = self._planner.accept(proposals)
        accepted: list[Accepted] = []
        for proposal, answer in zip(proposals, answers, strict=True):
            if isinstance(answer, ProtocolError):
                continue
            # What waits for none but its own goes on by itself.
            if proposal.draft.leans_on or not proposal.draft.jobs:
                self._progress.accepted(answer.plan, proposal.draft.leans_on)
            accepted.append(answer)
        _log(accepted)
        return answers

    def _replacing(self, old: str, found: Proposal | Drawn) -> LongDeed:
        """The old plan ends after the new one is in: renders that both need then become the new one's."""
        answer = self._answer(found)
        yield from self._progress.cancelling_plan(old)
        return answer


def _log(accepted: Sequence[Accepted]) -> None:
    say_each(log, [(f"accepted with {len(one.jobs)} jobs", about(plan=one.plan)) for one in accepted])
    for _ in accepted:
        failpoint("keeper_plan")
