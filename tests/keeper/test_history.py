"""Where tiles came from, older versions brought back, and neighbours that do not match any more."""

import json

import pytest

from protocol.control import CancelPlan, Changed
from protocol.errors import Code
from protocol.event import JobChange, MapChange
from protocol.message import Error
from protocol.order import Prune, Pruned, Revert, Reverted, RevertPlan
from protocol.plan import Step
from protocol.work import Acked, Nack, Nacked, SeamScore
from tests.keeper.house import Clock, House, Peer, island, opened
from tests.keeper.witness import paint, painted, seen, stale, standing, versions

ISLAND = [(0, 0), (1, 0), (0, 1), (1, 1)]
BRIDGE = [(2, 0), (2, 1)]


@pytest.fixture
def old(house: House, worker: Peer) -> House:
    """
    G G B    G is drawn by plan `first`, B, which saw its right column, by `second`.
    G G B
    """
    house.publish(island(0, 0), id="first", prompt="a harbour", negative_prompt="fog")
    paint(worker)
    house.publish(Step(id="b", quadrants=BRIDGE), id="second")
    paint(worker)
    return house


def repaired(house: House, worker: Peer) -> House:
    """The right column of the island drawn anew by plan `third`, between what stands on both sides."""
    steps = [Step(id="r", quadrants=[(1, 0), (1, 1)])]
    house.publish(*steps, id="third", repair=[(1, 0), (1, 1)])
    paint(worker)
    return house


def revert(house: House, x: int, y: int, version: int) -> Reverted:
    return house.peer("control").ask(Revert(x=x, y=y, version=version), Reverted)


def revert_plan(house: House, plan: str) -> Reverted:
    return house.peer("control").ask(RevertPlan(plan=plan), Reverted)


def changes(house: House, since: int) -> list[MapChange]:
    return [e.change for e in house.events(since) if isinstance(e.change, MapChange)]


def test_a_version_says_all_about_where_it_came_from(house: House, worker: Peer) -> None:
    house.publish(island(0, 0), id="first", prompt="a harbour", negative_prompt="fog", model_id="plain")
    made = {
        "model_seconds": 1.5,
        "template": "t" * 64,
        "renders": "r" * 64,
        "seed": 2**62,
        "parameters": json.dumps({"steps": 14}),
        "cost": 0.25,
        "calls": 1,
        "source": "a hand",
    }
    leases = paint(worker, seams=[SeamScore(x=1, y=1, score=1.75, flagged=True)], **made)
    lease = leases[-1]
    version = versions(house, 1, 1)[0]
    assert (version.prompt, version.negative_prompt, version.model_id) == ("a harbour", "fog", "plain")
    assert {name: getattr(version, name) for name in made if name != "calls"} == {
        name: value for name, value in made.items() if name != "calls"
    }
    assert (version.job, version.plan, version.worker) == (lease.job, "first", "witness")
    assert (version.seconds, version.attempt, version.saw) == (2.0, 1, [])
    assert (version.seam, version.flagged) == (1.75, True)
    assert {(one.seam, one.flagged) for one in versions(house, 0, 0)} == {(None, False)}
    assert (version.current, version.stale, version.scaffold) == (True, False, False)
    house.close()
    assert house.select("SELECT DISTINCT token FROM tile_versions WHERE layer = 'generation'") == [
        (lease.token,)
    ]
    assert house.select("SELECT calls, cost FROM generation_queue WHERE kind = 'generate'") == [(1, 0.25)]


def test_neighbours_seen_are_kept_and_those_it_cannot_have_seen_are_not(old: House, worker: Peer) -> None:
    ours = standing(old)
    assert {(s.x, s.y): s.version for s in versions(old, 2, 0)[0].saw} == {
        cell: ours[cell] for cell in [(1, 0), (1, 1)]
    }
    old.publish(island(20, 20), id="far")
    leases = paint(worker, saw=[ours[0, 0], 99_999])
    assert leases
    assert versions(old, 20, 20)[0].saw == []


def test_without_a_stated_cost_the_models_own_price_is_reckoned(short: object) -> None:
    models = [
        {"name": "Plain", "model_id": "plain", "provider": "oxen", "api_key": "k", "cost_per_image": 0.5},
        {"name": "Free", "model_id": "free", "provider": "oxen", "api_key": "k"},
    ]
    with opened(short, models=models) as house:  # type: ignore[arg-type]
        house.publish(island(0, 0), id="paid")
        house.publish(island(10, 0), id="free", model_id="free")
        paint(house.peer("work"), calls=3)
        assert [versions(house, x, 0)[0].cost for x in (0, 10)] == [1.5, None]
        house.close()
        sums = house.select("SELECT calls, cost FROM generation_queue WHERE kind = 'generate' ORDER BY id")
        assert sums == [(3, 1.5), (3, 0.0)]


