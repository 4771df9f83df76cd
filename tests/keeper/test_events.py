"""The event log, and the map that it keeps true."""

from protocol.control import CancelJob, Changed, Pause, Resume
from protocol.event import Events, JobChange, PlanChange, QueueChange, Watch
from protocol.ingest import Accepted
from protocol.region import Fill, Render
from tests.keeper.house import House, Peer, island


def test_events_are_numbered_from_one_and_tell_every_change(house: House, worker: Peer) -> None:
    house.publish(island(0, 0))
    worker.work_off()
    events = house.events()

    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    first, last = events[0].change, events[-1].change
    assert isinstance(first, PlanChange) and (first.state, first.jobs) == ("accepted", 10)
    assert isinstance(last, PlanChange) and last.state == "settled"
    job = house.jobs(kind="generate")[0].job
    steps = [e.change for e in events if isinstance(e.change, JobChange) and e.change.job == job]
    assert [change.state for change in steps] == ["blocked", "pending", "processing", "complete"]
    assert {(tile.x, tile.y) for tile in steps[-1].tiles} == {(0, 0), (1, 0), (0, 1), (1, 1)}


def test_reading_resumes_after_any_number(house: House, control: Peer, worker: Peer) -> None:
    house.publish(island(0, 0))
    worker.work_off()
    everything = house.events()
    seen, since = [], 0
    while page := control.ask(Watch(since=since, limit=7), Events).events:
        seen += page
        since = page[-1].seq
    assert seen == everything
    house.close()
    house.open()
    assert house.events(since=5) == everything[5:]


def test_a_watch_waits_for_what_comes(house: House, control: Peer, worker: Peer) -> None:
    watcher = house.peer("control")
    watcher.send(Watch(since=0, wait=30), id="w1")
    assert watcher.silent()
    control.ask(Render(plan="r", quadrants=[(0, 0)]), Accepted)

    answer = watcher.hear()
    assert isinstance(answer.body, Events)
    # All of one commit comes at once: the plan and its job.
    assert [event.seq for event in answer.body.events] == [1, 2]
    assert answer.body.last == 2


def test_a_watch_whose_time_is_over_gets_nothing(control: Peer) -> None:
    events = control.ask(Watch(since=0, wait=0.05), Events)
    assert (events.events, events.last) == ([], 0)


def test_later_events_keep_the_map_true(house: House, control: Peer, worker: Peer) -> None:
    control.ask(Fill(plan="f", rectangle=(0, 0, 3, 3)), Accepted)
    before = house.map()
    worker.ack(worker.lease("render"))
    for _ in range(4):
        worker.ack(worker.lease())
    control.ask(CancelJob(job=house.jobs(states=["pending"])[0].job), Changed)
    now = house.map()

    tiles = {(tile.layer, tile.x, tile.y): tile.version for tile in before.tiles}
    jobs = {job.job: job.state for job in before.jobs}
    for event in house.events(since=before.last):
        if isinstance(event.change, JobChange):
            jobs[event.change.job] = event.change.state
            for tile in event.change.tiles:
                if tile.layer in ("render", "generation"):
                    tiles[(tile.layer, tile.x, tile.y)] = tile.version
    assert tiles == {(tile.layer, tile.x, tile.y): tile.version for tile in now.tiles}
    live = {job: state for job, state in jobs.items() if state not in ("complete", "cancelled")}
    assert live == {job.job: job.state for job in now.jobs}


def test_a_pause_and_its_end_are_told_once_each(house: House, control: Peer) -> None:
    for request in (Resume(), Pause(), Pause(), Resume()):
        control.ask(request, Changed)
    assert [event.change for event in house.events()] == [QueueChange(paused=True), QueueChange(paused=False)]


def test_the_extent_is_all_that_stands_or_is_under_way(house: House, control: Peer, worker: Peer) -> None:
    assert house.map().extent is None
    control.ask(Render(plan="r", quadrants=[(4, 4)]), Accepted)
    worker.work_off()
    house.publish(island(100, -7))
    assert house.map(0, 0, 0, 0).extent == (4, -7, 101, 5)
