"""Batches: everything that is asked within one pass of the loop shares one transaction and one commit."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from protocol.errors import Code, ProtocolError
from protocol.message import Message
from protocol.work import Lease
from services.actor import Letter, told
from services.failpoint import failpoint
from services.keeper.slices import LongDeed, Slices
from services.keeper.store import Store

NO_SPACE = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}
BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}

log = logging.getLogger("keeper")

Deed = Callable[[], Message | None]
Handler = Callable[[Letter, Any], Message | None]
"""Answers a request at once, by raising, or later by its letter."""
Handlers = Mapping[type[Message], Handler]
Answers = list[tuple[Letter, Message]]
Errand = Callable[[Sequence[Letter]], Answers]
"""What some letters ask for, done for all of them or for any one of them alone."""


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
        self._asked: list[tuple[Sequence[Letter], Errand]] = []
        self._slices = Slices()
        self._background: list[LongDeed] = []
        self._turning: asyncio.Handle | None = None
        self._troubled = False
        self._over = False
        self.busy_at = 0.0
        """When something was last asked, on the event loop's clock."""

    def add(self, letter: Letter, deed: Deed) -> None:
        """Let a deed join the next transaction; what it returns is the answer."""
        self.add_all([letter], lambda _: self._do(letter, deed))

    def add_sure(self, letter: Letter, deed: Deed) -> None:
        """Let a deed join that changes nothing before it is sure that it will not be refused."""
        self.add_all([letter], lambda _: _answers(letter, deed))

    def add_all(self, letters: Sequence[Letter], errand: Errand) -> None:
        """Let what several letters ask for join the next transaction; what is refused, it must not begin."""
        self._asked.append((letters, errand))
        self._turn_soon()

    def at_once(self, letter: Letter, deed: Deed) -> None:
        """Do a deed that only reads: between two transactions everything is as it was committed."""
        self.busy_at = asyncio.get_running_loop().time()
        for _, body in _answers(letter, deed):
            letter.reply(body)

    def at_length(self, letter: Letter | None, deed: LongDeed) -> Message | None:
        """Begin a deed that may take long, within a deed: `return batches.at_length(letter, deed(…))`.

        See LongDeed for what it must keep to. The answer comes when all of it is done; if it is cut by a
        transaction that cannot be committed, that is refused, and what was committed before stays.
        """
        return self._slices.begin(letter, deed)

    def in_background(self, deed: LongDeed) -> None:
        """Begin a deed that nobody waits for, in the next transaction; if it is cut, it is not told so."""
        self._background.append(deed)
        self._turn_soon()

    def _turn_soon(self) -> None:
        if self._turning is None:
            # Once per pass of the loop: whatever all three mailboxes have by then shares one commit.
            self._turning = asyncio.get_running_loop().call_soon(self.turn)

    def turn(self) -> None:
        """Do all that is asked in one transaction, commit once, then answer."""
        self._turning = None
        if self._over:
            return
        asked, self._asked = self._asked, []
        undo = self._remember()
        written = self._store.written
        if asked:
            self.busy_at = asyncio.get_running_loop().time()
        try:
            self._store.begin()
            self._slices.open(hurried=bool(asked))
            answers = [answer for letters, errand in asked for answer in errand(letters)]
            answers += self._go_on()
            answers += self._serve()
            failpoint("before_commit")
            self._store.commit()
        except sqlite3.Error as error:
            self._store.rollback()
            undo()
            self._one_by_one(asked, error)
            self._go_on_soon()
            return
        if self._troubled and self._store.written > written:
            self._troubled = False
            log.info("the database can be written again")
        failpoint("after_commit")
        for letter, body in answers:
            if not letter.reply(body) and isinstance(body, Lease):
                self.add(letter, partial(self._take_back, body))
        self._go_on_soon()

    def _do(self, letter: Letter | None, deed: Deed) -> Answers:
        try:
            with self._store.part():
                answer = deed()
        except ProtocolError as error:
            if letter is None:
                raise
            answer = told(error)
        return [] if answer is None or letter is None else [(letter, answer)]

    def _go_on(self) -> Answers:
        """Give each long deed its share of the transaction."""
        answers: Answers = []
        for begun in self._slices.left():
            answers += self._do(begun.letter, partial(self._slices.go_on, begun))
        while self._background:
            # If one cannot be written, those behind it are left for the next transaction.
            self._do(None, partial(self._slices.begin, None, self._background.pop(0)))
        return answers

    def _go_on_soon(self) -> None:
        if self._slices.busy or self._background:
            self._turn_soon()

    def _one_by_one(self, asked: list[tuple[Sequence[Letter], Errand]], error: sqlite3.Error) -> None:
        """After a failed commit: what only reads is still answered, what must write is refused."""
        refusal = _refusal(error)
        if not self._troubled:
            self._troubled = True
            log.error("nothing can be written: %s", error)
        for cut in self._slices.undone():
            cut.refuse(refusal)
        for letter, errand in [(letter, errand) for letters, errand in asked for letter in letters]:
            undo = self._remember()
            try:
                self._store.begin()
                self._slices.open()
                answers = errand([letter])
                self._settle()
                self._store.commit()
            except sqlite3.Error as again:
                self._store.rollback()
                undo()
                self._slices.undone()
                letter.refuse(_refusal(again))
            else:
                for _, body in answers:
                    letter.reply(body)

    def drop_long(self) -> None:
        """Go on with no long deed any more; whoever asked asks again, or the next life goes on."""
        self._slices, self._background = Slices(), []

    def cancel(self) -> None:
        """Do nothing any more, and forget what has not been done; whoever asked asks again."""
        self._over = True
        if self._turning is not None:
            self._turning.cancel()


def _answers(letter: Letter, deed: Deed) -> Answers:
    try:
        answer = deed()
    except ProtocolError as error:
        answer = told(error)
    return [] if answer is None else [(letter, answer)]


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
