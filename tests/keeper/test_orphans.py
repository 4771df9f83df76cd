"""Results that came too late: kept, listed, adopted where they still fit, deleted."""

import hashlib

import pytest

from protocol.control import CancelJob, CancelPlan, Changed, RetryJob
from protocol.errors import Code
from protocol.event import JobChange, LateChange
from protocol.message import Error
from protocol.order import Adopt, Deleted, DeleteOrphan, ListOrphans, Orphans, Reverted
from protocol.plan import Step
from protocol.view import OrphanView
from protocol.work import Acked, Fetch, Lease, Nack, Nacked, Pixels
from tests.keeper.house import Clock, House, Peer, island, until
from tests.keeper.witness import paint, painted, sha_of, stale, standing, versions

ISLAND = [(0, 0), (1, 0), (0, 1), (1, 1)]
BRIDGE = [(2, 0), (2, 1)]


def orphans(house: House) -> list[OrphanView]:
    return house.peer("control").ask(ListOrphans(), Orphans).orphans


def adopt(house: House, orphan: int) -> Reverted:
    return house.peer("control").ask(Adopt(orphan=orphan), Reverted)


def refused(house: House, orphan: int) -> Error:
    return house.peer("control").ask(Adopt(orphan=orphan), Error)


def late(worker: Peer, lease: Lease, **made: object) -> None:
    """Hand in a result that must be refused."""
    body, images = painted(worker, lease, **made)
    assert worker.ask(body, Error, images).code == Code.LEASE_LOST


def leased(house: House, *steps: Step, id: str, **plan: object) -> Lease:
    """The first generate job of a plan, in a worker's hands."""
    house.publish(*steps, id=id, **plan)
    worker = house.peer("work")
    worker.work_off("render")
    return worker.lease("generate")


@pytest.fixture
def orphan(house: House, worker: Peer, control: Peer) -> OrphanView:
    """What a worker made of an island although its job was called off meanwhile."""
    lease = leased(house, island(0, 0), id="first", prompt="a harbour")
    control.ask(CancelJob(job=lease.job), Changed)
    for _ in range(2):
        late(worker, lease, calls=1, cost=0.5, seed=7)
    [found] = orphans(house)
    return found


def test_a_late_result_is_listed_once_with_what_it_is(house: House, orphan: OrphanView, clock: Clock) -> None:
    assert (orphan.plan, orphan.model_id, orphan.prompt) == ("first", "plain", "a harbour")
    assert (orphan.worker, orphan.seconds, orphan.attempt) == ("witness", 2.0, 1)
    assert [(t.layer, t.x, t.y) for t in orphan.tiles] == [("generation", x, y) for x, y in ISLAND]
    envelope = house.peer("control").exchange(Fetch(orphan=orphan.orphan))
    assert isinstance(envelope.body, Pixels)
    images = [
        (ref.version, hashlib.sha256(envelope.attachments[ref.attachment]).hexdigest())
        for ref in envelope.body.tiles
    ]
    assert images == [(0, tile.sha256) for tile in orphan.tiles]
    assert {t.sha256 for t in orphan.tiles} == {sha_of(orphan.job)}
    assert orphan.received_at == clock.now
    assert (orphan.adoptable, orphan.reason) == (True, "")
    told = [event.change for event in house.events() if isinstance(event.change, LateChange)]
    assert told == [LateChange(job=orphan.job, plan="first", state="kept")]
    assert standing(house) == {}
    house.close()
    # Sent twice, it was paid for once.
    assert house.select("SELECT calls, cost FROM generation_queue WHERE kind = 'generate'") == [(1, 0.5)]


def test_adopted_it_is_what_its_job_made(house: House, orphan: OrphanView) -> None:
    last = house.events()[-1].seq
    assert adopt(house, orphan.orphan).quadrants == 4
    assert standing(house).keys() == set(ISLAND)
    job = house.job(orphan.job)
    assert (job.state, job.worker) == ("complete", "witness")
    version = versions(house, 0, 0)[0]
    assert (version.sha256, version.job, version.prompt) == (sha_of(orphan.job), orphan.job, "a harbour")
    assert (version.seed, version.cost, version.current) == (7, 0.5, True)
    [change] = [e.change for e in house.events(last) if isinstance(e.change, JobChange)]
    assert (change.state, len(change.tiles)) == ("complete", 4)
    assert orphans(house) == []
    assert stale(house) == set()
    house.close()
    assert house.select("SELECT calls, cost FROM generation_queue WHERE kind = 'generate'") == [(1, 0.5)]


