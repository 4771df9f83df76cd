"""The past: requests that bring older versions, late results and candidates onto the map."""

from collections.abc import Callable

from protocol.message import Message
from protocol.order import Adopt, DeleteOrphan, ListCandidates, ListOrphans, Revert, RevertPlan
from services.actor import Letter
from services.keeper.adoption import Adoption
from services.keeper.candidates import CandidateViews
from services.keeper.history import History
from services.keeper.slices import LongDeed


class Past:
    """Answers them. `at_length` begins what may take more than one transaction."""

    def __init__(
        self,
        history: History,
        adoption: Adoption,
        candidates: CandidateViews,
        at_length: Callable[[Letter, LongDeed], Message | None],
    ) -> None:
        self._history = history
        self._adoption = adoption
        self._candidates = candidates
        self._at_length = at_length

    def revert(self, letter: Letter, request: Revert) -> Message:
        return self._history.revert(request.x, request.y, request.version, request.layer)

    def revert_plan(self, letter: Letter, request: RevertPlan) -> Message | None:
        return self._at_length(letter, self._history.reverting_plan(request.plan))

    def list_orphans(self, letter: Letter, request: ListOrphans) -> Message:
        return self._adoption.page(request)

    def list_candidates(self, letter: Letter, request: ListCandidates) -> Message:
        return self._candidates.page(request)

    def adopt(self, letter: Letter, request: Adopt) -> Message | None:
        return self._at_length(letter, self._adoption.adopting(request))

    def delete_orphan(self, letter: Letter, request: DeleteOrphan) -> Message:
        return self._adoption.delete(request)
