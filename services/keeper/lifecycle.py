"""The life of a job: what each thing that happens makes of it, as functions of the job and the time.

`now` is the wall's time, which people read; `steady` never jumps, and leases and delays go by it.
"""

import random
import re
from typing import NamedTuple

from protocol.message import JobKind, JobState
from protocol.plan import Lane
from protocol.work import ErrorClass
from services import backoff

FIRST_DELAY_SECONDS = 1.0
LONGEST_DELAY_SECONDS = 60.0
GRACE_SECONDS = 10.0
"""After a restart no lease ends sooner: its worker could not touch while there was no keeper."""

RETRIED: frozenset[ErrorClass] = frozenset({"transient", "rate_limited", "bad_image"})
"""What another try may help against; everything else waits for a person."""
DEATHS_LIMIT = 5
"""After so many workers that died over it, a job gets no more."""
LIMITED_TRIES = 20
"""Tries that may end at the model's rate limit, beside the attempts."""

SEAM = "seam"
"""The error class of a job that is blocked because it is no longer legal on the map as it is."""

_EPOCH = re.compile(r"(?<=.)\.[0-9a-f]{8}$")

Cells = tuple[tuple[int, int], ...]


class Job(NamedTuple):
    """One try-able unit of work, as it lies in `generation_queue`."""

    id: int
    plan: str
    step: str
    kind: JobKind
    state: JobState
    lane: Lane
    quadrants: Cells
    max_attempts: int
    created_at: float
    padding: Cells = ()
    scaffold: Cells = ()
    x: int = 0
    y: int = 0
    model_id: str = ""
    prompt: str = ""
    negative_prompt: str = ""
    layer: str = ""
    """What a model call draws, and what it is drawn from, as its model said when its plan was accepted."""
    input_layer: str = ""
    candidate: bool = False
    """Whether what it makes is kept off the map until a person chooses it."""
    seed: int | None = None
    """What the model's chance is to begin from, where that was asked for."""
    priority: int = 0
    """A person's wish: within its lane the higher comes first."""
    place: int = 0
    """Where it stands among those of its rank; 0 until it is in the queue."""
    suspended: bool = False
    """Whether its plan is paused."""
    deaths: int = 0
    """Workers that died or went silent over it."""
    attempt: int = 0
    not_before: float = 0.0
    token: int = 0
    lease_request: str = ""
    lease_worker: str = ""
    lease_expires_at: float = 0.0
    worker: str = ""
    doing: str = ""
    error_class: str = ""
    reason: str = ""
    limited: int = 0
    """Tries that ended at the model's rate limit; they are not counted as attempts."""
    calls: int = 0
    """Calls of the model that were made for it."""
    cost: float = 0.0
    """Of these calls, as far as the model states a price."""
    handle: str = ""
    """What finds a call again that is under way at a provider; only a worker can read it."""
    reserved: float = 0.0
    """What its latest try may cost, where a budget or a cap is kept, until that is known."""
    presumed: float = 0.0
    """What its other tries may have cost of which nobody has said so."""
    retold: float = 0.0
    """What was told of calls of which another try may tell too; see purse.py."""
    started_at: float = 0.0
    finished_at: float = 0.0

    @property
    def barred(self) -> bool:
        """Whether it is blocked because it would leave a seam, and not because it waits for others."""
        return self.state == "blocked" and self.error_class == SEAM

    @property
    def infill(self) -> frozenset[tuple[int, int]]:
        """Everything that the job draws."""
        return frozenset((*self.quadrants, *self.padding, *self.scaffold))

    @property
    def kept(self) -> frozenset[tuple[int, int]]:
        """What stays of it: for good, or as scaffold until the plan ends."""
        return frozenset((*self.quadrants, *self.scaffold))


def worker_name(identity: str) -> str:
    """The name people know a worker by, without the eight digits that tell its lives apart."""
    return _EPOCH.sub("", identity)


def lease(
    job: Job, *, token: int, worker: str, request: str, now: float, steady: float, seconds: float
) -> Job:
    """Hand the job out. The attempt counts from here, so that a job that kills its worker runs out too."""
    return job._replace(
        state="processing",
        token=token,
        attempt=job.attempt + 1,
        lease_request=request,
        lease_worker=worker,
        lease_expires_at=steady + seconds,
        worker=worker_name(worker),
        doing="",
        error_class="",
        reason="",
        not_before=0.0,
        started_at=now,
        finished_at=0.0,
    )


def touch(job: Job, *, doing: str, steady: float, seconds: float) -> Job:
    """The worker lives: the lease runs anew."""
    return job._replace(doing=doing, lease_expires_at=steady + seconds)


def start(job: Job, *, handle: str, steady: float, seconds: float) -> Job:
    """A call is under way, or no longer: whoever has the job next is told."""
    if job.state != "processing":
        return job._replace(handle=handle)
    return job._replace(handle=handle, lease_expires_at=steady + seconds)


def held(job: Job, token: int) -> bool:
    """Whether the token is the one of a lease that still runs."""
    return job.state == "processing" and job.token == token


def may_finish(job: Job, token: int) -> bool:
    """Whether a result with this token is taken.

    So it is after the lease ran out, as long as nobody else has the job: the work was paid for.
    """
    return job.token == token and (
        job.state == "processing" or (job.state == "pending" and job.lease_worker != "")
    )


def complete(job: Job, now: float) -> Job:
    """The pixels are on disk."""
    return job._replace(
        state="complete",
        finished_at=now,
        doing="",
        reason="",
        error_class="",
        not_before=0.0,
        handle="",
    )