def test_adopting_and_deleting_again_change_nothing(house: House, control: Peer, orphan: OrphanView) -> None:
    adopt(house, orphan.orphan)
    last = house.events()[-1].seq
    assert adopt(house, orphan.orphan) == Reverted(quadrants=0)
    for _ in range(2):
        control.ask(DeleteOrphan(orphan=orphan.orphan), Deleted)
    assert adopt(house, orphan.orphan) == Reverted(quadrants=0)
    assert house.events(last) == []


def test_deleted_it_is_gone_and_its_image_stays(house: House, control: Peer, orphan: OrphanView) -> None:
    last = house.events()[-1].seq
    for _ in range(2):
        control.ask(DeleteOrphan(orphan=orphan.orphan), Deleted)
    assert orphans(house) == []
    told = [event.change for event in house.events(last)]
    assert told == [LateChange(job=orphan.job, plan="first", state="deleted")]
    assert refused(house, orphan.orphan).code == Code.UNKNOWN_ORPHAN
    sha256 = orphan.tiles[0].sha256
    assert (house.data / "blobs" / sha256[:2] / f"{sha256[2:]}.png").exists()


def test_the_number_of_a_deleted_one_is_not_given_again(house: House, worker: Peer, control: Peer) -> None:
    lease = leased(house, island(0, 0), id="first")
    control.ask(CancelJob(job=lease.job), Changed)
    late(worker, lease)
    [first] = orphans(house)
    control.ask(DeleteOrphan(orphan=first.orphan), Deleted)
    # Its worker had lost the answer, and hands the same result in once more.
    late(worker, lease)
    [again] = orphans(house)
    assert again.orphan > first.orphan
    # Nor does a delete that is sent twice meet what came after.
    control.ask(DeleteOrphan(orphan=first.orphan), Deleted)
    assert orphans(house) == [again]


def test_the_result_of_an_old_lease_says_who_has_the_job_now(
    house: House, worker: Peer, clock: Clock
) -> None:
    lease = leased(house, island(0, 0), id="first")
    clock.forward(lease.expires_in + 1)
    until(lambda: house.job(lease.job).state == "pending", "the lease to run out")
    second = worker.lease("generate", worker="quick")
    late(worker, lease)
    [found] = orphans(house)
    assert not found.adoptable
    assert found.reason == f"Job {lease.job} is in the hands of quick; wait for it, or cancel it."
    assert refused(house, found.orphan).code == Code.WRONG_STATE
    worker.ack(second)
    [found] = orphans(house)
    assert found.reason == f"Job {lease.job} was completed by another try."
    assert refused(house, found.orphan).code == Code.WRONG_STATE
    assert len(versions(house, 0, 0)) == 1


def test_a_job_that_failed_or_waits_again_is_completed_by_it(
    house: House, worker: Peer, clock: Clock, control: Peer
) -> None:
    lease = leased(house, island(0, 0), id="first")
    clock.forward(lease.expires_in + 1)
    until(lambda: house.job(lease.job).state == "pending", "the lease to run out")
    second = worker.lease("generate", worker="other")
    nack = Nack(job=second.job, token=second.token, error_class="rejected", reason="No.", retry=False)
    worker.ask(nack, Nacked)
    late(worker, lease)
    control.ask(RetryJob(job=lease.job), Changed)
    assert house.job(lease.job).state == "pending"
    [found] = orphans(house)
    assert found.adoptable
    assert adopt(house, found.orphan).quadrants == 4
    assert worker.ready("generate") is None
    # The worker that never heard an answer asks once more, and is told that its result is on the map.
    body, images = painted(worker, lease)
    worker.ask(body, Acked, images)
    assert len(versions(house, 0, 0)) == 1


def test_what_waited_behind_the_job_goes_on(house: House, worker: Peer, control: Peer) -> None:
    steps = [
        island(0, 0, "a"),
        Step(id="b", quadrants=BRIDGE, after=["a"]),
        Step(id="c", quadrants=[(3, 0), (3, 1)], after=["b"]),
    ]
    lease = leased(house, *steps, id="chain")
    control.ask(CancelJob(job=lease.job), Changed)
    late(worker, lease)
    assert {job.step: job.state for job in house.jobs(kind="generate")} == {
        "a": "cancelled",
        "b": "blocked",
        "c": "blocked",
    }
    [found] = orphans(house)
    assert found.adoptable
    adopt(house, found.orphan)
    assert not any(job.held_by for job in house.jobs())
    paint(worker)
    assert standing(house).keys() == {*ISLAND, *BRIDGE, (3, 0), (3, 1)}


