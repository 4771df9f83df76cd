"""What ended long ago goes when a person says so; the map and what may still go on stay."""

from pathlib import Path

from protocol.control import CancelPlan, Changed, GetQuadrant, Quadrant
from protocol.errors import Code
from protocol.event import Events, Watch
from protocol.message import Error
from protocol.order import Prune, Pruned, Revert
from protocol.view import VersionView
from protocol.work import Acked, Nack, Nacked
from services.blobs import Blobs
from tests.keeper.house import House, Peer, island, png, result, until

SQUARE = [(0, 0), (1, 0), (0, 1), (1, 1)]

DAY = 86_400.0


def drawn(house: House, *steps: object, id: str) -> None:
    house.publish(*steps, id=id)  # type: ignore[arg-type]
    house.peer("work").work_off()


def paint(worker: Peer, colour: int) -> None:
    """Do all there is, each model call in one colour."""
    worker.work_off("render")
    while (lease := worker.ready("generate")) is not None:
        ack, _ = result(lease)
        worker.ask(ack, Acked, [png("RGB", colour=colour)])


def files(house: House) -> set[str]:
    return {path.parent.name + path.stem for path in house.data.glob("blobs/??/*.png")}


def referred(house: House) -> set[str]:
    """The images that rows name; only while the keeper is closed."""
    return {
        row[0]
        for table in ("tile_versions", "orphan_results", "assets")
        for row in house.select(f"SELECT sha256 FROM {table}")
    }


def test_settled_plans_that_are_old_enough_go_whole(house: House, control: Peer) -> None:
    drawn(house, island(0, 0), id="old")
    house.clock.forward(10 * DAY)
    drawn(house, island(10, 0), id="young")
    house.publish(island(20, 0), id="waiting")
    before = house.map()

    dry = control.ask(Prune(older_than_seconds=DAY, dry_run=True), Pruned)
    assert {job.plan for job in house.jobs()} == {"old", "young", "waiting"}
    gone = control.ask(Prune(older_than_seconds=DAY), Pruned)
    assert gone == dry
    assert (gone.plans, gone.orphans, gone.versions) == (1, 0, 0)
    assert gone.jobs > 1
    assert {job.plan for job in house.jobs()} == {"young", "waiting"}
    assert house.map().tiles == before.tiles
    assert control.ask(Prune(older_than_seconds=DAY), Pruned).jobs == 0

    house.peer("work").work_off()
    house.close()
    for table in ("plans", "plan_tally", "repairs"):
        column = "id" if table == "plans" else "plan_id"
        assert house.select(f"SELECT count(*) FROM {table} WHERE {column} = 'old'") == [(0,)]
    for table in ("job_quadrants", "dependencies"):
        assert house.select(
            f"SELECT count(*) FROM {table} WHERE job_id NOT IN (SELECT id FROM generation_queue)"
        ) == [(0,)]


def test_numbers_are_not_given_twice_and_the_log_has_no_gap(house: House, control: Peer) -> None:
    drawn(house, island(0, 0), id="p")
    last_job, last_event = house.jobs()[-1].job, house.events()[-1].seq
    house.clock.forward(10 * DAY)
    gone = control.ask(Prune(older_than_seconds=DAY, versions=True), Pruned)
    # The plan has the newest job, so it stays; of the log the newest event does.
    assert (gone.plans, gone.jobs, gone.events) == (0, 0, last_event - 1)
    assert [event.seq for event in house.events()] == [last_event]

    # A watcher that was away longer than the log goes back gets what there is.
    found = control.ask(Watch(since=1, wait=0), Events)
    assert ([event.seq for event in found.events], found.last) == ([last_event], last_event)
    drawn(house, island(10, 0), id="q")
    assert house.events(since=last_event)[0].seq == last_event + 1
    assert min(job.job for job in house.jobs(plan="q")) == last_job + 1
    # Now it is no longer the newest; its id may be used again, for other steps.
    assert control.ask(Prune(older_than_seconds=DAY), Pruned).plans == 1
    assert not house.publish(island(20, 0), id="p").duplicate