def fail(
    job: Job,
    *,
    error_class: ErrorClass,
    reason: str,
    retry: bool,
    burn: bool,
    now: float,
    steady: float,
    chance: random.Random,
) -> Job:
    """This try came to nothing: again later, or given up."""
    if burn and error_class == "rate_limited":
        return _limited(job, reason, now, steady, chance)
    attempt = job.attempt if burn else max(0, job.attempt - 1)
    job = job._replace(attempt=attempt, error_class=error_class, reason=reason)
    if not retry or (burn and error_class not in RETRIED):
        return _give_up(job, now)
    if attempt >= job.max_attempts:
        return _give_up(job._replace(reason=f"{reason} (gave up after {attempt} attempts)"), now)
    return _again(job, attempt, steady, chance)


def _limited(job: Job, reason: str, now: float, steady: float, chance: random.Random) -> Job:
    """The model wants no more calls for a while: that is no fault of the job."""
    limited = job.limited + 1
    job = job._replace(
        attempt=max(0, job.attempt - 1), limited=limited, error_class="rate_limited", reason=reason
    )
    if limited >= LIMITED_TRIES:
        gave_up = f"{reason} (gave up after {limited} tries; retry it when the model allows more calls)"
        return _give_up(job._replace(reason=gave_up), now)
    return _again(job, limited, steady, chance)


def _again(job: Job, tries: int, steady: float, chance: random.Random) -> Job:
    delay = backoff.exponential(
        max(1, tries), first=FIRST_DELAY_SECONDS, limit=LONGEST_DELAY_SECONDS, chance=chance
    )
    return job._replace(
        state="pending", not_before=steady + delay, lease_worker="", doing="", finished_at=0.0
    )


def _give_up(job: Job, now: float) -> Job:
    return job._replace(state="error", not_before=0.0, lease_worker="", doing="", handle="", finished_at=now)


def bar(job: Job, reason: str) -> Job:
    """The map is no longer as it was proved: the job waits for a person rather than leave a seam."""
    return job._replace(
        state="blocked",
        error_class=SEAM,
        reason=reason,
        lease_worker="",
        doing="",
        handle="",
        not_before=0.0,
        finished_at=0.0,
    )


def expire(job: Job, now: float, *, because: str = "the worker went silent") -> Job:
    """The worker is gone or seems so: try again behind the others, or give the job up."""
    job = job._replace(deaths=job.deaths + 1)
    if job.deaths >= DEATHS_LIMIT:
        reason = (
            f"{job.deaths} workers were lost over it, the last was {job.worker} ({because}); look into that "
            "one's log, then retry the job or cancel it."
        )
        return _give_up(job._replace(error_class="bug", reason=reason), now)
    if job.attempt >= job.max_attempts:
        reason = f"gave up after {job.attempt} attempts: {because}"
        return _give_up(job._replace(error_class="transient", reason=reason), now)
    # lease_worker stays: until somebody else has the job, this worker's late result is still taken.
    return job._replace(state="pending", reason=because, doing="", not_before=0.0)


def void(job: Job, now: float) -> Job:
    """The machine was started anew: no worker of that time lives, whatever its lease says."""
    return expire(job, now, because="the machine was started anew")


def hand_back(job: Job) -> Job:
    """The worker never worked on it, or leaves: as if it had not been tried."""
    return job._replace(state="pending", attempt=max(0, job.attempt - 1), lease_worker="", doing="")


def cancel(job: Job, now: float) -> Job:
    """Called off by a person."""
    return job._replace(
        state="cancelled", finished_at=now, doing="", lease_worker="", handle="", not_before=0.0
    )


def revive(job: Job, *, blocked: bool) -> Job:
    """A person wants it tried again, from the first attempt."""
    return job._replace(
        state="blocked" if blocked else "pending",
        suspended=False,
        attempt=0,
        deaths=0,
        limited=0,
        not_before=0.0,
        error_class="",
        reason="",
        lease_worker="",
        doing="",
        finished_at=0.0,
    )


def grace(job: Job, steady: float) -> Job:
    """The keeper was away: give the worker time to find it again."""
    return job._replace(lease_expires_at=max(job.lease_expires_at, steady + GRACE_SECONDS))


def may_move(job: Job) -> bool:
    """Whether it has a place that somebody may change."""
    return job.state in ("pending", "blocked")


def may_edit(job: Job) -> bool:
    """Whether what it asks for may be changed: not under a worker's hands, nor after it was done."""
    return job.state not in ("processing", "complete")


def edit(job: Job, *, model_id: str, prompt: str, negative_prompt: str, priority: int, lane: Lane) -> Job:
    """A person wants something else: what a worker that lost its lease still makes is no longer that."""
    same = (model_id, prompt, negative_prompt) == (job.model_id, job.prompt, job.negative_prompt)
    if not same:
        # What tries have cost that nobody told, they cost for something else.
        job = job._replace(reserved=0.0, presumed=job.presumed + job.reserved)
    return job._replace(
        model_id=model_id,
        prompt=prompt,
        negative_prompt=negative_prompt,
        priority=priority,
        lane=lane,
        lease_worker=job.lease_worker if same else "",
        handle=job.handle if same else "",
    )


def move(job: Job, *, priority: int, place: int) -> Job:
    """A person wants it elsewhere in its lane: there it counts like its new neighbours."""
    return job._replace(priority=priority, place=place)
