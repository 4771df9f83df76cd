"""Regions filled: all that can be, what cannot with its reason, and on nobody else's ground."""

import pytest

from protocol.errors import Code
from protocol.ingest import Accepted, Publish
from protocol.message import Error
from protocol.plan import Plan, Step
from protocol.region import Fill, Generate, Planned
from tests.keeper.house import House, Peer, island
from tests.keeper.test_replan import fail, states

Cell = tuple[int, int]
HOLE = (2, 2)
ONE = Fill(plan="f", quadrants=[(0, 0)])


def drawn(planned: Planned) -> set[Cell]:
    return {cell for step in planned.steps for cell in step.quadrants}


def infills(planned: Planned) -> set[Cell]:
    return {cell for s in planned.steps for cell in (*s.quadrants, *s.padding, *s.scaffold)}


@pytest.fixture
def islands(house: House, worker: Peer) -> House:
    """
    A A . . .
    A A . B B
    . . o B B   Nothing can be drawn at o: any window that sees all that lies against it sees a hole.
    . C C . .
    . C C . .
    """
    house.publish(island(0, 0, "a"), island(3, 1, "b"), island(1, 3, "c"), id="islands")
    worker.work_off()
    return house


def test_any_set_of_quadrants_is_filled_and_nothing_else(house: House, worker: Peer, control: Peer) -> None:
    wanted = [(0, 0), (1, 0), (2, 0), (2, 1), (2, 2), (9, 9), (2, 0)]
    accepted = control.ask(Fill(plan="f", quadrants=wanted), Accepted)
    assert (accepted.left_out, accepted.left_out_count) == ([], 0)
    worker.work_off()
    on_map = {(tile.x, tile.y) for tile in house.map().tiles if tile.layer == "generation"}
    assert on_map == set(wanted)


def test_what_cannot_be_filled_is_left_out_with_its_reason(
    islands: House, worker: Peer, control: Peer
) -> None:
    fill = Fill(plan="f", rectangle=(0, 0, 4, 4))
    accepted = control.ask(fill, Accepted)
    assert accepted.left_out_count == len(accepted.left_out) > 0
    named = {left.quadrant for left in accepted.left_out}
    assert HOLE in named
    assert all(left.reason.endswith(".") for left in accepted.left_out)
    worker.work_off()
    on_map = {(tile.x, tile.y) for tile in islands.map().tiles if tile.layer == "generation"}
    assert on_map == {(x, y) for x in range(5) for y in range(5)} - named
    again = control.ask(fill, Accepted)
    assert (again.duplicate, again.left_out, again.left_out_count) == (
        True,
        accepted.left_out,
        accepted.left_out_count,
    )


def test_published_as_a_rectangle_it_is_the_same(islands: House, control: Peer) -> None:
    published = Publish(plan=Plan(id="p", rectangle=(0, 0, 4, 4)))
    planned = control.ask(published.model_copy(update={"dry_run": True}), Planned)
    assert control.ask(published, Accepted).left_out == planned.left_out
    assert len(islands.jobs(plan="p", kind="generate")) == len(planned.steps)


def test_with_repair_what_is_in_the_way_is_drawn_anew(islands: House, worker: Peer, control: Peer) -> None:
    asked = Fill(plan="f", quadrants=[HOLE], repair=True)
    planned = control.ask(asked.model_copy(update={"dry_run": True}), Planned)
    assert planned.left_out_count == 0
    assert planned.repaired
    assert drawn(planned) == {HOLE, *planned.repaired}
    control.ask(asked, Accepted)
    worker.work_off()
    assert set(states(islands, "f").values()) == {"complete"}
    on_map = {(tile.x, tile.y) for tile in islands.map().tiles if tile.layer == "generation"}
    assert len(on_map) == 13


def test_a_region_of_which_nothing_can_be_filled_is_refused(islands: House, control: Peer) -> None:
    before = islands.jobs(), len(islands.events())
    refusal = control.ask(Fill(plan="f", quadrants=[HOLE, (0, 0)]), Error)
    assert refusal.code == Code.SEAM
    assert "2,2: It would leave a seam" in refusal.message
    finished = control.ask(Fill(plan="f", quadrants=[(0, 0), (1, 1)]), Error)
    assert (finished.code, "finished already" in finished.message) == (Code.WRONG_STATE, True)
    assert (islands.jobs(), len(islands.events())) == before
    # Looked at beforehand, it is shown instead: nothing is to be done, and why.
    planned = control.ask(Fill(plan="f", quadrants=[HOLE, (0, 0)], dry_run=True), Planned)
    assert (planned.steps, planned.left_out_count, planned.left_out[0].quadrant) == ([], 1, HOLE)


