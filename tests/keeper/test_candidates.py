"""Candidates: one call by several models and seeds, kept off the map until one is chosen."""

from pathlib import Path
from typing import Any

import pytest

from protocol.control import CancelJob, CancelPlan, Changed, ListPlans, Plans
from protocol.errors import Code
from protocol.event import JobChange, LateChange
from protocol.ingest import Accepted
from protocol.message import Error
from protocol.order import (
    Adopt,
    Candidates,
    Deleted,
    DeleteOrphan,
    Export,
    Exported,
    ListCandidates,
    ListOrphans,
    Orphans,
    Revert,
    Reverted,
    RevertPlan,
)
from protocol.plan import Step
from protocol.region import Compare, Replan
from protocol.view import CandidateView
from protocol.work import Acked, Fetch, GenerateWork, Nack, Nacked, Pixels, SeamScore
from tests.keeper.house import CONFIG, Clock, House, Peer, island, opened, until
from tests.keeper.witness import paint, painted, sha_of, stale, standing, versions

ISLAND = [(0, 0), (1, 0), (0, 1), (1, 1)]
BRIDGE = [(2, 0), (2, 1)]


def ask(house: House, quadrants: list[tuple[int, int]], *seeds: int, **given: Any) -> Accepted:
    given = {"plan": "c", "models": ["plain"], **given}
    request = Compare(quadrants=quadrants, seeds=list(seeds), **given)
    return house.peer("control").ask(request, Accepted)


def refused(house: House, quadrants: list[tuple[int, int]], **given: Any) -> Error:
    given = {"plan": "c", "models": ["plain"], **given}
    return house.peer("control").ask(Compare(quadrants=quadrants, **given), Error)


def candidates(house: House, plan: str | None = None) -> list[CandidateView]:
    return house.peer("control").ask(ListCandidates(plan=plan), Candidates).candidates


def adopt(house: House, candidate: CandidateView) -> Reverted:
    return house.peer("control").ask(Adopt(orphan=candidate.orphan), Reverted)


def not_adopted(house: House, candidate: CandidateView) -> Error:
    return house.peer("control").ask(Adopt(orphan=candidate.orphan), Error)


def compared(house: House, quadrants: list[tuple[int, int]], *seeds: int) -> list[CandidateView]:
    """Candidates of one model, all of them made."""
    ask(house, quadrants, *seeds)
    paint(house.peer("work"), calls=1, cost=0.5)
    return candidates(house)


def test_candidates_are_the_same_call_by_each_model_and_seed(house: House, worker: Peer) -> None:
    accepted = ask(house, ISLAND, 7, 8, models=["plain", "pixel-art"], prompt="a harbour")
    assert [(c.model_id, c.seed) for c in candidates(house)] == [
        ("plain", 7),
        ("plain", 8),
        # Pixel art knows no chance: another seed would make the same picture.
        ("pixel-art", None),
    ]
    worker.work_off("render", "palette")
    leases = [worker.lease("generate") for _ in range(3)]
    works = [lease.work for lease in leases if isinstance(lease.work, GenerateWork)]
    assert [(work.model_id, work.seed, work.prompt) for work in works] == [
        ("plain", 7, "a harbour"),
        ("plain", 8, "a harbour"),
        ("pixel-art", None, "a harbour"),
    ]
    assert {(work.x, work.y, *work.quadrants) for work in works} == {(0, 0, *ISLAND)}
    assert {lease.job for lease in leases} < set(accepted.jobs)


def test_what_they_make_is_kept_and_not_on_the_map(house: House, worker: Peer) -> None:
    found = compared(house, ISLAND, 1, 2)
    assert [(c.state, c.adoptable, c.adopted, c.reason) for c in found] == [("complete", True, False, "")] * 2
    assert standing(house) == {}
    for candidate in found:
        images = worker.exchange(Fetch(orphan=candidate.orphan))
        assert isinstance(images.body, Pixels)
        assert {(ref.x, ref.y, ref.sha256) for ref in images.body.tiles} == {
            (x, y, sha_of(candidate.job)) for x, y in ISLAND
        }
    [plan] = house.peer("control").ask(ListPlans(), Plans).plans
    assert (plan.name, plan.settled, plan.stuck, plan.cost) == ("Comparison at 0,0", True, False, 1.0)
    # They did not come too late.
    assert house.peer("control").ask(ListOrphans(), Orphans).orphans == []
    assert (house.status().orphans, house.status().candidates) == (0, 2)
    assert not [event for event in house.events() if isinstance(event.change, LateChange)]


def test_the_same_request_again_changes_nothing(house: House) -> None:
    first = ask(house, ISLAND, 1, 2)
    again = ask(house, ISLAND, 1, 2)
    assert (again.duplicate, again.jobs) == (True, first.jobs)
    assert len(candidates(house)) == 2


