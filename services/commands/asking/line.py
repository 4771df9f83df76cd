"""The line from a command to the keeper: it outlasts a restart of the keeper, and says what went wrong."""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from protocol.control import Jobs, ListJobs
from protocol.errors import Code, ProtocolError
from protocol.message import Message
from protocol.order import Candidates, Export, Exported, ListCandidates, ListOrphans, Orphans
from protocol.plan import Plan
from protocol.view import CandidateView, JobView, OrphanView
from services.config import Sockets
from services.supervision.ask import NotRunning, ask, listening
from services.supervision.lock import Lock

WELL, REFUSED, NOT_RUNNING = 0, 1, 3
ANSWER_SECONDS = 10.0
LONG_SECONDS = 120.0
"""What goes through a whole queue may take long."""
RESEND_SECONDS = 3.0
LONGEST_PAUSE_SECONDS = 5.0
RETURN_SECONDS = 15.0
"""How long a keeper that is started again is waited for."""
PAGE, CANDIDATES = 500, 200

M = TypeVar("M", bound=Message)


class Line:
    """Asks the keeper of one data folder, on its control socket."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._address = Sockets(data).address("control")

    def ask(self, body: Message, answer: type[M], *, timeout: float = ANSWER_SECONDS) -> M:
        """The answer; raises NotRunning, or ProtocolError with what was refused."""
        self._await_keeper()
        return ask(self._address, body, answer, timeout=timeout, resend=RESEND_SECONDS)

    def ask_long(self, body: Message, answer: type[M]) -> M:
        """The answer to what may take a while; a keeper that is busy for a moment is asked again."""
        deadline = time.monotonic() + LONG_SECONDS
        while True:
            try:
                return self.ask(body, answer, timeout=LONG_SECONDS)
            except ProtocolError as error:
                if error.code is not Code.BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(min(error.retry_after or 1.0, LONGEST_PAUSE_SECONDS))

    def jobs(self, asked: ListJobs, most: int) -> Jobs:
        """The first jobs that are meant, `most` of them at the most, in one page."""
        found: list[JobView] = []
        while True:
            page = self.ask_long(
                asked.model_copy(update={"limit": min(PAGE, max(1, most - len(found)))}), Jobs
            )
            found += page.jobs
            if not page.cursor or len(found) >= most:
                return page.model_copy(update={"jobs": found[:most]})
            asked = asked.model_copy(update={"cursor": page.cursor})

    def orphans(self) -> Iterator[OrphanView]:
        """Every late result."""
        cursor = 0
        while True:
            page = self.ask(ListOrphans(cursor=cursor, limit=PAGE), Orphans)
            yield from page.orphans
            if not (cursor := page.cursor):
                return

    def candidates(self, plan: str | None) -> Iterator[CandidateView]:
        """Every candidate, or those of one comparison."""
        cursor = 0
        while True:
            page = self.ask(ListCandidates(plan=plan, cursor=cursor, limit=CANDIDATES), Candidates)
            yield from page.candidates
            if not (cursor := page.cursor):
                return

    def exported(self, plan: str | None) -> Iterator[Plan]:
        """What has not ended, plan by plan."""
        cursor, whole = 0, None
        while True:
            page = self.ask_long(Export(plan=plan, cursor=cursor), Exported)
            if page.plan is not None and whole is not None and page.plan.id == whole.id:
                # A large plan comes in parts.
                whole = whole.followed_by(page.plan)
            elif page.plan is not None:
                if whole is not None:
                    yield whole
                whole = page.plan
            if not (cursor := page.cursor):
                break
        if whole is not None:
            yield whole

    def _await_keeper(self) -> None:
        """Give a keeper the time to come back, as long as somebody is there who starts it."""
        deadline = time.monotonic() + RETURN_SECONDS
        while not listening(self._address) and Lock(self._data).holder() is not None:
            if time.monotonic() > deadline:
                raise ProtocolError(Code.UNAVAILABLE, f"The keeper of {self._data} does not answer.")
            time.sleep(0.05)


def asking(data: Path, act: Callable[[Line], int]) -> int:
    """What `act` gives, or the exit code for why it could not, with the sentence on standard error."""
    try:
        return act(Line(data))
    except NotRunning:
        return not_running(data)
    except ProtocolError as error:
        return refused(error)


def not_running(data: Path) -> int:
    """Say that there is no world to ask."""
    print(f"Nothing runs in {data}.", file=sys.stderr)
    return NOT_RUNNING


def refused(error: ProtocolError) -> int:
    """Say what was refused, by code and sentence."""
    print(told(error), file=sys.stderr)
    return REFUSED


def told(error: ProtocolError) -> str:
    """An error as one line."""
    details = f" ({error.details})" if error.details else ""
    wait = f" Ask again in {error.retry_after:.0f} s." if error.retry_after else ""
    return f"{error.code}: {error.message}{details}{wait}"
