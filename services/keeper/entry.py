"""The entry of a plan's jobs: every row that goes into the tables, made ready before the transaction."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from services.keeper.draft import Draft
from services.keeper.events import Row as EventRow
from services.keeper.events import job_row
from services.keeper.lifecycle import Job
from services.keeper.queue import CellRow
from services.keeper.row import Row, row


@dataclass(frozen=True)
class Line:
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
    return Entry(first, list(lines(draft, first)))


def lines(draft: Draft, first: int) -> Iterator[Line]:
    """The same, job by job: of a large plan not all is in memory at once."""

    def final(job: int) -> int:
        return first - job - 1 if job < 0 else job

    for i, (drafted, waits) in enumerate(zip(draft.jobs, draft.waits, strict=True)):
        job = replace(drafted, id=first + i)
        yield Line(
            row=row(job),
            cells=_cells(job),
            needs=sorted((job.id, final(needed)) for needed in waits),
            event=job_row(job, draft.now),
        )


def _cells(job: Job) -> list[CellRow]:
    """Where a job lies, and in what part."""
    if job.kind == "palette":
        return []
    found = [(x, y, job.id, "quadrants") for x, y in job.quadrants]
    if job.padding:
        found += [(x, y, job.id, "padding") for x, y in job.padding]
    if job.scaffold:
        found += [(x, y, job.id, "scaffold") for x, y in job.scaffold]
    return found
