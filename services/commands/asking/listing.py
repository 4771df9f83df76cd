"""Jobs as a table."""

from collections.abc import Sequence

from protocol.control import Jobs
from protocol.view import JobView
from services.commands.asking import words
from services.supervision.report import duration

COLUMNS = ("job", "state", "kind", "quadrants", "model", "plan", "lane", "tries", "place", "left", "why")


def show(page: Jobs) -> None:
    """Print the jobs, and how many more there are."""
    if page.jobs:
        words.table(COLUMNS, [_row(job) for job in page.jobs])
    if page.total > len(page.jobs) or page.cursor:
        least = "at least " if page.at_least else ""
        total = max(page.total, len(page.jobs) + 1)
        words.say(f"{len(page.jobs):,} of {least}{words.count(total, 'job')}; --limit shows more.")
    elif not page.jobs:
        words.say("There is no such job.")


def _row(job: JobView) -> Sequence[str]:
    state = f"{job.state}, paused" if job.paused else job.state
    lane = f"{job.lane} {job.priority:+}" if job.priority else job.lane
    left = duration(job.seconds_left) if job.seconds_left is not None else ""
    return (
        str(job.job),
        state,
        job.kind,
        words.quadrants([*job.quadrants, *job.scaffold]),
        job.model_id,
        job.plan,
        lane,
        f"{job.attempt}/{job.max_attempts}",
        str(job.position or ""),
        left,
        _why(job),
    )


def _why(job: JobView) -> str:
    if job.reason:
        return f"{job.error_class}: {job.reason}" if job.error_class else job.reason
    if job.held_by:
        return f"waits for job {job.held_by}"
    return job.doing