def test_the_chosen_one_comes_onto_the_map_as_what_its_job_made(house: House) -> None:
    _, chosen = compared(house, ISLAND, 1, 2)
    last = house.events()[-1].seq
    assert adopt(house, chosen).quadrants == 4
    assert standing(house).keys() == set(ISLAND)
    version = versions(house, 0, 0)[0]
    assert (version.sha256, version.job, version.plan) == (sha_of(chosen.job), chosen.job, "c")
    assert (version.model_id, version.cost, version.worker) == ("plain", 0.5, "witness")
    [change] = [e.change for e in house.events(last) if isinstance(e.change, JobChange)]
    assert (change.job, change.state, len(change.tiles)) == (chosen.job, "complete", 4)
    assert adopt(house, chosen) == Reverted(quadrants=0)
    assert [(c.adopted, c.adoptable) for c in candidates(house)] == [(False, True), (True, False)]
    # To choose one makes no call.
    house.close()
    assert house.select("SELECT sum(calls), sum(cost) FROM generation_queue") == [(2, 1.0)]


def test_another_one_may_be_chosen_after_all(house: House, worker: Peer) -> None:
    first, second = compared(house, ISLAND, 1, 2)
    adopt(house, first)
    assert adopt(house, second).quadrants == 4
    assert {v.sha256 for v in versions(house, 1, 1) if v.current} == {sha_of(second.job)}
    assert len(versions(house, 1, 1)) == 2
    assert stale(house) == set()


def test_a_plan_that_gave_way_to_its_own_goes_back_to_what_was_before(house: House, worker: Peer) -> None:
    house.publish(island(0, 0), id="first")
    paint(worker)
    before = standing(house)
    for candidate in compared(house, ISLAND, 1, 2):
        adopt(house, candidate)
    assert house.status().candidates == 0
    reverted = house.peer("control").ask(RevertPlan(plan="c"), Reverted)
    assert (reverted.quadrants, reverted.skipped) == (4, 0)
    assert standing(house) == before


def test_once_something_was_built_beside_the_chosen_one_it_stays(house: House, worker: Peer) -> None:
    first, second = compared(house, ISLAND, 1, 2)
    adopt(house, first)
    house.publish(Step(id="b", quadrants=BRIDGE), id="bridge")
    paint(worker)
    refusal = not_adopted(house, second)
    assert refusal.code == Code.SEAM
    assert candidates(house)[1].reason == refusal.message


def test_they_take_no_ground(house: House, worker: Peer) -> None:
    ask(house, ISLAND, 1, 2)
    assert {job.kind for job in house.map().jobs} == {"render"}
    house.publish(island(0, 0), id="real")
    worker.work_off("render")
    leases = [worker.lease("generate") for _ in range(3)]
    for lease in leases:
        body, images = painted(worker, lease)
        worker.ask(body, Acked, images)
    assert {v.plan for v in versions(house, 0, 0)} == {"real"}
    for candidate in candidates(house):
        assert not candidate.adoptable
        assert not_adopted(house, candidate).code == Code.SEAM
    assert {v.plan for v in versions(house, 0, 0)} == {"real"}


def test_where_the_map_has_changed_before_its_turn_none_is_paid_for(house: House, worker: Peer) -> None:
    ask(house, ISLAND, 1, 2, lane="bulk")
    house.publish(island(0, 0), id="real", lane="interactive")
    paint(worker)
    assert {v.plan for v in versions(house, 0, 0)} == {"real"}
    assert {(c.state, c.orphan) for c in candidates(house)} == {("blocked", 0)}
    assert all("already" in c.reason for c in candidates(house)), candidates(house)[0].reason


def test_one_that_is_chosen_does_not_keep_the_others_from_being_made(house: House, worker: Peer) -> None:
    ask(house, ISLAND, 1, 2)
    worker.work_off("render")
    body, images = painted(worker, worker.lease("generate"))
    worker.ask(body, Acked, images)
    first, second = candidates(house)
    adopt(house, first)
    paint(worker)
    made = candidates(house)[1]
    assert (made.job, made.state, made.adoptable) == (second.job, "complete", True)
    adopt(house, made)
    assert versions(house, 0, 0)[0].job == second.job