@pytest.mark.parametrize(
    ("fill", "code", "says"),
    [
        (Fill(plan="f", quadrants=[]), Code.BAD_PLAN, "holds no quadrants"),
        (Fill(plan="f", rectangle=(0, 0, 1_000, 1_000)), Code.BAD_PLAN, "1,000,000 is the most"),
        (Fill(plan="f", rectangle=(0, 0, 999, 999)), Code.TOO_LARGE, "a plan has at most 100000"),
        (Fill(plan="f", quadrants=[(999_999, 0)]), Code.BAD_PLAN, "the edge of the world"),
        (Fill(plan="f", quadrants=[(0, -999_995)]), Code.BAD_PLAN, "the edge of the world"),
        (Fill(plan="f", quadrants=[(0, 0)], model_id="nope"), Code.UNKNOWN_MODEL, "There is no model nope"),
        (ONE.model_copy(update={"rectangle": (0, 0, 1, 1)}), Code.BAD_REQUEST, "a rectangle or quadrants"),
        (ONE.model_copy(update={"quadrants": None}), Code.BAD_REQUEST, "a rectangle or quadrants"),
    ],
)
def test_what_is_no_region_is_refused_whole(
    house: House, control: Peer, fill: Fill, code: Code, says: str
) -> None:
    for dry_run in (False, True):
        refusal = control.ask(fill.model_copy(update={"dry_run": dry_run}), Error)
        assert (refusal.code, says in refusal.message) == (code, True), refusal
    assert house.jobs() == []
    assert house.events() == []


def test_the_largest_region_at_the_edge_of_what_is_planned(house: House, control: Peer) -> None:
    control.ask(Fill(plan="f", quadrants=[(0, -999_992)]), Accepted)
    assert house.peer("work").work_off()


@pytest.mark.parametrize(
    "asked",
    [
        Fill(plan="f", rectangle=(-3, -3, -1, -1)),
        Fill(plan="f", quadrants=[(-9, -9), (2, 2)]),
        Publish(plan=Plan(id="f", rectangle=(2, 0, 9, 9))),
        Publish(plan=Plan(id="f", steps=[Step(id="s", quadrants=[(2, 0)], padding=[(2, 1)])])),
        Generate(plan="f", quadrants=[(2, 0)]),
        Generate(plan="f", quadrants=[(2, 2), (3, 2), (2, 3), (3, 3)]),
        Generate(plan="f", quadrants=[(-2, -2), (-1, -2), (-2, -1), (-1, -1)]),
    ],
    ids=lambda asked: asked.TYPE,
)
def test_reserved_ground_is_a_conflict_that_names_plan_and_quadrants(
    house: House, control: Peer, asked: Fill | Publish | Generate
) -> None:
    house.publish(island(0, 0), id="first")
    before = house.jobs(), len(house.events())
    refusal = control.ask(asked, Error)
    assert refusal.code == Code.CONFLICT
    hit = [f"{x},{y}" for x in (0, 1) for y in (0, 1) if f"{x},{y}" in refusal.message]
    assert "Plan first" in refusal.message
    assert refusal.details == f"first: {', '.join(hit)}"
    assert (house.jobs(), len(house.events())) == before


def test_scaffold_keeps_off_what_others_have_reserved(house: House, worker: Peer, control: Peer) -> None:
    """The call for a single quadrant overhangs it: never onto the ground of another plan or its halo."""
    house.publish(island(0, 0), id="first")
    halo = {(x, y) for x in range(-1, 3) for y in range(-1, 3)}
    for quadrant in ((3, 0), (-2, 1), (0, 3), (1, -2), (3, 3)):
        planned = control.ask(Fill(plan="f", quadrants=[quadrant], dry_run=True), Planned)
        assert drawn(planned) == {quadrant}
        assert infills(planned) & halo == set()
    control.ask(Fill(plan="f", quadrants=[(3, 0)]), Accepted)
    worker.work_off()
    assert set(states(house, "f").values()) == set(states(house, "first").values()) == {"complete"}


def test_what_failed_before_is_no_scaffold(house: House, worker: Peer, control: Peer) -> None:
    free = control.ask(Fill(plan="f", quadrants=[(0, 0)], dry_run=True), Planned)
    (over,) = infills(free) & {(1, 1), (-1, 1), (1, -1), (-1, -1)}
    row = (over[0], 2 * over[1])
    house.publish(
        Step(id="s", quadrants=[over], padding=[row, (2 * over[0], over[1]), (2 * over[0], row[1])]),
        id="failing",
    )
    worker.work_off("render")
    fail(worker, "generate")
    again = control.ask(Fill(plan="f", quadrants=[(0, 0)], dry_run=True), Planned)
    assert drawn(again) == {(0, 0)}
    assert over not in infills(again)
    asked = control.ask(Fill(plan="f", quadrants=[(0, 0), over], dry_run=True), Planned)
    assert over in drawn(asked)
