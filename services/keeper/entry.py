"""The entry of a plan's jobs: every row that goes into the tables, made ready before the transaction."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.keeper.draft import Draft
from services.keeper.drafted import Drafted, DraftedRender
from services.keeper.events import Row as EventRow
from services.keeper.events import job_text
from services.keeper.lifecycle import Cells
from services.keeper.queue import CellRow
from services.keeper.row import Row, fresh, rank, text, untouched


class Line(NamedTuple):
    """What one job is written down as."""

    row: Row
    cells: list[CellRow]
    needs: list[tuple[int, int]]
    event: EventRow


@dataclass(frozen=True)
class Entry:
    """What the jobs of a draft are written down as if the next job gets the id `first`."""

    first: int
    lines: list[Line]


def enter(draft: Draft, first: int) -> Entry:
    """Number the jobs of a draft from `first` and write out all that tells of them."""
    return Entry(first, list(_lines(draft, first)))


def numbered(waits: Sequence[int], first: int) -> list[int]:
    """What a job of a draft waits for, by the final ids and in their order."""
    return sorted([first - job - 1 if job < 0 else job for job in waits])


def _lines(draft: Draft, first: int) -> Iterator[Line]:
    asked, plan = draft.asked, draft.asked.id
    turn = (asked.lane, asked.priority, rank(asked))
    rest = untouched(max_attempts=draft.max_attempts, created_at=draft.now)
    for i, (job, waits) in enumerate(zip(draft.jobs, draft.waits, strict=True)):
        id, cells = first + i, job.quadrants
        quadrants = text(cells)
        told = job_text(
            str(id), plan, job.kind, job.state, job.model_id, job.layer, quadrants.replace(" ", "")
        )
        yield Line(
            row=fresh(id, job, plan, turn, quadrants, rest),
            cells=_cells(id, job, cells),
            needs=[(id, needed) for needed in numbered(waits, first)] if waits else [],
            event=(draft.now, plan, id, told),
        )


def _cells(id: int, job: Drafted | DraftedRender, quadrants: Cells) -> list[CellRow]:
    """Where a job lies, and in what part."""
    if job.kind == "palette" or job.candidate:
        # A candidate takes no ground: whoever draws there meanwhile makes it unfit, and is told nothing.
        return []
    found = [(x, y, id, "quadrants") for x, y in quadrants]
    if job.padding:
        found += [(x, y, id, "padding") for x, y in job.padding]
    if job.scaffold:
        found += [(x, y, id, "scaffold") for x, y in job.scaffold]
    return found