def test_a_neighbour_drawn_anew_makes_them_unfit(house: House, worker: Peer) -> None:
    house.publish(island(0, 0), id="first")
    paint(worker)
    found = compared(house, BRIDGE, 1, 2)
    assert all(c.adoptable for c in found)
    house.publish(Step(id="r", quadrants=[(1, 0), (1, 1)]), id="third", repair=[(1, 0), (1, 1)])
    # While that plan is at work, nobody knows what will stand there.
    assert not_adopted(house, found[0]).code == Code.CONFLICT
    paint(worker)
    refusal = not_adopted(house, found[0])
    assert refusal.code == Code.SEAM
    assert "without seeing 1,0, 1,1" in refusal.message
    assert standing(house).keys() == set(ISLAND)


def test_finished_quadrants_are_compared_as_if_nothing_stood_there(house: House, worker: Peer) -> None:
    house.publish(island(0, 0), id="first")
    paint(worker)
    before = standing(house)
    found = compared(house, ISLAND, 1, 2)
    assert standing(house) == before
    adopt(house, found[1])
    assert {v.sha256 for v in versions(house, 0, 0) if v.current} == {sha_of(found[1].job)}
    control = house.peer("control")
    control.ask(Revert(x=0, y=0, version=before[0, 0]), Reverted)
    assert standing(house)[0, 0] == before[0, 0]


def test_a_single_quadrant_is_padded_where_that_is_the_only_way(house: House) -> None:
    [candidate] = compared(house, [(0, 0)])
    assert (len(candidate.padding), [(t.x, t.y) for t in candidate.tiles]) == (3, [(0, 0)])
    assert adopt(house, candidate).quadrants == 1


def test_called_off_or_deleted_it_is_gone(house: House, control: Peer) -> None:
    ask(house, ISLAND, 1, 2, 3)
    control.ask(CancelJob(job=candidates(house)[0].job), Changed)
    paint(house.peer("work"))
    _, kept = found = candidates(house)
    for _ in range(2):
        control.ask(DeleteOrphan(orphan=found[0].orphan), Deleted)
    assert candidates(house) == [kept]
    assert not_adopted(house, found[0]).code == Code.UNKNOWN_ORPHAN


def test_one_that_failed_says_why(house: House, worker: Peer) -> None:
    ask(house, ISLAND, 1)
    worker.work_off("render")
    lease = worker.lease("generate")
    nack = Nack(job=lease.job, token=lease.token, error_class="moderated", reason="Not that.", retry=False)
    worker.ask(nack, Nacked)
    [candidate] = candidates(house)
    assert (candidate.state, candidate.orphan, candidate.reason) == ("error", 0, "Not that.")


def test_one_that_comes_too_late_is_a_candidate_still(house: House, worker: Peer, control: Peer) -> None:
    ask(house, ISLAND, 1)
    worker.work_off("render")
    lease = worker.lease("generate")
    control.ask(CancelPlan(plan="c"), Changed)
    body, images = painted(worker, lease)
    for _ in range(2):
        assert worker.ask(body, Error, images).code == Code.LEASE_LOST
    [candidate] = candidates(house)
    assert candidate.adoptable
    assert adopt(house, candidate).quadrants == 4


def test_it_outlives_the_keeper_and_a_worker_that_died(house: House, worker: Peer, clock: Clock) -> None:
    ask(house, ISLAND, 1, 2)
    worker.work_off("render")
    dead = worker.lease("generate")
    body, images = painted(worker, lease := worker.lease("generate"))
    worker.ask(body, Acked, images)
    house.close()
    house.open()
    # Its answer was lost with the keeper: it is handed in once more, and kept once.
    worker.ask(body, Acked, images)
    clock.forward(dead.expires_in + 1)
    until(lambda: house.job(dead.job).state == "pending", "the lease to run out")
    again = worker.lease("generate", worker="other")
    assert isinstance(again.work, GenerateWork)
    assert (again.job, again.work.seed) == (dead.job, 1)
    second, pixels = painted(worker, again)
    worker.ask(second, Acked, pixels)
    found = candidates(house)
    assert [(c.job, c.state) for c in found] == [(dead.job, "complete"), (lease.job, "complete")]
    assert adopt(house, found[0]).quadrants == 4


def test_the_score_of_its_seam_is_told_and_goes_along(house: House, worker: Peer) -> None:
    house.publish(island(0, 0), id="first")
    paint(worker)
    ask(house, BRIDGE, 1)
    seams = [SeamScore(x=2, y=0, score=0.5), SeamScore(x=2, y=1, score=2.5, flagged=True)]
    paint(worker, seams=seams)
    [candidate] = candidates(house)
    assert (candidate.seam, candidate.flagged) == (2.5, True)
    adopt(house, candidate)
    assert [(v.seam, v.flagged) for v in versions(house, 2, 1)] == [(2.5, True)]


def test_a_comparison_is_neither_planned_anew_nor_exported(house: House, control: Peer) -> None:
    ask(house, ISLAND, 1)
    paint(house.peer("work"))
    again = control.ask(Replan(plan="c", id="d"), Error)
    assert again.code == Code.WRONG_STATE
    ask(house, [(10, 0)], 1, plan="open")
    assert control.ask(Export(), Exported).plan is None