def test_one_quadrant_goes_back_and_comes_again(old: House, worker: Peer) -> None:
    before = standing(old)
    repaired(old, worker)
    after = standing(old)
    assert after[1, 0] != before[1, 0]
    last = old.events()[-1].seq
    # Of the column drawn anew the other half was drawn beside it, and so was the rest of the island once.
    assert revert(old, 1, 0, before[1, 0]).quadrants == 1
    assert standing(old) == {**after, (1, 0): before[1, 0]}
    [change] = changes(old, last)
    assert (change.tiles[0].x, change.tiles[0].y, change.tiles[0].version) == (1, 0, before[1, 0])
    assert {(t.x, t.y): t.stale for t in change.tiles}.items() <= {
        cell: cell in stale(old) for cell in after
    }.items()
    assert [v.current for v in versions(old, 1, 0)] == [False, True]
    # Back again, to the newer one.
    revert(old, 1, 0, after[1, 0])
    assert standing(old) == after


def test_the_same_revert_again_changes_nothing(old: House) -> None:
    assert revert(old, 0, 0, 0).quadrants == 1
    last = old.events()[-1].seq
    assert revert(old, 0, 0, 0).quadrants == 0
    assert old.events(last) == []
    assert (0, 0) not in standing(old)


@pytest.mark.parametrize(("x", "y", "number"), [(0, 0, 999), (0, 0, 1), (1, 0, -1)])
def test_only_an_own_generated_version_can_stand(
    old: House, control: Peer, x: int, y: int, number: int
) -> None:
    # Version 1 is a render; -1 stands for a version of the quadrant beside it.
    version = standing(old)[0, 0] if number < 0 else number
    refusal = control.ask(Revert(x=x, y=y, version=version), Error)
    assert refusal.code == Code.UNKNOWN_TILE
    assert str(version) in refusal.message


def test_scaffold_does_not_come_back(house: House, worker: Peer, control: Peer) -> None:
    step = Step(id="s", quadrants=[(0, 0), (0, 1)], scaffold=[(1, 0), (1, 1)])
    house.publish(step)
    paint(worker)
    [version] = versions(house, 1, 0)
    assert (version.scaffold, version.current) == (True, False)
    assert control.ask(Revert(x=1, y=0, version=version.version), Error).code == Code.WRONG_STATE


def test_ground_that_a_plan_needs_is_not_changed_under_it(old: House, worker: Peer, control: Peer) -> None:
    before = standing(old)
    old.publish(Step(id="n", quadrants=[(3, 0), (3, 1)]), id="next")
    for request in (Revert(x=2, y=0, version=0), RevertPlan(plan="second")):
        refusal = control.ask(request, Error)
        assert refusal.code == Code.CONFLICT
        assert "next" in refusal.message
    assert standing(old) == before
    # Two quadrants away nobody looks.
    assert revert(old, 0, 0, 0).quadrants == 1
    control.ask(CancelPlan(plan="next"), Changed)
    assert revert(old, 2, 0, 0).quadrants == 1


def test_a_plan_goes_back_to_what_stood_before_it_and_back_again(old: House, worker: Peer) -> None:
    before = standing(old)
    repaired(old, worker)
    answer = revert_plan(old, "third")
    assert (answer.quadrants, answer.skipped) == (2, 0)
    assert standing(old) == before
    assert stale(old) == set()
    assert revert_plan(old, "third") == Reverted(quadrants=0)
    assert revert_plan(old, "first") == Reverted(quadrants=4, stale=2)
    assert standing(old).keys() == set(BRIDGE)
    for cell in ISLAND:
        revert(old, *cell, before[cell])
    assert standing(old) == before
    assert stale(old) == set()


def test_what_was_drawn_again_since_stays_and_is_counted(old: House, worker: Peer) -> None:
    repaired(old, worker)
    answer = revert_plan(old, "first")
    assert (answer.quadrants, answer.skipped) == (2, 2)
    assert standing(old).keys() == {(1, 0), (1, 1), *BRIDGE}


def test_what_a_plan_took_off_and_never_drew_comes_back(house: House, worker: Peer, control: Peer) -> None:
    house.publish(island(0, 0), id="first")
    paint(worker)
    before = standing(house)
    steps = [island(2, 0, "n"), Step(id="e", quadrants=[(1, 0), (1, 1)], after=["n"])]
    house.publish(*steps, id="half", repair=[(1, 0), (1, 1)])
    worker.work_off("render")
    lease = worker.lease("generate")
    body, images = painted(worker, lease)
    worker.ask(body, Acked, images)
    assert standing(house).keys() == {(0, 0), (0, 1), (2, 0), (3, 0), (2, 1), (3, 1)}
    assert control.ask(RevertPlan(plan="half"), Error).code == Code.WRONG_STATE
    lease = worker.lease("generate")
    nack = Nack(job=lease.job, token=lease.token, error_class="rejected", reason="No.", retry=False)
    worker.ask(nack, Nacked)
    assert revert_plan(house, "half").quadrants == 6
    assert standing(house) == before
    assert stale(house) == set()


