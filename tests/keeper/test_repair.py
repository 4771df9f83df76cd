"""Repair: finished quadrants drawn anew, and at no moment a seam on the map."""

import pytest

from protocol.control import (
    CancelPlan,
    Changed,
    GetQuadrant,
    Quadrant,
    RetryPlan,
)
from protocol.errors import Code
from protocol.event import JobChange
from protocol.ingest import Accepted, Publish
from protocol.message import Error
from protocol.plan import Plan, Step
from protocol.region import Planned, Replan
from protocol.work import Fetch, Nack, Nacked, Pixels
from tests.keeper.house import House, Peer, island

Cell = tuple[int, int]
EDGE = [(1, 0), (1, 1)]


def generated(house: House, plan: str | None = None) -> set[Cell]:
    cells = [(x, y) for x in range(-1, 6) for y in range(-1, 4)]
    pixels = house.peer("work").ask(Fetch(layer="generation", quadrants=cells, plan=plan), Pixels)
    return {(tile.x, tile.y) for tile in pixels.tiles}


def steps() -> list[Step]:
    """
    G E N N    G and E are finished. N cannot be drawn in one call against E; so E gives way, and is
    G E N N    drawn anew between G and N.
    """
    return [island(2, 0, "n"), Step(id="e", quadrants=EDGE, after=["n"])]


@pytest.fixture
def old(house: House, worker: Peer) -> House:
    """The finished ground, and a plan that repairs its edge, its renders drawn."""
    house.publish(island(0, 0), id="first")
    worker.work_off()
    house.publish(*steps(), repair=EDGE)
    worker.work_off("render")
    return house


def test_without_repair_it_is_a_seam(house: House, worker: Peer) -> None:
    house.publish(island(0, 0), id="first")
    worker.work_off()
    assert house.refused(*steps()).code == Code.SEAM
    assert house.refused(*steps(), repair=EDGE[:1]).code == Code.SEAM


@pytest.mark.parametrize("lost", [[(0, 0)], [*EDGE, (0, 0)], [(9, 9)]])
def test_what_is_repaired_must_be_drawn_again(house: House, worker: Peer, lost: list[Cell]) -> None:
    house.publish(island(0, 0), id="first")
    worker.work_off()
    refusal = house.refused(*steps(), repair=lost)
    assert refusal.code == Code.BAD_PLAN
    assert "no step has it among its `quadrants`" in refusal.message


def test_scaffold_does_not_stand_in_for_what_is_repaired(house: House, worker: Peer) -> None:
    house.publish(island(0, 0), id="first")
    worker.work_off()
    again = Step(id="s1", quadrants=[(0, 0), (0, 1)], scaffold=EDGE)
    cells = [(0, 0), (0, 1), *EDGE]
    assert house.refused(again, repair=cells).code == Code.BAD_PLAN


def test_a_finished_quadrant_gives_way_when_its_neighbour_is_committed(old: House, worker: Peer) -> None:
    whole = {(x, y) for x in range(4) for y in (0, 1)}
    assert generated(old) == {(0, 0), (0, 1), *EDGE}
    # For the plan itself it is a hole from the beginning.
    assert generated(old, "p1") == {(0, 0), (0, 1)}
    last = old.events()[-1].seq
    worker.ack(worker.lease("generate"))

    assert generated(old) == generated(old, "p1") == whole - set(EDGE)
    changes = [e.change for e in old.events(last) if isinstance(e.change, JobChange) and e.change.tiles]
    assert [(t.x, t.y) for t in changes[0].tiles if t.version == 0] == EDGE
    assert len([t for t in changes[0].tiles if t.version]) == 4
    versions = old.peer("control").ask(GetQuadrant(x=1, y=0), Quadrant).versions
    assert [v.current for v in versions if v.layer == "generation"] == [False]

    lease = worker.lease("generate")
    assert lease.step == "e"
    worker.ack(lease)
    assert generated(old) == whole
    versions = old.peer("control").ask(GetQuadrant(x=1, y=0), Quadrant).versions
    assert [(v.current, v.plan) for v in versions if v.layer == "generation"] == [
        (True, "p1"),
        (False, "first"),
    ]


def test_a_restart_in_the_middle_changes_nothing(old: House, worker: Peer) -> None:
    worker.ack(worker.lease("generate"))
    old.close()
    old.open()
    assert generated(old, "p1") == {(x, y) for x in (0, 2, 3) for y in (0, 1)}
    assert [lease.step for lease in worker.work_off("generate")] == ["e"]
    assert len(generated(old)) == 8


