"""The entry of a plan's jobs: every row that goes into the tables, made ready before the transaction."""

from collections.abc import Iterable
from dataclasses import dataclass

from services.keeper.draft import Draft
from services.keeper.events import Row as EventRow
from services.keeper.events import row as event_row
from services.keeper.lifecycle import Job
from services.keeper.queue import CellRow
from services.keeper.row import Row, row
from services.keeper.views import job_change


@dataclass(frozen=True)
class Entry:
    """What the jobs of a draft are written down as if the next job gets the id `first`."""

    first: int
    jobs: list[Job]
    rows: list[Row]
    cells: list[CellRow]
    needs: list[tuple[int, int]]
    events: list[EventRow]


def enter(draft: Draft, first: int) -> Entry:
    """Number the jobs of a draft from `first` and write out all that tells of them."""
    jobs, needs = draft.numbered(first)
    return Entry(
        first=first,
        jobs=jobs,
        rows=[row(job) for job in jobs],
        cells=_cells(jobs),
        needs=needs,
        events=[event_row(job_change(job), draft.now) for job in jobs],
    )


def _cells(jobs: Iterable[Job]) -> list[CellRow]:
    """Where jobs lie, and in what part."""
    return [
        (x, y, job.id, role)
        for job in jobs
        if job.kind != "palette"
        for role in ("quadrants", "padding", "scaffold")
        for x, y in getattr(job, role)
    ]
