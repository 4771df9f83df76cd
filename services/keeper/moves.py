"""Moves: jobs that a person wants at the front or back of their lane, or before another one."""

from collections.abc import Callable, Sequence

from protocol.control import Changed
from protocol.errors import Code, ProtocolError
from protocol.message import Message
from protocol.order import Move
from protocol.plan import Lane
from services.actor import Letter
from services.keeper import lifecycle
from services.keeper.lanes import FAR, Stand, between
from services.keeper.lifecycle import Job
from services.keeper.schema import BULK_RANK
from services.keeper.store import Store
from services.keeper.views import job_change

NEEDS_LIMIT = 300
"""What moved jobs wait for, directly or not, comes along up to so many."""
SHIFT_LIMIT = 2_000
"""Jobs that make room, at the most, where others were moved in between again and again."""


class Moves:
    """Answers requests to move jobs."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock

    def move(self, letter: Letter, request: Move) -> Message:
        """Let jobs stand elsewhere in their lane, in the order in which they are named."""
        jobs = [self._standing(job_id) for job_id in dict.fromkeys(request.jobs)]
        if request.before is None:
            lanes: dict[Lane, list[Job]] = {}
            for job in self._with_needs(jobs):
                lanes.setdefault(job.lane, []).append(job)
            moved = sum(self._to_end(of_lane, back=request.to == "back") for of_lane in lanes.values())
        else:
            neighbour = self._standing(request.before)
            self._check_neighbour(jobs, neighbour)
            along = [job for job in self._with_needs(jobs) if job.lane == neighbour.lane]
            moved = self._before([job for job in along if job.id != neighbour.id], neighbour)
        return Changed(jobs=moved)

    def _standing(self, job_id: int) -> Job:
        job = self._store.queue.get(job_id)
        if job is None:
            raise ProtocolError(Code.UNKNOWN_JOB, f"There is no job {job_id}.")
        if not lifecycle.may_move(job):
            raise ProtocolError(
                Code.WRONG_STATE, f"Job {job_id} is {job.state}; only pending or blocked jobs are moved."
            )
        return job

    def _check_neighbour(self, jobs: Sequence[Job], neighbour: Job) -> None:
        for job in jobs:
            if job.id == neighbour.id:
                raise ProtocolError(Code.BAD_REQUEST, f"Job {job.id} cannot stand before itself.")
            if job.lane != neighbour.lane:
                raise ProtocolError(
                    Code.WRONG_STATE,
                    f"Job {job.id} is in the {job.lane} lane and job {neighbour.id} in the {neighbour.lane} "
                    "lane; edit its lane first.",
                )

    def _with_needs(self, jobs: Sequence[Job]) -> list[Job]:
        """The jobs, each behind what it still waits for: a step at the front is no use before its renders."""
        found: dict[int, Job] = {}
        seen = {job.id for job in jobs}
        stack = [(job, False) for job in reversed(jobs)]
        while stack:
            job, ready = stack.pop()
            if ready or job.state != "blocked":
                found.setdefault(job.id, job)
                continue
            stack.append((job, True))
            for needed in reversed(self._store.dependencies.needs(job.id)):
                if lifecycle.may_move(needed) and needed.id not in seen and needed.lane == job.lane:
                    seen.add(needed.id)
                    stack.append((needed, False))
            if len(seen) > len(jobs) + NEEDS_LIMIT:
                return list(jobs)
        return list(found.values())

    def _to_end(self, jobs: Sequence[Job], *, back: bool) -> int:
        end = self._store.lanes.end(jobs[0].lane, back=back)
        assert end is not None, "the jobs themselves stand in their lane"
        room = FAR * (len(jobs) + 1)
        places: list[int] | None
        if back:
            # Before whatever comes in next, which stands where its id says.
            next_one = self._store.queue.next_id() * FAR
            places = between(end.place, next_one, len(jobs)) or between(
                end.place, end.place + room, len(jobs)
            )
        else:
            places = between(end.place - room, end.place, len(jobs))
        assert places is not None
        return self._put(jobs, end.rank, places)

    def _before(self, jobs: Sequence[Job], neighbour: Job) -> int:
        lanes = self._store.lanes
        ids = {job.id for job in jobs}
        place, rank = neighbour.place, _rank_of(neighbour)
        ahead = lanes.ahead(rank, place, but=ids)
        low = ahead.place if ahead is not None else place - FAR * (len(jobs) + 1)
        if (places := between(low, place, len(jobs))) is not None:
            return self._put(jobs, rank, places)
        behind = lanes.behind(rank, place, but=ids, limit=SHIFT_LIMIT)
        shifted, places = self._room(low, behind, len(jobs))
        for stand, new in zip(shifted, places[len(jobs) :], strict=True):
            lanes.put(stand.id, new)
        return self._put(jobs, rank, places[: len(jobs)])

    def _room(self, low: int, behind: Sequence[Stand], count: int) -> tuple[Sequence[Stand], list[int]]:
        """As few as can be of those behind, and places for the newcomers and for them."""
        for shifted in range(1, len(behind)):
            places = between(low, behind[shifted].place, count + shifted)
            if places is not None:
                return behind[:shifted], places
        high = max(behind[-1].place, low) + FAR * (count + len(behind) + 1)
        places = between(low, high, count + len(behind))
        assert places is not None
        return behind, places

    def _put(self, jobs: Sequence[Job], rank: int, places: Sequence[int]) -> int:
        for job, place in zip(jobs, places, strict=True):
            priority = (0 if job.lane == "interactive" else BULK_RANK) - rank
            after = lifecycle.move(job, priority=priority, place=place)
            self._store.queue.save(after)
            self._store.events.append(job_change(after), self._clock())
        return len(jobs)


def _rank_of(job: Job) -> int:
    return (0 if job.lane == "interactive" else BULK_RANK) - job.priority
