"""Staged plans: what is moved over from a file is what a small plan's jobs are put in as."""

import random
from contextlib import closing
from pathlib import Path
from typing import Any

from protocol.ingest import Publish
from protocol.plan import Plan, Step
from services.config import AppConfig
from services.keeper import staging
from services.keeper.database import DatabaseFile
from services.keeper.draft import Draft
from services.keeper.entry import enter
from services.keeper.ground import Ground, _beside
from services.keeper.proposal import Proposer
from services.keeper.request import Case
from services.keeper.row import row
from services.keeper.store import Store
from services.tiling.quadrant import frame_of
from tests.keeper.house import CONFIG
from tests.tiling.maps import made_up, planned

FIRST = 1_000
TABLES = ("generation_queue", "job_quadrants", "dependencies", "queue_tally", "plan_tally")


def drafted(seed: int) -> Draft:
    """A sound plan on a made-up map, with renders of its own and of others, texts and models."""
    chance = random.Random(seed)
    world = made_up(seed)
    steps = [
        Step(
            id=step.id,
            quadrants=[tuple(cell) for cell in step.quadrants],
            padding=[tuple(cell) for cell in step.padding],
            scaffold=[tuple(cell) for cell in step.scaffold],
            after=list(step.after),
            model_id=chance.choice((None, "pixel-art")),
            prompt=chance.choice((None, 'a "quoted" tower, it\'s ünï', "")),
        )
        for step in planned(world).steps
    ]
    steps.append(Step(id="padded", quadrants=[(70, 70)], padding=[(71, 70), (70, 71), (71, 71)]))
    steps.append(Step(id="far", quadrants=[(60, 60), (61, 60), (60, 61)], scaffold=[(61, 61)]))
    steps.append(Step(id="r0", kind="render", quadrants=[(40, 40), (42, 40)]))
    steps.append(Step(id="r1", kind="render", quadrants=[(-9, -9)], after=[steps[0].id]))
    around = [(x, y) for x in range(-4, 16) for y in range(-4, 16)]
    ground = Ground(
        finished=frozenset((cell.x, cell.y) for cell in world.finished),
        reserved=frozenset(),
        failed=frozenset(),
        rendered=frozenset(cell for cell in around if chance.random() < 0.5),
        running={frame_of(cell): 1 + n for n, cell in enumerate(around) if chance.random() < 0.1},
        palette_made=chance.random() < 0.3,
        palette_job=chance.choice((None, 999)),
    )
    lane: Any = chance.choice(("bulk", "interactive"))
    plan = Plan(id=f"p:{seed}", prompt="o'clock", steps=steps, lane=lane, priority=chance.randint(-5, 5))
    config = AppConfig.model_validate(CONFIG).told({})
    return Proposer(config, 1_234.5).propose(Case(Publish(plan=plan), ground)).draft


def tables(file: DatabaseFile) -> dict[str, list[tuple[Any, ...]]]:
    """Everything about jobs, and their events in the order in which they came."""
    found = {table: sorted(map(tuple, file.connection.execute(f"SELECT * FROM {table}"))) for table in TABLES}
    events = file.connection.execute('SELECT seq, at, plan_id, job_id, "change" FROM events ORDER BY seq')
    return {**found, "events": [tuple(event) for event in events]}


def test_a_staged_plan_comes_to_what_the_same_plan_does_when_it_is_put_in_at_once(tmp_path: Path) -> None:
    folders = tmp_path / "staged", tmp_path / "at-once"
    for folder in folders:
        folder.mkdir()
    staged, at_once = (DatabaseFile(folder) for folder in folders)
    with closing(staged), closing(at_once):
        first = FIRST
        for seed in range(12):
            draft = drafted(seed)
            lines = enter(draft, first).lines
            store = Store(at_once.connection)
            store.begin()
            store.queue.insert(
                [line.row for line in lines],
                [cell for line in lines for cell in line.cells],
                [needs for line in lines for needs in line.needs],
            )
            store.events.extend(line.event for line in lines)
            store.commit()
            # And that is what the queue reads back as the jobs that were drafted.
            jobs = store.queue.select("id >= ?", (first,))
            assert [row(job) for job in jobs] == [line.row for line in lines]
            assert [(job.step, job.quadrants, job.padding, job.scaffold) for job in jobs] == [
                (job.step, job.quadrants, job.padding, job.scaffold) for job in draft.jobs
            ]

            staging.write(path := tmp_path / "plan.db", draft, first)
            store = Store(staged.connection)
            store.staged.attach(path)
            store.begin()
            for some in range(first, first + len(draft.jobs), 7):
                store.staged.enter(draft.asked.id, some, 7)
            store.commit()
            store.staged.detach()
            first += len(draft.jobs)
        expected = tables(at_once)
        assert tables(staged) == expected
        assert len(expected["generation_queue"]) == len(expected["events"]) == first - FIRST
        assert {cell[3] for cell in expected["job_quadrants"]} == {"quadrants", "padding", "scaffold"}
        assert {job[3] for job in expected["generation_queue"]} == {"render", "generate", "palette"}


def test_a_staged_plan_knows_what_it_draws_beside(tmp_path: Path) -> None:
    draft = drafted(3)
    staging.write(tmp_path / "plan.db", draft, FIRST)
    around = [(x, y) for x in range(-14, 24) for y in range(-14, 24)]
    found = {cell for cell in around if staging.draws_beside(tmp_path / "plan.db", [cell])}
    assert found == _beside(around, draft.cells)
    assert 0 < len(found) < len(around)
    assert not staging.draws_beside(tmp_path / "plan.db", [])
