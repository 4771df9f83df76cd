"""A worker that is told to stop, at a real keeper: it finishes or hands back, and burns no attempt."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from protocol.ingest import Accepted
from protocol.region import Render
from services import worker
from services.supervision import crew
from services.worker import Result, Task, Worker
from tests.keeper.house import House, opened


@pytest.fixture
def house(short: Path) -> Iterator[House]:
    with opened(short) as house:
        yield house


def test_the_supervisor_waits_longer_than_a_worker_takes() -> None:
    assert worker.DRAIN_SECONDS + worker.GOODBYE_SECONDS < crew.STOP_SECONDS <= 10.5


async def test_what_is_not_done_in_time_is_handed_back_untried(house: House) -> None:
    accepted = await asyncio.to_thread(
        lambda: house.peer("control").ask(Render(plan="r", quadrants=[(0, 0), (2, 0), (4, 0)]), Accepted)
    )
    begun: list[int] = []
    stop = asyncio.Event()

    async def perform(task: Task) -> Result:
        begun.append(task.lease.job)
        if len(begun) == 2:
            stop.set()
        await asyncio.Event().wait()
        return Result()

    working = Worker(house.sockets.address("work"), "renderer-1", ["render"], perform, slots=2)
    await working.run(stop, drain_seconds=0.1)
    jobs = await asyncio.to_thread(house.jobs)
    assert sorted(begun) == accepted.jobs[:2]
    # As if nobody had ever had them, and at once: not when a lease runs out.
    assert [(job.state, job.attempt, job.reason) for job in jobs] == [("pending", 0, "")] * 3


async def test_what_is_done_in_time_is_handed_in_and_no_more_is_taken(house: House) -> None:
    await asyncio.to_thread(
        lambda: house.peer("control").ask(Render(plan="r", quadrants=[(0, 0), (2, 0)]), Accepted)
    )
    stop, done = asyncio.Event(), asyncio.Event()
    begun: list[int] = []

    async def perform(task: Task) -> Result:
        begun.append(task.lease.job)
        stop.set()
        await done.wait()
        raise worker.TryFailed("rejected", "It was tried.", retry=False)

    working = Worker(house.sockets.address("work"), "renderer-1", ["render"], perform)
    running = asyncio.create_task(working.run(stop))
    await stop.wait()
    done.set()
    await running
    jobs = await asyncio.to_thread(house.jobs)
    assert len(begun) == 1
    assert {job.job: (job.state, job.attempt) for job in jobs} == {
        job.job: ("error", 1) if job.job in begun else ("pending", 0) for job in jobs
    }