def test_a_redrawn_quadrant_knows_what_the_plan_took_off(house: House, worker: Peer) -> None:
    house.publish(island(0, 0), id="first")
    paint(worker)
    before = standing(house)
    steps = [island(2, 0, "n"), Step(id="e", quadrants=[(1, 0), (1, 1)], after=["n"])]
    house.publish(*steps, id="whole", repair=[(1, 0), (1, 1)])
    paint(worker)
    assert len(standing(house)) == 8
    assert revert_plan(house, "whole").quadrants == 6
    assert standing(house) == before


def test_an_unknown_plan_and_one_at_work_are_not_reverted(old: House, control: Peer) -> None:
    assert control.ask(RevertPlan(plan="nobody"), Error).code == Code.UNKNOWN_PLAN
    old.publish(island(30, 0), id="busy")
    refusal = control.ask(RevertPlan(plan="busy"), Error)
    assert refusal.code == Code.WRONG_STATE
    assert refusal.message == "Plan busy is still at work; wait until it has ended, or cancel it."


def test_who_saw_a_quadrant_is_stale_while_it_does_not_stand(old: House) -> None:
    version = standing(old)[1, 0]
    assert stale(old) == set()
    last = old.events()[-1].seq
    assert revert(old, 1, 0, 0) == Reverted(quadrants=1, stale=5)
    # The bridge saw it, the rest of the island was drawn in one piece with it.
    assert stale(old) == {*BRIDGE, (0, 0), (0, 1), (1, 1)}
    [change] = changes(old, last)
    assert [(t.x, t.y) for t in change.tiles if t.stale] != []
    assert all(v.stale for v in versions(old, 2, 1) if v.current)
    revert(old, 1, 0, version)
    assert stale(old) == set()
    old.close()
    old.open()
    assert stale(old) == set()


def test_a_neighbour_drawn_anew_leaves_a_mark_and_tells_it(old: House, worker: Peer) -> None:
    last = old.events()[-1].seq
    repaired(old, worker)
    assert stale(old) == {*BRIDGE, (0, 0), (0, 1)}
    [change] = changes(old, last)
    assert {(t.x, t.y) for t in change.tiles if t.stale} == stale(old)
    done = [e.change for e in old.events(last) if isinstance(e.change, JobChange) and e.change.tiles]
    assert not any(tile.stale for change in done for tile in change.tiles)


def test_scaffold_that_was_seen_and_is_gone_makes_nobody_stale(house: House, worker: Peer) -> None:
    steps = [
        Step(id="a", quadrants=[(0, 0), (0, 1)], scaffold=[(1, 0), (1, 1)]),
        Step(id="b", quadrants=[(-1, 0), (-1, 1)], after=["a"]),
        Step(id="c", quadrants=[(2, 0), (2, 1)], after=["a"]),
    ]
    house.publish(*steps)
    leases = paint(worker)
    assert standing(house).keys() == {(-1, 0), (-1, 1), (0, 0), (0, 1), (2, 0), (2, 1)}
    assert {s.x for s in versions(house, 2, 0)[0].saw} == {1}
    assert leases and stale(house) == set()


def test_a_result_shown_an_older_neighbour_comes_onto_the_map_stale(house: House, worker: Peer) -> None:
    house.publish(island(0, 0), id="first")
    paint(worker)
    house.publish(Step(id="b", quadrants=BRIDGE), id="second")
    worker.work_off("render")
    lease = worker.lease("generate")
    body, images = painted(worker, lease)
    assert len(seen(worker, lease)) == 2
    # Nobody can do this while the plan is at work; a meddler with the database could.
    house.close()
    house.select("DELETE FROM tiles WHERE layer = 'generation' AND x = 1 AND y = 0")
    house.open()
    house.peer("work").ask(body, Acked, images)
    assert stale(house) == set(BRIDGE)
    change = [e.change for e in house.events() if isinstance(e.change, JobChange) and e.change.tiles][-1]
    assert [tile.stale for tile in change.tiles] == [True, True]


def test_what_is_stale_stays_known_when_old_versions_are_pruned(
    house: House, worker: Peer, control: Peer, clock: Clock
) -> None:
    house.publish(island(0, 0), id="first")
    paint(worker)
    repaired(house, worker)
    left = {(0, 0), (0, 1)}
    assert stale(house) == left
    house.publish(island(20, 0), id="last")
    paint(worker)
    clock.forward(1_000)
    pruned = control.ask(Prune(older_than_seconds=500, versions=True), Pruned)
    assert (pruned.plans, pruned.versions) == (2, 0)
    last = standing(house)[0, 0]
    revert(house, 0, 0, 0)
    revert(house, 0, 0, last)
    assert stale(house) == left
