"""What has not ended as plans that another world takes up, with the same result."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from protocol.control import CancelJob, Changed
from protocol.ingest import Accepted, Publish
from protocol.order import Export, Exported
from protocol.plan import Plan, Step
from protocol.region import Fill
from protocol.work import Nack, Nacked
from services.keeper import exports
from tests.keeper.house import House, Peer, island, opened


@pytest.fixture
def other(short: Path) -> Iterator[House]:
    folder = short / "o"
    folder.mkdir()
    with opened(folder) as house:
        yield house


def exported(control: Peer, plan: str | None = None) -> list[Plan]:
    cursor, found = 0, []
    while True:
        page = control.ask(Export(plan=plan, cursor=cursor), Exported)
        if page.plan is not None:
            found.append(page.plan)
        if not (cursor := page.cursor):
            return found


def standing(house: House) -> set[tuple[int, int]]:
    return {(tile.x, tile.y) for tile in house.map().tiles if tile.layer == "generation"}


def test_another_world_with_the_same_map_goes_on(house: House, other: House, control: Peer) -> None:
    steps = [
        island(0, 0, "a", prompt="a harbour"),
        island(3, 0, "b"),
        Step(id="bridge", quadrants=[(2, 0), (2, 1)], after=["a", "b"], negative_prompt="no boats"),
    ]
    for world in (house, other):
        world.publish(island(20, 0), id="before")
        world.peer("work").work_off()
    house.publish(*steps, id="p", name="Docks", prompt="a city", priority=7)
    worker = house.peer("work")
    worker.work_off("render")
    lease = worker.lease("generate")
    worker.ask(Nack(job=lease.job, token=lease.token, error_class="rejected", reason="No."), Nacked)
    house.publish(island(40, 0), id="q", lane="interactive")

    plans = exported(control)
    assert [plan.id for plan in plans] == ["p", "q"]
    first = plans[0]
    assert (first.name, first.lane, plans[1].lane) == ("Docks", "bulk", "interactive")
    # What failed is to be done again elsewhere.
    assert [(step.id, step.after) for step in first.steps] == [("a", []), ("b", []), ("bridge", ["a", "b"])]
    for plan in plans:
        other.peer("ingest").ask(Publish(plan=plan), Accepted)
    told = {job.step: (job.prompt, job.negative_prompt) for job in other.jobs(plan="p", kind="generate")}
    mine = {job.step: (job.prompt, job.negative_prompt) for job in house.jobs(plan="p", kind="generate")}
    assert told == mine
    other.peer("work").work_off()
    assert standing(other) >= {(x, y) for x in range(5) for y in range(2)}
    assert exported(other.peer("control")) == []


def test_what_is_done_or_called_off_is_not_told_nor_what_waits_behind_that(
    house: House, worker: Peer, control: Peer
) -> None:
    house.publish(
        island(0, 0, "a"),
        island(3, 0, "b"),
        Step(id="bridge", quadrants=[(2, 0), (2, 1)], after=["a", "b"]),
        island(20, 0, "c"),
        id="p",
    )
    worker.work_off("render")
    worker.ack(worker.lease("generate"))
    (b,) = [job for job in house.jobs(kind="generate") if job.step == "b"]
    control.ask(CancelJob(job=b.job), Changed)
    (plan,) = exported(control)
    assert [step.id for step in plan.steps] == ["c"]
    assert exported(control, "p") == [plan]


def test_a_large_plan_comes_in_parts(house: House, control: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "PART_STEPS", 2)
    house.publish(*[island(10 * i, 0, f"s{i}") for i in range(5)], id="p")
    house.publish(island(80, 0, "other"), id="q")
    parts = exported(control)
    assert [[step.id for step in part.steps] for part in parts] == [
        ["s0", "s1"],
        ["s2", "s3"],
        ["s4"],
        ["other"],
    ]
    assert [part.id for part in parts] == ["p", "p", "p", "q"]


def test_ground_with_scaffold_is_planned_anew(
    house: House, other: House, control: Peer, worker: Peer
) -> None:
    """Four in a row: after two calls scaffold stands beside the line, which no other world has."""
    control.ask(Fill(plan="f", rectangle=(0, 0, 3, 0)), Accepted)
    worker.work_off("render")
    worker.ack(worker.lease("generate"))
    other.publish(Step(id="s", quadrants=[(0, 0), (1, 0)], padding=[(0, 1), (1, 1)]), id="before")
    other.peer("work").work_off()
    assert standing(house) == standing(other) == {(0, 0), (1, 0)}

    (plan,) = exported(control)
    assert {cell for step in plan.steps for cell in step.quadrants} == {(2, 0), (3, 0)}
    other.peer("ingest").ask(Publish(plan=plan), Accepted)
    other.peer("work").work_off()
    assert standing(other) == {(x, 0) for x in range(4)}
