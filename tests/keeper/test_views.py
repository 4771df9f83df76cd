"""What people see of a long queue: each job's place, and no map with jobs left out in silence."""

from protocol.control import Changed, GetMap, MapView, Pause, Render
from protocol.errors import Code
from protocol.ingest import Accepted
from protocol.message import Error
from tests.keeper.house import Clock, House, Peer, island


def places(house: House) -> list[int]:
    """The pending jobs in the order of the places that they are said to have."""
    jobs = house.jobs(states=["pending"])
    assert sorted(job.position for job in jobs) == list(range(1, len(jobs) + 1))
    return [job.job for job in sorted(jobs, key=lambda job: job.position)]


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
    assert [house.job(job).position for job in told] == list(range(1, len(told) + 1))
    handed_out = []
    while (lease := worker.ready("render")) is not None:
        handed_out.append(lease.job)
    assert handed_out == told


def test_more_jobs_than_one_answer_holds_are_refused_never_left_out(house: House, control: Peer) -> None:
    control.ask(Pause(), Changed)
    # 1,024 frames each, in a row.
    for i in range(9):
        quadrants = [(64 * i + x, y) for x in range(64) for y in range(64)]
        control.ask(Render(plan=f"r{i}", quadrants=quadrants, lane="bulk"), Accepted)
    assert len(house.map(0, 0, 700, 63).jobs) == 9 * 1024

    control.ask(Render(plan="r9", quadrants=[(600 + x, y) for x in range(64) for y in range(64)]), Accepted)
    refusal = control.ask(GetMap(bounds=(0, 0, 700, 63)), Error)
    assert refusal.code is Code.TOO_LARGE
    assert "10000 jobs" in refusal.message
    assert len(house.map(0, 0, 299, 63).jobs) + len(house.map(300, 0, 700, 63).jobs) == 10 * 1024

    bare = control.ask(GetMap(bounds=(0, 0, 700, 63), jobs=False), MapView)
    assert (bare.jobs, bare.extent) == ([], (0, 0, 663, 63))
