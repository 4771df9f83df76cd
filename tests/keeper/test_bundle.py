"""Plans that come in at once: put in together, and yet as if each had come by itself."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from protocol.errors import Code
from protocol.ingest import Accepted, Publish
from protocol.message import Error, Message
from protocol.plan import Plan, Step
from protocol.region import Generate, Render
from services.keeper.bundle import bundles
from tests.keeper.house import House, island, opened

TABLES = {
    "plans": "id, settled, quadrants_total, position, first_job, jobs, borrowed, entered, x0, y0, x1, y1",
    "generation_queue": "id, plan_id, step, kind, status, quadrants, padding, lane, rank, place, x, y, held",
    "job_quadrants": "job_id, x, y, role",
    "dependencies": "job_id, needs_id",
    "queue_tally": "status, model_id, jobs",
    "plan_tally": "plan_id, kind, status, jobs, quadrants",
    # Without their numbers: what has settled is said when the batch is over.
    "events": 'plan_id, job_id, "change"',
}


def render(x: int, y: int, id: str, **plan: Any) -> Publish:
    return Publish(plan=Plan(id=id, steps=[Step(id="r", kind="render", quadrants=[(x, y)])], **plan))


def publish(id: str, *steps: Step, **plan: Any) -> Publish:
    return Publish(plan=Plan(id=id, steps=list(steps), **plan))


def at_once(house: House, requests: Sequence[Message], socket: str = "ingest") -> list[Message]:
    """The answers to what the keeper finds all at once, in the order of the requests."""
    peer = house.peer(socket)
    with house.held():
        sent = [peer.send(request) for request in requests]
    answers = dict((heard.re, heard.body) for heard in (peer.hear() for _ in sent))
    return [answers[id] for id in sent]


def written(house: House) -> dict[str, list[tuple[Any, ...]]]:
    """What is in the tables; the keeper is closed for it."""
    house.close()
    return {
        table: sorted(house.select(f"SELECT {columns} FROM {table}")) for table, columns in TABLES.items()
    }


def some_request(chance: random.Random, number: int) -> Publish:
    x, y = chance.randrange(-12, 12), chance.randrange(-12, 12)
    id = f"p{chance.randrange(number + 1)}" if chance.random() < 0.1 else f"p{number}"
    lane = chance.choice(["bulk", "bulk", "interactive"])
    kind = chance.randrange(12)
    if kind < 9:
        return render(x // 2, y // 2, id, lane=lane, priority=chance.randrange(3))
    if kind == 9:
        return publish(id, island(2 * x, 2 * y), lane=lane)
    if kind == 10:
        steps = [
            island(40 * x, 40 * y, "a"),
            island(40 * x + 4, 40 * y, "b"),
            Step(id="r", kind="render", quadrants=[(x, y)]),
        ]
        return publish(id, *steps, lane=lane)
    return publish(id, island(x, y, after=["nobody"]))


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("model", ["plain", "pixel-art"])
def test_at_once_or_one_by_one_comes_to_the_same(short: Path, seed: int, model: str) -> None:
    chance = random.Random(seed)
    requests = [some_request(chance, number) for number in range(60)]
    found = []
    for name, together in (("a", True), ("b", False)):
        (short / name).mkdir()
        with opened(short / name, default_model_id=model, queue_limit=90) as house:
            if together:
                answers = at_once(house, requests)
            else:
                peer = house.peer("ingest")
                answers = [peer.exchange(request).body for request in requests]
            found.append((answers, written(house)))

    together, apart = found
    assert {type(answer) for answer in together[0]} == {Accepted, Error}
    assert {answer.code for answer in together[0] if isinstance(answer, Error)} >= {Code.BAD_PLAN, Code.BUSY}
    assert together[0] == apart[0]
    assert together[1] == apart[1]


def test_the_same_plan_twice_at_once_is_accepted_once(house: House) -> None:
    first, again = at_once(house, [render(0, 0, "p"), render(8, 8, "p")])

    assert isinstance(first, Accepted) and isinstance(again, Accepted)
    assert (first.duplicate, again.duplicate) == (False, True)
    assert first.jobs == again.jobs == [1]
    assert len(house.jobs()) == 1


def test_two_that_want_one_frame_at_once_share_its_render(house: House) -> None:
    first, second = at_once(house, [render(0, 0, "a"), render(1, 1, "b")])

    assert isinstance(first, Accepted) and isinstance(second, Accepted)
    assert first.jobs == second.jobs == [1]


def test_what_renders_far_and_wide_takes_up_what_is_being_rendered_there(house: House) -> None:
    quadrants = [(x, y) for x in range(0, 60, 2) for y in range(0, 30, 2)]
    wide = publish("wide", Step(id="r", kind="render", quadrants=quadrants))
    first, second, third = at_once(house, [render(4, 4, "a"), wide, render(59, 29, "b")])

    assert isinstance(first, Accepted) and isinstance(second, Accepted) and isinstance(third, Accepted)
    assert first.jobs[0] in second.jobs and third.jobs[0] in second.jobs
    assert len(second.jobs) == len(quadrants)


def test_of_two_on_one_ground_at_once_the_first_gets_it(house: House) -> None:
    first, second = at_once(house, [publish("a", island(0, 0)), publish("b", island(1, 1))])

    assert isinstance(first, Accepted)
    assert isinstance(second, Error) and second.code == Code.CONFLICT
    assert "Plan a is still to generate" in second.message


def test_a_wrong_one_among_others_is_refused_alone(house: House) -> None:
    wrong = publish("wrong", island(40, 40, after=["nobody"]))
    answers = at_once(house, [render(0, 0, "a"), wrong, render(8, 8, "b")])

    assert [type(answer) for answer in answers] == [Accepted, Error, Accepted]
    assert [job.plan for job in house.jobs()] == ["a", "b"]


def test_a_queue_that_gets_full_in_between_takes_what_still_fits(short: Path) -> None:
    with opened(short, queue_limit=2) as house:
        answers = at_once(house, [render(8 * i, 0, f"p{i}") for i in range(4)])

    assert [type(answer) for answer in answers] == [Accepted, Accepted, Error, Error]
    assert all(answer.code == Code.BUSY for answer in answers if isinstance(answer, Error))


def test_positions_count_what_came_just_before(house: House) -> None:
    requests = [
        render(0, 0, "a"),
        render(8, 0, "b"),
        render(16, 0, "c", priority=5),
        render(24, 0, "d", lane="interactive"),
        render(32, 0, "e"),
    ]
    answers = at_once(house, requests)

    assert [answer.position for answer in answers if isinstance(answer, Accepted)] == [0, 1, 0, 0, 4]
    assert {job.plan: job.position for job in house.jobs()} == {"d": 1, "c": 2, "a": 3, "b": 4, "e": 5}


def test_what_people_ask_for_by_hand_comes_together_too(house: House) -> None:
    requests = [
        Render(plan="r", quadrants=[(0, 0)]),
        Generate(plan="g", quadrants=[(20, 20)]),
        Render(plan="s", quadrants=[(40, 0)]),
    ]
    answers = at_once(house, requests, "control")

    assert all(isinstance(answer, Accepted) for answer in answers)


@pytest.mark.parametrize(
    ("requests", "parts"),
    [
        ([render(0, 0, "a"), render(2, 0, "b"), render(4, 0, "c")], ["abc"]),
        ([render(0, 0, "a"), render(1, 0, "b"), render(4, 0, "c")], ["a", "bc"]),
        ([render(0, 0, "a"), render(2, 0, "a")], ["a", "a"]),
        ([publish("a", island(0, 0)), publish("b", island(60, 0)), render(1, 0, "c")], ["ab", "c"]),
        # What reaches over half the world is not compared quadrant by quadrant.
        (
            [render(0, 0, "a"), publish("b", island(0, 9), island(900, 9, "s2")), render(2, 0, "c")],
            ["a", "b", "c"],
        ),
    ],
)
def test_a_bundle_ends_where_one_could_meet_another(requests: list[Publish], parts: list[str]) -> None:
    found = bundles(requests, palette_made=True)
    assert [
        "".join(one.plan.id for one in bundle.requests if isinstance(one, Publish)) for bundle in found
    ] == parts


def test_without_a_palette_each_that_calls_models_is_alone() -> None:
    requests = [
        publish("a", island(0, 0)),
        publish("b", island(60, 0)),
        render(99, 0, "c"),
        render(120, 0, "d"),
    ]
    assert [len(bundle.ids) for bundle in bundles(requests, palette_made=False)] == [1, 1, 2]