def test_what_failed_or_is_held_stays_until_it_is_called_off(house: House, control: Peer) -> None:
    house.publish(island(0, 0, "a"), island(10, 0, "b", after=["a"]), id="stuck")
    worker = house.peer("work")
    worker.work_off("render")
    lease = worker.lease("generate")
    nack = Nack(job=lease.job, token=lease.token, error_class="rejected", reason="No.", retry=False)
    worker.ask(nack, Nacked)
    house.clock.forward(10 * DAY)
    drawn(house, island(50, 0), id="newest")
    assert control.ask(Prune(older_than_seconds=DAY), Pruned).plans == 0
    control.ask(CancelPlan(plan="stuck"), Changed)
    assert control.ask(Prune(older_than_seconds=DAY), Pruned).plans == 0
    house.clock.forward(2 * DAY)
    assert control.ask(Prune(older_than_seconds=DAY), Pruned).plans == 1


def versions(control: Peer, x: int, y: int) -> list[VersionView]:
    found = control.ask(GetQuadrant(x=x, y=y), Quadrant).versions
    return [version for version in found if version.layer == "generation"]


def test_images_go_when_nothing_refers_to_them(house: House, worker: Peer, control: Peer) -> None:
    house.publish(island(0, 0), id="first")
    paint(worker, 1)
    house.publish(island(0, 0), id="second", repair=SQUARE)
    paint(worker, 2)
    old, new = sorted(versions(control, 0, 0), key=lambda version: version.version)
    house.clock.forward(10 * DAY)
    house.publish(island(10, 0), id="third")
    paint(worker, 3)

    # What was handed in within the last ten minutes of a keeper's life is not removed.
    house.close()
    house.open()

    everything = Prune(older_than_seconds=DAY, versions=True)
    dry = control.ask(everything.model_copy(update={"dry_run": True}), Pruned)
    assert house.map().tiles and old.sha256 in files(house)
    standing = house.map().tiles
    gone = control.ask(everything, Pruned)
    assert gone == dry
    assert (gone.plans, gone.versions) == (2, 4)
    assert gone.bytes == len(png("RGB", colour=1))
    until(lambda: old.sha256 not in files(house), "the old image to go")
    assert house.map().tiles == standing
    assert [version.version for version in versions(control, 0, 0)] == [new.version]
    refusal = control.ask(Revert(x=0, y=0, version=old.version), Error)
    assert refusal.code is Code.UNKNOWN_TILE
    house.close()
    assert referred(house) == files(house)


def test_an_image_that_is_handed_in_again_stays(house: House, worker: Peer, control: Peer) -> None:
    house.publish(island(0, 0), id="first")
    paint(worker, 1)
    house.publish(island(0, 0), id="second", repair=SQUARE)
    paint(worker, 2)
    house.clock.forward(10 * DAY)
    house.publish(island(10, 0), id="third")
    paint(worker, 1)
    assert control.ask(Prune(older_than_seconds=DAY, versions=True), Pruned).bytes == 0
    house.close()
    assert referred(house) <= files(house)


def test_old_late_results_go(house: House, worker: Peer, control: Peer) -> None:
    house.publish(island(0, 0), id="p")
    worker.work_off("render")
    lease = worker.lease("generate")
    control.ask(CancelPlan(plan="p"), Changed)
    worker.late(lease)
    assert house.status().orphans == 1
    assert control.ask(Prune(older_than_seconds=DAY), Pruned).orphans == 0
    house.clock.forward(10 * DAY)
    assert control.ask(Prune(older_than_seconds=DAY), Pruned).orphans == 1
    assert house.status().orphans == 0


def test_blobs_that_may_be_on_their_way_into_the_database_stay(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    kept, other = blobs.write([b"kept", b"other"])
    later = Blobs(tmp_path)
    assert later.write([b"kept"]) == [kept]
    later.remove([kept, other])
    assert (later.size(kept), later.size(other)) == (4, 0)
    blobs.remove([kept])
    assert later.read(kept) == b"kept"
