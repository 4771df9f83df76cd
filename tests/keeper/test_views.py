"""What people see of a long queue: each job's place, and no map with jobs left out in silence."""

from typing import Any

from protocol.control import (
    Changed,
    GetMap,
    Jobs,
    ListJobs,
    MapView,
    Pause,
)
from protocol.errors import Code
from protocol.ingest import Accepted
from protocol.message import Error
from protocol.order import Move
from protocol.region import Render
from tests.keeper.house import Clock, House, Peer, island


def places(house: House) -> list[int]:
    """The pending jobs in the order of the places that they are said to have."""
    jobs = house.jobs(states=["pending"])
    assert sorted(job.position for job in jobs) == list(range(1, len(jobs) + 1))
    return [job.job for job in sorted(jobs, key=lambda job: job.position)]


def by_turn(control: Peer, **meant: Any) -> list[int]:
    """The pending jobs as the line is listed, three at a time."""
    found, cursor = [], 0
    while True:
        page = control.ask(ListJobs(turn=True, cursor=cursor, limit=3, **meant), Jobs)
        found += [job.job for job in page.jobs]
        if (cursor := page.cursor) == 0:
            return found


def test_places_are_the_order_of_handing_out(house: House, clock: Clock, control: Peer, worker: Peer) -> None:
    house.publish(island(0, 0))
    control.ask(Render(plan="urgent", quadrants=[(40, 40), (44, 40)]), Accepted)
    control.ask(Render(plan="later", quadrants=[(80, 80)], lane="bulk"), Accepted)
    # Two die, one of either lane: each goes behind the rest of its own.
    for _ in range(3):
        worker.lease()
    worker.ack(worker.lease())
    clock.forward(61)
    worker.ping()

    told = places(house)
    assert len(told) > 8
    assert by_turn(control) == told
    assert [house.job(job).position for job in told] == list(range(1, len(told) + 1))
    handed_out = []
    while (lease := worker.ready("render")) is not None:
        handed_out.append(lease.job)
    assert handed_out == told


def test_the_line_is_listed_as_it_was_put_in_order_and_what_is_paused_behind_it(
    house: House, control: Peer
) -> None:
    control.ask(Pause(), Changed)
    for i in range(5):
        control.ask(Render(plan=f"r{i}", quadrants=[(4 * i, 0)]), Accepted)
    a, b, c, d, e = by_turn(control)
    control.ask(Move(jobs=[e, c], to="before", before=b), Changed)
    assert by_turn(control) == [a, e, c, b, d]
    assert by_turn(control, kind="render") == [a, e, c, b, d]
    assert by_turn(control, plan="r3") == [d]
    assert by_turn(control, text="nowhere") == []
    control.ask(Pause(plan="r0"), Changed)
    assert by_turn(control) == [e, c, b, d, a]


def test_more_jobs_than_one_answer_holds_are_refused_never_left_out(house: House, control: Peer) -> None:
    control.ask(Pause(), Changed)
    # 1,024 frames.
    quadrants = [(x, y) for x in range(64) for y in range(64)]
    control.ask(Render(plan="r", quadrants=quadrants, lane="bulk"), Accepted)
    refusal = control.ask(GetMap(bounds=(0, 0, 700, 63)), Error)
    assert refusal.code is Code.TOO_LARGE
    assert "275 jobs" in refusal.message
    quarters = [house.map(x, y, x + 31, y + 31).jobs for x in (0, 32) for y in (0, 32)]
    assert [len(jobs) for jobs in quarters] == [256] * 4
    assert len({job.job for jobs in quarters for job in jobs}) == 1024

    bare = control.ask(GetMap(bounds=(0, 0, 700, 63), jobs=False), MapView)
    assert (bare.jobs, bare.extent) == ([], (0, 0, 63, 63))
