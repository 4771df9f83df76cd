"""Slices: deeds too long for one transaction, done a bounded part at a time while others come in between."""

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass

from protocol.message import Message
from services.actor import Letter

SLICE_SECONDS = 0.01
"""How long all such deeds together hold one transaction; what is asked meanwhile joins the next."""
HURRIED_SECONDS = 0.005
"""The same while somebody waits for this very transaction."""
PART = 100
"""Jobs that a deed changes between two `yield`s: some milliseconds of work."""

LongDeed = Generator[None, None, Message | None]
"""A deed in parts; what it returns is the answer.

What stands between two `yield`s is done in one transaction. At each `yield` that may be committed and other
requests be served, so there the tables must be right as they are, and what was read before need not hold any
longer. A deed that is cut by a crash or a full disk stays half done; asked again, it must find what is left
and finish it. An error that it raises undoes its share of the open transaction and is the answer. What is
short ends within the transaction in which it began.
"""


@dataclass
class Begun:
    """A deed under way; its letter is None if nobody waits for it."""

    letter: Letter | None
    deed: LongDeed

    def is_same(self, letter: Letter | None) -> bool:
        """Whether it is the answer to this very request."""
        if self.letter is None or letter is None:
            return False
        return (self.letter.peer, self.letter.envelope.id) == (letter.peer, letter.envelope.id)


class Slices:
    """The long deeds under way, in the order in which they began; forgotten when the keeper stops."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._begun: list[Begun] = []
        self._fresh: list[Begun] = []
        """Those that began in the open transaction."""
        self._moved: list[Begun] = []
        """Those that went on in it, or ended in it."""
        self._spent = 0.0
        self._share = SLICE_SECONDS

    @property
    def busy(self) -> bool:
        """Whether there is anything to go on with."""
        return bool(self._begun)

    def open(self, *, hurried: bool = False) -> None:
        """A transaction begins; `hurried` if it holds what others wait for."""
        self._fresh, self._moved, self._spent = [], [], 0.0
        self._share = HURRIED_SECONDS if hurried else SLICE_SECONDS

    def begin(self, letter: Letter | None, deed: LongDeed) -> Message | None:
        """Begin a deed: its answer if it is done at once. The same request sent again begins nothing."""
        if any(begun.is_same(letter) for begun in self._begun):
            deed.close()
            return None
        begun = Begun(letter, deed)
        self._begun.append(begun)
        self._fresh.append(begun)
        return self._advance(begun)

    def left(self) -> list[Begun]:
        """Those that have not had a share of the open transaction."""
        return [begun for begun in self._begun if begun not in self._fresh]

    def go_on(self, begun: Begun) -> Message | None:
        """Give a deed its share of the open transaction; the answer if that was the last of it."""
        self._moved.append(begun)
        return self._advance(begun)

    def undone(self) -> list[Letter]:
        """The transaction came to nothing: forget what had a share in it; who is to be told so.

        Not those whose deed had just begun: their request is done again as a whole.
        """
        gone = [*self._fresh, *self._moved]
        self._begun = [begun for begun in self._begun if begun not in gone]
        for begun in gone:
            begun.deed.close()
        return [begun.letter for begun in self._moved if begun.letter is not None]

    def _advance(self, begun: Begun) -> Message | None:
        began = self._clock()
        try:
            # At least one part each, so that every deed ends, however many there are.
            while True:
                next(begun.deed)
                if self._spent + self._clock() - began > self._share:
                    return None
        except StopIteration as ended:
            self._begun.remove(begun)
            answer: Message | None = ended.value
            return answer
        except BaseException:
            self._begun.remove(begun)
            raise
        finally:
            self._spent += self._clock() - began