def test_ground_that_others_need_is_not_taken(
    house: House, worker: Peer, control: Peer, orphan: OrphanView
) -> None:
    house.publish(island(2, 0), id="next")
    [found] = orphans(house)
    assert not found.adoptable
    assert "Plan next" in found.reason
    assert refused(house, found.orphan).code == Code.CONFLICT
    control.ask(CancelPlan(plan="next"), Changed)
    assert orphans(house)[0].adoptable


def test_ground_behind_the_job_that_others_need_is_not_taken_either(
    house: House, worker: Peer, control: Peer
) -> None:
    steps = [
        island(0, 0, "a"),
        Step(id="b", quadrants=BRIDGE, after=["a"]),
        Step(id="c", quadrants=[(3, 0), (3, 1)], after=["b"]),
    ]
    lease = leased(house, *steps, id="chain")
    control.ask(CancelJob(job=lease.job), Changed)
    late(worker, lease)
    [found] = orphans(house)
    house.publish(island(4, 0), id="next")
    refusal = refused(house, found.orphan)
    assert refusal.code == Code.CONFLICT
    assert "Plan next" in refusal.message
    assert standing(house) == {}


def test_where_it_would_leave_a_seam_it_is_refused(house: House, worker: Peer, orphan: OrphanView) -> None:
    house.publish(island(2, 0), id="next")
    paint(worker)
    [found] = orphans(house)
    assert not found.adoptable
    assert "seam" in found.reason
    assert refused(house, found.orphan).code == Code.SEAM
    assert standing(house).keys() == {(x, y) for x in (2, 3) for y in (0, 1)}


def test_a_neighbour_that_it_did_not_see_is_a_seam(house: House, worker: Peer, control: Peer) -> None:
    house.publish(island(0, 0), id="first")
    paint(worker)
    lease = leased(house, Step(id="b", quadrants=BRIDGE), id="second")
    control.ask(CancelPlan(plan="second"), Changed)
    late(worker, lease)
    assert orphans(house)[0].adoptable
    # By the rules a bridge may go there still, but this one was painted to match another column.
    house.publish(Step(id="r", quadrants=[(1, 0), (1, 1)]), id="third", repair=[(1, 0), (1, 1)])
    paint(worker)
    [found] = orphans(house)
    assert not found.adoptable
    assert "without seeing 1,0, 1,1" in found.reason
    assert refused(house, found.orphan).code == Code.SEAM
    assert standing(house).keys() == set(ISLAND)


def test_seen_neighbours_that_still_stand_are_none(house: House, worker: Peer, control: Peer) -> None:
    house.publish(island(0, 0), id="first")
    paint(worker)
    lease = leased(house, Step(id="b", quadrants=BRIDGE), id="second")
    control.ask(CancelPlan(plan="second"), Changed)
    late(worker, lease)
    [found] = orphans(house)
    assert adopt(house, found.orphan).quadrants == 2
    assert {s.x for s in versions(house, 2, 0)[0].saw} == {1}
    assert stale(house) == set()


def test_late_renders_are_kept_and_adopted_too(house: House, worker: Peer, control: Peer) -> None:
    house.publish(Step(id="r", kind="render", quadrants=[(0, 0)]), id="look")
    lease = worker.lease("render")
    control.ask(CancelPlan(plan="look"), Changed)
    late(worker, lease)
    [found] = orphans(house)
    assert found.adoptable
    adopt(house, found.orphan)
    assert house.job(lease.job).state == "complete"
    assert {tile.layer for tile in house.map().tiles} == {"render"}


def test_pages_go_by_number(house: House, worker: Peer, control: Peer) -> None:
    for i in range(3):
        lease = leased(house, island(10 * i, 0), id=f"p{i}")
        control.ask(CancelPlan(plan=f"p{i}"), Changed)
        late(worker, lease)
    page = control.ask(ListOrphans(limit=2), Orphans)
    assert ([o.plan for o in page.orphans], page.total) == (["p0", "p1"], 3)
    rest = control.ask(ListOrphans(limit=2, cursor=page.cursor), Orphans)
    assert ([o.plan for o in rest.orphans], rest.cursor) == (["p2"], 0)
    control.ask(DeleteOrphan(orphan=page.orphans[0].orphan), Deleted)
    assert control.ask(ListOrphans(), Orphans).total == 2