def fail(worker: Peer) -> None:
    lease = worker.lease("generate")
    nack = Nack(job=lease.job, token=lease.token, error_class="rejected", reason="No.", retry=False)
    worker.ask(nack, Nacked)


def test_a_failure_in_the_middle_leaves_a_hole_and_no_seam(old: House, worker: Peer, control: Peer) -> None:
    worker.ack(worker.lease("generate"))
    fail(worker)
    assert generated(old) & set(EDGE) == set()
    assert control.ask(RetryPlan(plan="p1"), Changed).jobs == 1
    worker.work_off("generate")
    assert len(generated(old)) == 8


def test_a_failure_before_anything_was_drawn_leaves_the_map_as_it_was(
    old: House, worker: Peer, control: Peer
) -> None:
    fail(worker)
    assert generated(old) == {(0, 0), (0, 1), *EDGE}
    control.ask(CancelPlan(plan="p1"), Changed)
    assert generated(old) == {(0, 0), (0, 1), *EDGE}


def test_called_off_in_the_middle_the_hole_is_planned_anew(old: House, worker: Peer, control: Peer) -> None:
    worker.ack(worker.lease("generate"))
    control.ask(CancelPlan(plan="p1"), Changed)
    assert generated(old) & set(EDGE) == set()
    control.ask(Replan(plan="p1", id="p2"), Accepted)
    worker.work_off("generate")
    assert len(generated(old)) == 8


def test_a_whole_island_is_drawn_anew_in_one_call(house: House, worker: Peer) -> None:
    house.publish(island(0, 0), id="first")
    worker.work_off()
    before = {(t.x, t.y): t.version for t in house.map().tiles if t.layer == "generation"}
    house.publish(island(0, 0), repair=[(x, y) for x in (0, 1) for y in (0, 1)])
    worker.work_off()
    after = {(t.x, t.y): t.version for t in house.map().tiles if t.layer == "generation"}
    assert after.keys() == before.keys()
    assert all(after[cell] > before[cell] for cell in after)


def test_padding_is_no_way_around_the_rules(house: House, worker: Peer) -> None:
    """
    G e N   One call draws N, and E as padding that it throws away: with G against its left, out of
    G e N   sight, that is a seam like any other.
    """
    house.publish(island(0, 0), id="first")
    worker.work_off()
    refusal = house.refused(
        Step(id="n", quadrants=[(2, 0), (2, 1)], padding=EDGE),
        Step(id="e", quadrants=EDGE, after=["n"]),
        repair=EDGE,
    )
    assert (refusal.code, refusal.details) == (Code.SEAM, "n")


def test_what_lies_under_padding_gives_way_too(house: House, worker: Peer) -> None:
    """
    p N     The island is finished. N comes anew with all else as padding, then the column P, then
    p p     what is left of it.
    """
    house.publish(island(0, 0), id="first")
    worker.work_off()
    cells = [(x, y) for x in (0, 1) for y in (0, 1)]
    house.publish(
        Step(id="n", quadrants=[(1, 0), (1, 1)], padding=[(0, 0), (0, 1)]),
        Step(id="p", quadrants=[(0, 0), (0, 1)], after=["n"]),
        repair=cells,
    )
    worker.ack(worker.lease("generate"))
    assert generated(house) == generated(house, "p1") == {(1, 0), (1, 1)}
    worker.work_off("generate")
    assert generated(house) == set(cells)


def test_a_dry_run_proves_a_plan_and_accepts_nothing(house: House, worker: Peer, control: Peer) -> None:
    house.publish(island(0, 0), id="first")
    worker.work_off()
    jobs, events = house.jobs(), len(house.events())

    def ask(repair: list[Cell]) -> Publish:
        return Publish(plan=Plan(id="p1", steps=steps(), repair=repair), dry_run=True)

    assert control.ask(ask([]), Error).code == Code.SEAM
    planned = control.ask(ask(EDGE), Planned)
    assert [(step.id, step.wave) for step in planned.steps] == [("n", 1), ("e", 2)]
    assert planned.repaired == EDGE
    assert (planned.estimate.calls, planned.estimate.quadrants, planned.estimate.waves) == (2, 6, 2)
    assert planned.estimate.shapes == {"2x2": 1, "2x1": 0, "1x2": 1, "1x1": 0}
    assert (house.jobs(), len(house.events())) == (jobs, events)