@pytest.mark.parametrize(
    ("given", "code", "told"),
    [
        ({"models": ["plain", "nothing"]}, Code.UNKNOWN_MODEL, "nothing"),
        ({"models": []}, Code.BAD_REQUEST, "models"),
        ({"models": ["plain"] * 4, "seeds": list(range(9))}, Code.BAD_REQUEST, "more than 32"),
        ({"seeds": [2**53]}, Code.BAD_REQUEST, "seeds"),
        ({"quadrants": [(0, 0), (5, 5)]}, Code.BAD_PLAN, "rectangle"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    house: House, given: dict[str, Any], code: Code, told: str
) -> None:
    asked = {"plan": "c", "models": ["plain"], "quadrants": [(0, 0)], **given}
    refusal = house.peer("control").ask(Compare.model_construct(**asked), Error)
    assert refusal.code == code
    assert told in refusal.message
    assert candidates(house) == []


def test_where_every_way_leaves_a_seam_none_is_made(house: House, worker: Peer) -> None:
    house.publish(island(0, 0), id="first")
    paint(worker)
    assert refused(house, [(2, 0), (3, 0)]).code == Code.SEAM
    assert candidates(house) == []


def test_ground_that_a_plan_needs_is_refused(house: House) -> None:
    house.publish(island(0, 0), id="first")
    assert refused(house, [(1, 1)]).code == Code.CONFLICT


NIGHT = {
    "name": "Night",
    "model_id": "night",
    "provider": "oxen",
    "api_key": "x",
    "output_layer": "night",
}


def test_what_changes_in_another_layer_makes_them_unfit_too(short: Path) -> None:
    models = [*CONFIG["models"], {**NIGHT, "input_layer": "generation"}]
    with opened(short, models=models) as house:
        control, worker = house.peer("control"), house.peer("work")
        for plan, model in (("day", "plain"), ("night", "night")):
            house.publish(island(0, 0), Step(id="b", quadrants=BRIDGE, after=["s1"]), id=plan, model_id=model)
        paint(worker)
        ask(house, BRIDGE, 1, 2, models=["night"])
        paint(worker)
        found = candidates(house, "c")
        assert [c.reason for c in found] == ["", ""]
        # What it was drawn from is another one now, then none at all, then the same again.
        before = standing(house)
        for number in range(2):
            house.publish(Step(id="r", quadrants=BRIDGE), id=f"r{number}", repair=BRIDGE)
            paint(worker)
            refusal = not_adopted(house, found[0])
            assert (refusal.code, "2,0, 2,1 of generation has changed" in refusal.message) == (
                Code.SEAM,
                True,
            )
            assert candidates(house, "c")[0].reason == refusal.message
        control.ask(Revert(x=2, y=0, version=0), Reverted)
        control.ask(Revert(x=2, y=1, version=before[2, 1]), Reverted)
        assert "from: 2,0 of generation has" in not_adopted(house, found[0]).message
        control.ask(Revert(x=2, y=0, version=before[2, 0]), Reverted)
        # A neighbour in `generation` is none of its own.
        edge = [(1, 0), (1, 1)]
        house.publish(Step(id="r", quadrants=edge), id="edge", repair=edge)
        paint(worker)
        assert [c.adoptable for c in candidates(house, "c")] == [True, True]
        house.publish(Step(id="r", quadrants=edge), id="dark", model_id="night", repair=edge)
        assert not_adopted(house, found[0]).code == Code.CONFLICT
        paint(worker)
        refusal = not_adopted(house, found[0])
        assert (refusal.code, "without seeing 1,0, 1,1" in refusal.message) == (Code.SEAM, True)


def test_another_layer_is_compared_by_itself(short: Path) -> None:
    with opened(short, models=[*CONFIG["models"], NIGHT]) as house:
        adopt(house, compared(house, ISLAND, 1)[0])
        ask(house, ISLAND, 1, 2, plan="n", models=["night"])
        paint(house.peer("work"))
        first, second = candidates(house, "n")
        assert {tile.layer for tile in first.tiles} == {"night"}
        assert (adopt(house, first).quadrants, adopt(house, second).quadrants) == (4, 4)
        stands = {(t.layer, t.version) for t in house.map().tiles if (t.x, t.y) == (0, 0)}
        assert {layer for layer, _ in stands} >= {"generation", "night"}
        mixed = refused(house, [(10, 0)], plan="m", models=["plain", "night"])
        assert mixed.code == Code.BAD_PLAN
        assert candidates(house, "m") == []
