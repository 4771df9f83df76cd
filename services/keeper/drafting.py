"""The process that draws a large plan up and writes its jobs out: `python -m services.keeper.drafting`.

It lives for one plan. On standard input it is given what the plan depends on, then how its jobs are to be
numbered; the end of standard input is the end of the keeper, and so of this process.
"""

import gc
import os
import pickle
import sys
import threading
from collections.abc import Callable
from typing import BinaryIO

from protocol.errors import ProtocolError
from protocol.region import Planned
from services.failpoint import failpoint
from services.keeper import staging
from services.keeper.commission import LENGTH, Order, Refused
from services.keeper.proposal import Drawn, Proposer

NICE = 5


def draw(order: Order, number: Callable[[int], int]) -> Drawn | Planned:
    """Draw a plan up, have its jobs numbered, write them out; raises ProtocolError."""
    proposer = Proposer(order.config, order.now)
    proposal = proposer.propose(order.case)
    if proposal.planned is not None:
        return proposal.planned
    draft = proposal.draft
    failpoint("draft_begun")
    first = number(len(draft.jobs))
    staging.write(order.path, draft, first)
    failpoint("draft_written")
    return proposer.drawn(proposal, first, order.path)


def main(given: BinaryIO, told: BinaryIO) -> None:
    """Take one order and answer it."""
    # Whoever has a small thing to ask of the keeper waits less than whoever hands in a large plan.
    os.nice(NICE)
    # It ends before anything that it has made is garbage; looking for that took a third of its time.
    gc.disable()
    order: Order = pickle.load(given)

    def tell(what: object) -> None:
        content = pickle.dumps(what)
        told.write(LENGTH.pack(len(content)) + content)
        told.flush()

    def number(jobs: int) -> int:
        tell(jobs)
        first: int = pickle.load(given)
        threading.Thread(target=_end_with, args=[given], daemon=True).start()
        return first

    try:
        answer: object = draw(order, number)
    except ProtocolError as error:
        answer = Refused.told(error)
    tell(answer)


def _end_with(given: BinaryIO) -> None:
    """End at once when the keeper does: nobody would take what is being written."""
    while given.read(1):
        pass
    os._exit(1)


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
