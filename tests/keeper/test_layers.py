"""Other layers than `generation`: each with seams, reservations and a history of its own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from protocol.control import CancelJob, Changed, GetMap, ListPlans, MapView, Plans, RetryPlan
from protocol.errors import Code
from protocol.ingest import Accepted, PartTaken, PlanBegin, PlanCommit, PlanPart, Publish
from protocol.message import Error
from protocol.order import Edit, Export, Exported, Prune, Pruned, Revert, Reverted, RevertPlan
from protocol.plan import PlanHead, Step
from protocol.region import Fill, Generate, Planned, Replan
from protocol.work import GenerateWork, Lease, Nack, Nacked
from services.keeper import intake, panorama, whereabouts
from tests.keeper.house import CONFIG, Clock, House, Peer, island, opened, until
from tests.keeper.witness import paint, painted, stale, standing, versions

REMOTE = {"provider": "oxen", "api_key": "literal"}
MODELS = [
    *CONFIG["models"],
    {"name": "Night", "model_id": "night", "output_layer": "dark", "input_layer": "generation", **REMOTE},
    {"name": "Snow", "model_id": "snow", "output_layer": "snow", **REMOTE},
    {"name": "Frost", "model_id": "frost", "output_layer": "snow", "input_layer": "dark", **REMOTE},
]
ISLAND = {(0, 0), (1, 0), (0, 1), (1, 1)}


@pytest.fixture
def house(short: Path) -> Iterator[House]:
    with opened(short, models=MODELS) as house:
        yield house


@pytest.fixture
def clock(house: House) -> Clock:
    return house.clock


@pytest.fixture
def day(house: House, worker: Peer) -> House:
    """An island that stands in `generation`."""
    house.publish(island(0, 0), id="day")
    paint(worker)
    return house


@pytest.fixture
def night(day: House, worker: Peer) -> House:
    """The same island in `dark` as well, drawn from what stands in `generation`."""
    day.publish(island(0, 0), id="night", model_id="night")
    paint(worker)
    return day


def work_of(lease: Lease) -> GenerateWork:
    assert isinstance(lease.work, GenerateWork)
    return lease.work


def states(house: House, plan: str) -> list[str]:
    return [job.state for job in house.jobs(plan=plan, kind="generate")]


def test_a_layer_is_drawn_from_another_and_stands_beside_it(day: House, worker: Peer) -> None:
    before = standing(day)
    day.publish(island(0, 0), id="night", model_id="night")
    lease = worker.lease("generate")
    assert (work_of(lease).layer, work_of(lease).input_layer) == ("dark", "generation")
    body, images = painted(worker, lease)
    worker.exchange(body, images)
    assert standing(day) == before
    assert set(standing(day, layer="dark")) == ISLAND
    (version,) = versions(day, 0, 0, "dark")
    assert version.current and {(one.layer, one.version) for one in version.saw} == {
        ("generation", number) for number in before.values()
    }
    assert day.status().layers == {"dark": 4, "generation": 4}
    assert [job.layer for job in day.jobs(plan="night", kind="generate")] == ["dark"]


@pytest.mark.parametrize("few", [1_000, 0], ids=["few", "many"])
def test_a_map_of_some_layers_has_their_tiles_and_jobs_alone(
    day: House, control: Peer, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(whereabouts, "FEW", few)
    day.publish(island(0, 0), id="night", model_id="night")
    day.publish(island(0, 0), island(8, 0, "s2"), id="white", model_id="snow")

    def seen(*layers: str) -> tuple[set[str], set[str]]:
        wanted = GetMap(bounds=(-9, -9, 19, 9), layers=list(layers) or None)
        view = control.ask(wanted, MapView)
        return {tile.layer for tile in view.tiles}, {f"{job.kind} {job.layer}".strip() for job in view.jobs}

    snow, dark, render = "generate snow", "generate dark", "render"
    assert seen() == ({"render", "generation"}, {render, dark, snow})
    assert seen("snow") == (set(), {snow})
    assert seen("dark", "generation") == ({"generation"}, {dark})
    assert seen("render") == ({"render"}, {render})


def test_what_is_handed_in_for_another_layer_is_refused(day: House, worker: Peer) -> None:
    day.publish(island(0, 0), id="night", model_id="night")
    body, images = painted(worker, worker.lease("generate"))
    tiles = [tile.model_copy(update={"layer": "generation"}) for tile in body.tiles]
    refusal = worker.ask(body.model_copy(update={"tiles": tiles}), Error, images)
    assert (refusal.code, "dark 0,0 is missing" in refusal.message) == (Code.BAD_IMAGE, True)


def test_the_seam_rules_hold_for_each_layer_by_itself(day: House, worker: Peer) -> None:
    # In `generation` the island is in the way of another right beside it, in `snow` there is nothing yet.
    assert day.refused(island(2, 0), id="beside").code is Code.SEAM
    day.publish(island(2, 0), id="white", model_id="snow")
    paint(worker)
    assert day.refused(island(0, 0), id="white2", model_id="snow").code is Code.SEAM
    assert set(standing(day, layer="snow")) == {(2, 0), (3, 0), (2, 1), (3, 1)}


def test_two_plans_on_the_same_ground_conflict_only_in_the_same_layer(house: House, worker: Peer) -> None:
    house.publish(island(0, 0), id="day")
    house.publish(island(0, 0), id="white", model_id="snow")
    for model, taken in (("plain", "day"), ("snow", "white")):
        refusal = house.refused(island(1, 0), id="late", model_id=model)
        assert (refusal.code, taken in refusal.message) == (Code.CONFLICT, True)
    paint(worker)
    assert set(standing(house)) == set(standing(house, layer="snow")) == ISLAND


def test_a_plan_waits_for_the_layer_it_reads_quadrant_by_quadrant(house: House, worker: Peer) -> None:
    house.publish(island(0, 0), island(10, 0, id="far"), id="day")
    house.publish(island(0, 0), island(10, 0, id="far"), id="night", model_id="night")
    worker.work_off("render")
    assert states(house, "night") == ["blocked", "blocked"]
    first = worker.lease("generate")
    worker.ack(first)
    other = worker.lease("generate")
    assert work_of(other).layer == "generation" and states(house, "night") == ["pending", "blocked"]
    dark = worker.lease("generate")
    assert (dark.plan, work_of(dark).quadrants) == ("night", work_of(first).quadrants)


def test_what_another_layer_is_about_to_draw_cannot_be_read(house: House) -> None:
    house.publish(island(0, 0), id="white", model_id="snow")
    refusal = house.refused(island(0, 0), id="night", model_id="night")
    assert refusal.code is Code.WRONG_STATE
    assert refusal.message.startswith("Step s1 draws from generation, where 0,0")


def test_what_is_not_there_to_be_read_is_refused_or_left_out(day: House, control: Peer) -> None:
    refusal = day.refused(island(4, 0), id="night", model_id="night")
    assert refusal.code is Code.WRONG_STATE
    assert refusal.message.startswith("Step s1 draws from generation, where 4,0")
    region = Fill(plan="night", rectangle=(0, 0, 3, 1), model_id="night")
    accepted = control.ask(region, Accepted)
    assert {one.quadrant for one in accepted.left_out} == {(2, 0), (3, 0), (2, 1), (3, 1)}
    assert "It would be drawn from generation" in accepted.left_out[0].reason
    nowhere = control.ask(Fill(plan="far", rectangle=(20, 0, 22, 1), model_id="night"), Error)
    assert (nowhere.code, "No quadrant" in nowhere.message) == (Code.WRONG_STATE, True)


def test_what_is_taken_off_before_it_is_read_blocks_the_step_until_it_is_back(
    day: House, worker: Peer, control: Peer
) -> None:
    (version,) = versions(day, 0, 0)
    day.publish(island(0, 0), id="night", model_id="night")
    control.ask(Revert(x=0, y=0, version=0), Reverted)
    assert worker.ready("generate") is None
    (job,) = day.jobs(plan="night", kind="generate")
    assert job.state == "blocked" and "There is nothing to draw it from: 0,0 of generation" in job.reason
    control.ask(Revert(x=0, y=0, version=version.version), Reverted)
    assert control.ask(RetryPlan(plan="night"), Changed).jobs == 1
    paint(worker)
    assert set(standing(day, layer="dark")) == ISLAND


def test_a_step_whose_source_failed_is_held_and_goes_on_with_it(
    house: House, worker: Peer, control: Peer
) -> None:
    house.publish(island(0, 0), id="day")
    house.publish(island(0, 0), id="night", model_id="night")
    worker.work_off("render")
    lease = worker.lease("generate")
    failed = Nack(job=lease.job, token=lease.token, error_class="rejected", reason="No.", retry=False)
    worker.ask(failed, Nacked)
    (job,) = house.jobs(plan="night", kind="generate")
    assert (job.state, job.held) == ("blocked", True)
    assert house.refused(island(0, 0), id="again", model_id="frost").code is Code.WRONG_STATE
    control.ask(RetryPlan(plan="night"), Changed)
    paint(worker)
    assert set(standing(house, layer="dark")) == ISLAND


def test_a_layer_is_stale_when_what_it_was_drawn_from_is_replaced(
    night: House, worker: Peer, control: Peer
) -> None:
    night.publish(island(0, 0), id="anew", repair=sorted(ISLAND))
    paint(worker)
    assert (stale(night), stale(night, "dark")) == (set(), ISLAND)
    control.ask(RevertPlan(plan="anew"), Reverted)
    assert stale(night, "dark") == set()


def test_history_is_kept_and_brought_back_layer_by_layer(night: House, worker: Peer, control: Peer) -> None:
    (light,), (dark,) = versions(night, 1, 1), versions(night, 1, 1, "dark")
    wrong = control.ask(Revert(x=1, y=1, version=dark.version, layer="generation"), Error)
    assert wrong.code is Code.UNKNOWN_TILE
    assert control.ask(Revert(x=1, y=1, version=0, layer="dark"), Reverted).quadrants == 1
    assert set(standing(night, layer="dark")) == ISLAND - {(1, 1)} and set(standing(night)) == ISLAND
    assert control.ask(Revert(x=1, y=1, version=dark.version), Reverted).quadrants == 1
    assert standing(night, (1, 1), layer="dark") == {(1, 1): dark.version}
    assert control.ask(RevertPlan(plan="night"), Reverted).quadrants == 4
    assert standing(night, layer="dark") == {} and standing(night, (1, 1)) == {(1, 1): light.version}
    assert control.ask(Revert(x=1, y=1, version=0, layer="depth"), Error).code is Code.BAD_REQUEST


def test_repairs_and_scaffold_are_of_one_layer(night: House, worker: Peer) -> None:
    light = standing(night)
    edge = [(1, 0), (1, 1)]
    night.publish(Step(id="r", quadrants=edge), id="r", model_id="night", repair=edge)
    paint(worker)
    assert standing(night) == light
    assert [one.plan for one in versions(night, 1, 0, "dark")] == ["r", "night"]
    # A 1×3 in an empty layer takes scaffold, which `generation` never sees.
    night.publish(Step(id="s", quadrants=[(0, 0), (0, 1)], scaffold=edge), id="s", model_id="snow")
    paint(worker)
    assert set(standing(night, layer="snow")) == {(0, 0), (0, 1)} and standing(night) == light


def test_padding_without_a_source_is_drawn_from_the_render(day: House, worker: Peer, control: Peer) -> None:
    control.ask(Revert(x=1, y=1, version=0), Reverted)
    asked = Generate(plan="n", quadrants=[(0, 0), (1, 0), (0, 1)], model_id="night")
    assert control.ask(asked, Error).code is Code.BAD_PLAN
    step = Step(id="s", quadrants=[(0, 0), (1, 0), (0, 1)], padding=[(1, 1)])
    day.publish(step, id="n", model_id="night")
    paint(worker)
    assert set(standing(day, layer="dark")) == ISLAND - {(1, 1)}


def test_a_plan_draws_one_layer_and_so_do_its_jobs(day: House, control: Peer) -> None:
    mixed = [island(10, 0, id="a"), island(20, 0, id="b", model_id="snow")]
    refusal = day.refused(*mixed, id="mixed", model_id="plain")
    assert refusal.code is Code.BAD_PLAN and "each layer takes a plan of its own" in refusal.message
    day.publish(island(0, 0), id="night", model_id="night")
    (job,) = day.jobs(plan="night", kind="generate")
    for model in ("plain", "snow", "frost"):
        refusal = control.ask(Edit(jobs=[job.job], model_id=model), Error)
        assert (refusal.code, "draws dark from generation" in refusal.message) == (Code.WRONG_STATE, True)


def test_a_job_keeps_its_layer_whatever_becomes_of_the_model(day: House, worker: Peer) -> None:
    day.publish(island(0, 0), id="night", model_id="night")
    changed: list[dict[str, Any]] = [
        {**model, "output_layer": "dusk"} if model["model_id"] == "night" else model
        for model in MODELS
        if model["model_id"] != "frost"
    ]
    day.take_over(day.config.model_validate({**CONFIG, "models": changed}).told({}))
    paint(worker)
    assert set(standing(day, layer="dark")) == ISLAND
    assert day.peer("control").ask(Replan(plan="night", id="n"), Error).code is Code.WRONG_STATE
    day.publish(island(0, 0), id="dusk", model_id="night")
    paint(worker)
    assert set(standing(day, layer="dusk")) == ISLAND


def test_what_is_left_is_exported_in_its_layer(day: House, worker: Peer, control: Peer) -> None:
    day.publish(island(0, 0), id="night", model_id="night")
    exported = control.ask(Export(plan="night"), Exported)
    assert exported.plan is not None and exported.plan.model_id == "night"
    (job,) = day.jobs(plan="night", kind="generate")
    control.ask(CancelJob(job=job.job), Changed)
    # It is published again as it is, under the id of another world's plan.
    again = exported.plan.model_copy(update={"id": "elsewhere"})
    day.peer("ingest").ask(Publish(plan=again), Accepted)
    assert control.ask(Replan(plan="night", id="n"), Error).code is Code.CONFLICT
    paint(worker)
    assert {one.plan for one in versions(day, 0, 0, "dark")} == {"elsewhere"}


def test_a_restart_changes_nothing(day: House, worker: Peer) -> None:
    day.publish(island(0, 0), id="night", model_id="night")
    day.close()
    day.open()
    worker = day.peer("work")
    assert work_of(worker.lease("generate")).input_layer == "generation"
    day.close()
    assert day.select("SELECT layer FROM plans ORDER BY rowid") == [("generation",), ("dark",)]
    rows = day.select("SELECT DISTINCT kind, layer, input_layer FROM generation_queue ORDER BY kind, layer")
    assert rows == [
        ("generate", "dark", "generation"),
        ("generate", "generation", "render"),
        ("render", "", ""),
    ]
    day.open()


def test_a_large_plan_reads_wide_ground_and_is_put_in_from_a_file(
    house: House, control: Peer, worker: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("WIDE", 20), ("LITTLE", 0), ("CELLS", 60), ("JOBS", 3)):
        monkeypatch.setattr(panorama, name, value)
    monkeypatch.setattr("services.keeper.drawing.AT_ONCE", 3)
    monkeypatch.setattr(intake, "SMALL", 1)
    control.ask(Fill(plan="day", rectangle=(0, 0, 7, 7)), Accepted)
    until(lambda: len(house.jobs(plan="day", kind="generate")) > 10, "the plan to be in the queue")
    until(
        lambda: all(not p.jobs > p.entered for p in control.ask(ListPlans(), Plans).plans), "it to be whole"
    )
    worker.work_off("render")
    worker.ack(worker.lease("generate"))
    accepted = control.ask(Fill(plan="night", rectangle=(0, 0, 8, 7), model_id="night"), Accepted)
    assert accepted.left_out_count == 8
    until(lambda: states(house, "night") and len(states(house, "night")) <= len(accepted.jobs), "its jobs")
    until(lambda: len(house.jobs(plan="night")) == len(accepted.jobs), "all of its jobs")
    assert {job.layer for job in house.jobs(plan="night", kind="generate")} == {"dark"}
    paint(worker)
    whole = {(x, y) for x in range(8) for y in range(8)}
    assert set(standing(house)) == set(standing(house, layer="dark")) == whole


def test_a_plan_in_parts_knows_its_layer(day: House, control: Peer) -> None:
    ingest = day.peer("ingest")
    steps = [island(0, 0, model_id="night")]
    ingest.ask(PlanBegin(plan=PlanHead(id="night"), steps=1), PartTaken)
    ingest.ask(PlanPart(plan="night", first=0, steps=steps), PartTaken)
    day.close()
    day.open()
    ingest = day.peer("ingest")
    ingest.ask(PlanCommit(plan="night"), Accepted)
    assert [job.layer for job in day.jobs(plan="night", kind="generate")] == ["dark"]


def test_pruning_keeps_what_another_layer_was_drawn_from(night: House, worker: Peer, clock: Clock) -> None:
    night.publish(island(0, 0), id="anew", repair=sorted(ISLAND))
    paint(worker)
    night.publish(island(0, 0), id="again", repair=sorted(ISLAND))
    paint(worker)
    night.publish(island(20, 20), id="last")
    paint(worker)
    clock.forward(1000)
    prune = Prune(older_than_seconds=10, versions=True)
    night.peer("control").ask(prune, Pruned)
    night.peer("control").ask(prune, Pruned)
    # The first stays, by which it is known that what was drawn from it is stale; the second saw nobody.
    assert [one.plan for one in versions(night, 0, 0)] == ["again", "day"]
    assert stale(night, "dark") == ISLAND


def test_dry_runs_are_of_a_layer_too(day: House, control: Peer) -> None:
    planned = control.ask(Fill(plan="d", rectangle=(0, 0, 1, 1), model_id="night", dry_run=True), Planned)
    assert len(planned.steps) == 1
    planned = control.ask(Fill(plan="d", rectangle=(0, 0, 1, 1), dry_run=True), Planned)
    assert planned.steps == []


def test_plans_of_three_layers_follow_each_other(house: House, worker: Peer) -> None:
    for plan, model in (("day", "plain"), ("night", "night"), ("frost", "frost")):
        assert isinstance(house.publish(island(0, 0), id=plan, model_id=model), Accepted)
    paint(worker)
    assert set(standing(house, layer="snow")) == ISLAND
    assert {one.layer for one in versions(house, 0, 0, "snow")[0].saw} == {"dark"}
