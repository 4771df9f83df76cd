"""Batches: everything that is asked within one pass of the loop shares one transaction and one commit."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from functools import partial

from protocol.errors import Code, ProtocolError
from protocol.message import Error, Message
from protocol.work import Lease
from services.actor import Letter
from services.failpoint import failpoint
from services.keeper.store import Store

NO_SPACE = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}
BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}

log = logging.getLogger("keeper")

Deed = Callable[[], Message | None]
Answers = list[tuple[Letter, Message]]


class Batches:
    """Collects deeds, does them in one transaction, answers once it is on disk.

    `serve` adds what follows from a batch and `settle` what follows from one deed; `remember` gives the
    function that puts memory back as it was; `take_back` frees a lease that could not be sent.
    """

    def __init__(
        self,
        store: Store,
        *,
        serve: Callable[[], Answers],
        settle: Callable[[], None],
        remember: Callable[[], Callable[[], None]],
        take_back: Callable[[Lease], None],
    ) -> None:
        self._store = store
        self._serve = serve
        self._settle = settle
        self._remember = remember
        self._take_back = take_back
        self._deeds: list[tuple[Letter, Deed]] = []
        self._turning: asyncio.Handle | None = None
        self._troubled = False
        self.busy_at = 0.0
        """When something was last asked, on the event loop's clock."""

    def add(self, letter: Letter, deed: Deed) -> None:
        """Let a deed join the next transaction; what it returns is the answer."""
        self._deeds.append((letter, deed))
        if self._turning is None:
            # Once per pass of the loop: whatever all three mailboxes have by then shares one commit.
            self._turning = asyncio.get_running_loop().call_soon(self.turn)

    def turn(self) -> None:
        """Do all that is asked in one transaction, commit once, then answer."""
        self._turning = None
        deeds, self._deeds = self._deeds, []
        undo = self._remember()
        written = self._store.written
        if deeds:
            self.busy_at = asyncio.get_running_loop().time()
        try:
            self._store.begin()
            answers = [answer for letter, deed in deeds for answer in self._do(letter, deed)]
            answers += self._serve()
            failpoint("before_commit")
            self._store.commit()
        except sqlite3.Error as error:
            self._store.rollback()
            undo()
            self._one_by_one(deeds, error)
            return
        if self._troubled and self._store.written > written:
            self._troubled = False
            log.info("the database can be written again")
        failpoint("after_commit")
        for letter, body in answers:
            if not letter.reply(body) and isinstance(body, Lease):
                self.add(letter, partial(self._take_back, body))

    def _do(self, letter: Letter, deed: Deed) -> Answers:
        try:
            with self._store.part():
                answer = deed()
        except ProtocolError as error:
            return [(letter, Error(code=error.code, message=error.message, details=error.details))]
        return [] if answer is None else [(letter, answer)]

    def _one_by_one(self, deeds: list[tuple[Letter, Deed]], error: sqlite3.Error) -> None:
        """After a failed commit: what only reads is still answered, what must write is refused."""
        _refusal(error)
        if not self._troubled:
            self._troubled = True
            log.error("nothing can be written: %s", error)
        for letter, deed in deeds:
            undo = self._remember()
            try:
                self._store.begin()
                answers = self._do(letter, deed)
                self._settle()
                self._store.commit()
            except sqlite3.Error as again:
                self._store.rollback()
                undo()
                letter.refuse(_refusal(again))
            else:
                for _, body in answers:
                    letter.reply(body)

    def cancel(self) -> None:
        """Forget what has not been done; whoever asked asks again."""
        if self._turning is not None:
            self._turning.cancel()


def _refusal(error: sqlite3.Error) -> ProtocolError:
    """The answer to what could not be written; any other error is a bug or a damaged file."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in NO_SPACE:
        return ProtocolError(
            Code.NO_SPACE, "The disk is full, so nothing was changed; free some space, then ask again."
        )
    if code in BUSY:
        return ProtocolError(
            Code.BUSY, "Another program holds the database, so nothing was changed; ask again."
        )
    raise error
