"""Plans: accepted whole, refused whole, the same id once."""

import pytest

from protocol.errors import Code
from protocol.event import JobChange
from protocol.ingest import Accepted, Publish
from protocol.message import Error
from protocol.plan import Plan, Step
from protocol.region import Fill, Generate, Planned, Render
from tests.keeper.house import House, Peer, island, until


def test_a_plan_becomes_the_renders_it_needs_and_its_steps(house: House) -> None:
    accepted = house.publish(island(4, 4))

    assert not accepted.duplicate
    jobs = house.jobs()
    assert accepted.jobs == [job.job for job in jobs]
    # 2×2 on one canonical frame, whose halo of 32 px reaches into the eight around it.
    assert [job.kind for job in jobs] == ["render"] * 9 + ["generate"]
    assert jobs[-1].state == "blocked"
    assert {job.state for job in jobs[:-1]} == {"pending"}
    assert jobs[-1].prompt == "a city"
    assert [job.position for job in jobs] == [*range(1, 10), 0]


def test_the_same_plan_again_changes_nothing(house: House) -> None:
    first = house.publish(island(4, 4))
    again = house.publish(island(40, 40), island(4, 4, "other"))

    assert again.duplicate
    assert (again.jobs, again.position) == (first.jobs, first.position)
    assert len(house.jobs()) == 10


def test_published_on_control_it_is_the_same_plan(house: House, control: Peer) -> None:
    first = house.publish(island(4, 4))
    assert control.ask(Publish(plan=Plan(id="p1", steps=[island(4, 4)])), Accepted).jobs == first.jobs


def test_two_plans_share_renders(house: House) -> None:
    house.publish(island(0, 0), id="a")
    house.publish(island(4, 0), id="b")

    frames = [job.quadrants[0] for job in house.jobs(kind="render")]
    assert len(frames) == len(set(frames)) == 15


@pytest.mark.parametrize(
    ("steps", "code", "says"),
    [
        ([island(0, 0), island(9, 9)], Code.BAD_PLAN, "Two steps have the id s1."),
        ([island(0, 0, after=["s9"])], Code.BAD_PLAN, "waits for s9, which is not in the plan"),
        ([island(0, 0, after=["b"]), island(9, 9, "b", after=["s1"])], Code.BAD_PLAN, "in a circle"),
        ([Step(id="s1", quadrants=[(0, 0), (1, 1)])], Code.BAD_PLAN, "one whole rectangle"),
        ([Step(id="s1", quadrants=[(0, 0), (1, 0), (2, 0)])], Code.BAD_PLAN, "larger than 2 × 2"),
        ([Step(id="s1", quadrants=[(0, 0), (0, 0)])], Code.BAD_PLAN, "twice"),
        ([Step(id="s1", quadrants=[], padding=[(0, 0)])], Code.BAD_PLAN, "keeps no quadrants"),
        ([Step(id="s1", kind="render", quadrants=[])], Code.BAD_PLAN, "has no quadrants"),
        ([Step(id="s1", kind="render", quadrants=[(0, 0)], padding=[(1, 0)])], Code.BAD_PLAN, "is a render"),
        ([island(999_999, 0)], Code.BAD_PLAN, "the edge of the world"),
        ([Step(id="s1", quadrants=[(0, 0)])], Code.SEAM, "Step s1"),
        ([island(0, 0), island(2, 0, "b")], Code.SEAM, "neither waits for the other"),
        ([island(0, 0), island(0, 0, "b", after=["s1"])], Code.SEAM, "which step s1 keeps already"),
        ([island(0, 0, after=["s1"])], Code.BAD_PLAN, "in a circle, for itself"),
        (
            [island(0, 0, after=["good"] * 3), island(9, 9, "b", after=["x", "good"])],
            Code.BAD_PLAN,
            "x, which",
        ),
        ([island(0, 0, model_id="nope")], Code.UNKNOWN_MODEL, "Step s1: There is no model nope"),
    ],
)
def test_a_plan_that_is_not_sound_is_refused_whole(
    house: House, steps: list[Step], code: Code, says: str
) -> None:
    good = island(100, 100, "good")
    error = house.refused(good, *steps)

    assert error.code == code
    assert says in error.message
    assert house.jobs() == []
    assert house.events() == []
    assert not house.publish(good).duplicate


def test_a_circle_names_a_step_of_it(house: House) -> None:
    error = house.refused(island(0, 0, "a", after=["b"]), island(9, 9, "b", after=["a"]))
    assert error.details in ("a", "b")


def test_a_model_without_its_key_is_unavailable_if_the_supervisor_says_so(house: House) -> None:
    house.take_over(house.config.told({"keyless": "NO_SUCH_KEY is not set."}))
    error = house.refused(island(0, 0), model_id="keyless")

    assert error.code == Code.MODEL_UNAVAILABLE
    assert error.message == "Keyless cannot be used: NO_SUCH_KEY is not set."


@pytest.mark.parametrize("at", [(4, 4), (5, 4), (6, 4), (6, 6)])
def test_ground_that_another_plan_will_fill_is_a_conflict(house: House, at: tuple[int, int]) -> None:
    house.publish(island(4, 4), id="first")
    error = house.refused(island(*at), id="second")

    assert error.code == Code.CONFLICT
    assert "Plan first" in error.message
    assert "4,4" in error.message or "5,5" in error.message or "5,4" in error.message


def test_beyond_the_ring_there_is_no_conflict(house: House) -> None:
    house.publish(island(4, 4), id="first")
    assert house.publish(island(7, 4), id="second").jobs


def test_fill_says_how_without_doing_it(house: House, control: Peer) -> None:
    planned = control.ask(Fill(plan="f", rectangle=(0, 0, 4, 4), dry_run=True), Planned)

    assert (len(planned.steps), planned.waves) == (9, 3)
    assert planned.renders > 0
    assert house.jobs() == []
    accepted = control.ask(Fill(plan="f", rectangle=(4, 4, 0, 0)), Accepted)
    assert len(house.jobs(kind="generate")) == 9
    assert len(accepted.jobs) == 9 + planned.renders


def test_a_plan_may_leave_its_steps_to_the_keeper(house: House) -> None:
    house.publish(rectangle=(0, 0, 2, 0))
    assert [job.quadrants for job in house.jobs(kind="generate")] == [[(0, 0), (1, 0)], [(2, 0)]]


def test_a_large_plan_is_drawn_up_beside_other_work(house: House, control: Peer) -> None:
    control.send(Fill(plan="big", rectangle=(0, 0, 59, 29)), id="big")
    control.send(Generate(plan="small", quadrants=[(-9, -9)]), id="small")

    first, second = control.hear(), control.hear()
    assert [first.re, second.re] == ["small", "big"]
    assert isinstance(second.body, Accepted)
    until(lambda: house.status().counts["blocked"] > 800, "all jobs of the large plan")


def test_two_large_plans_on_the_same_ground_do_not_both_win(house: House) -> None:
    one, two = house.peer("control"), house.peer("control")
    one.send(Fill(plan="one", rectangle=(0, 0, 29, 29)))
    two.send(Fill(plan="two", rectangle=(10, 10, 39, 39)))

    answers = [one.hear().body, two.hear().body]
    assert sorted(type(answer).__name__ for answer in answers) == ["Accepted", "Error"]
    # BUSY while the jobs of the other are still on their way into the queue, CONFLICT once they are there.
    assert next(a for a in answers if isinstance(a, Error)).code in (Code.BUSY, Code.CONFLICT)


def test_jobs_that_come_while_a_large_plan_is_drawn_up_keep_their_numbers(
    house: House, control: Peer
) -> None:
    control.send(Fill(plan="large", rectangle=(0, 0, 29, 29), model_id="plain"), id="large")
    control.send(Render(plan="small", quadrants=[(400, 400)]), id="small")
    answers = {letter.re: letter.body for letter in (control.hear(), control.hear())}
    large, small = answers["large"], answers["small"]
    assert isinstance(large, Accepted) and isinstance(small, Accepted)
    assert not set(large.jobs) & set(small.jobs)
    until(lambda: sum(house.status().counts.values()) == len(large.jobs) + 1, "all jobs of both")
    assert [house.job(job).plan for job in (*small.jobs, large.jobs[0], large.jobs[-1])] == [
        "small",
        "large",
        "large",
    ]
    told = {e.change.job: e.change.plan for e in house.events() if isinstance(e.change, JobChange)}
    assert told == dict.fromkeys(large.jobs, "large") | dict.fromkeys(small.jobs, "small")


def test_a_rectangle_without_end_is_too_large(house: House, control: Peer) -> None:
    huge = Fill(plan="f", rectangle=(-999_999, -999_999, 999_999, 999_999))
    error = control.ask(huge, Error)
    assert (error.code, "1,000,000 is the most" in error.message) == (Code.BAD_PLAN, True)


def test_fill_at_the_edge_of_the_world_is_refused(house: House, control: Peer) -> None:
    edge = Fill(plan="f", rectangle=(999_998, 0, 1_000_000, 0))
    assert control.ask(edge, Error).code == Code.BAD_PLAN


def test_coordinates_out_of_the_world_are_refused_by_name(house: House, control: Peer) -> None:
    beyond = Generate.model_construct(
        plan="g", quadrants=[(1_000_001, 0)], model_id=None, prompt="", negative_prompt="", lane="bulk"
    )
    error = control.ask(beyond, Error)
    assert error.code == Code.BAD_REQUEST
    assert "quadrants.0.0" in error.message


def test_generate_pads_where_one_quadrant_alone_is_not_legal(house: House, control: Peer) -> None:
    """Next to a finished column the only legal calls are as tall as it, so the other half is padding.

    G S
    G p
    """
    house.publish(island(0, 0))
    house.peer("work").work_off()
    control.ask(Generate(plan="g", quadrants=[(2, 0)]), Accepted)

    job = house.jobs(plan="g", kind="generate")[0]
    assert (job.quadrants, job.padding) == ([(2, 0)], [(2, 1)])


def test_generate_refuses_to_make_a_seam(house: House, control: Peer) -> None:
    """
    G G G
    G G S   S is finished already, and beside X two rows of three are
    X
    """
    house.publish(island(0, 0))
    house.peer("work").work_off()

    assert control.ask(Generate(plan="a", quadrants=[(1, 1)]), Error).code == Code.SEAM
    wide = control.ask(Generate(plan="b", quadrants=[(-1, 2), (0, 2)]), Error)
    assert (wide.code, "seam" in wide.message) == (Code.SEAM, True)


def test_render_draws_whole_frames_anew_unless_they_are_under_way(house: House, control: Peer) -> None:
    first = control.ask(Render(plan="r1", quadrants=[(0, 0), (1, 1), (2, 0)]), Accepted)
    assert [job.quadrants for job in house.jobs()] == [
        [(0, 0), (1, 0), (0, 1), (1, 1)],
        [(2, 0), (3, 0), (2, 1), (3, 1)],
    ]
    shared = control.ask(Render(plan="r2", quadrants=[(0, 0)]), Accepted)
    assert shared.jobs == first.jobs[:1]
    assert control.ask(Render(plan="r2", quadrants=[(0, 0)]), Accepted).jobs == shared.jobs

    house.peer("work").work_off()
    again = control.ask(Render(plan="r3", quadrants=[(0, 0)]), Accepted)
    assert again.jobs not in ([first.jobs[0]], [first.jobs[1]])
    house.peer("work").work_off()
    versions = {(t.x, t.y): t.version for t in house.map().tiles if t.layer == "render"}
    assert versions[(0, 0)] > versions[(2, 0)]


def test_the_steps_of_a_plan_share_its_renders_by_whole_frames(house: House, control: Peer) -> None:
    control.ask(Fill(plan="f", rectangle=(0, 0, 11, 11)), Accepted)
    frames = [job.quadrants for job in house.jobs(kind="render")]
    # 12×12 quadrants and their halo reach into 8×8 frames of 2×2; nothing is drawn twice.
    assert len(frames) == 64
    assert len({cell for frame in frames for cell in frame}) == 256
    assert {frame[0][0] % 2 for frame in frames} == {frame[0][1] % 2 for frame in frames} == {0}


def test_renders_run_ahead_of_the_calls_that_need_them(house: House, worker: Peer) -> None:
    house.publish(island(0, 0, "a"), island(20, 0, "b"))
    for _ in range(9):
        worker.ack(worker.lease("render", "generate"))
    # The first call is out, and slow; meanwhile all that the second one needs is drawn.
    slow = worker.lease("generate")
    assert slow.step == "a"
    assert len(worker.work_off("render")) == 9
    assert worker.lease("generate").step == "b"
    assert house.job(slow.job).state == "processing"


def test_renders_made_before_are_not_made_again(house: House, worker: Peer, control: Peer) -> None:
    house.publish(island(0, 0), id="first")
    worker.work_off()
    control.ask(Fill(plan="f", rectangle=(2, 0, 3, 1)), Accepted)
    frames = {job.quadrants[0] for job in house.jobs(plan="f", kind="render")}
    assert frames == {(4, -2), (4, 0), (4, 2)}


def test_steps_wait_for_renders_that_their_plan_draws_anew(house: House) -> None:
    house.publish(Step(id="r", kind="render", quadrants=[(4, 4)]), island(4, 4, after=["r"]))
    jobs = house.jobs()

    assert [job.step for job in jobs if job.quadrants[0] == (4, 4)] == ["r", "s1"]
    assert len([job for job in jobs if job.kind == "render"]) == 9


def test_a_render_after_a_step_waits_for_it(house: House, worker: Peer) -> None:
    house.publish(island(4, 4), Step(id="r", kind="render", quadrants=[(4, 4)], after=["s1"]))

    again = next(job for job in house.jobs() if job.step == "r")
    assert again.state == "blocked"
    worker.work_off()
    assert house.job(again.job).state == "complete"


def test_the_palette_is_made_once_and_before_the_first_model_that_needs_it(
    house: House, worker: Peer
) -> None:
    house.publish(island(40, 40), id="a", model_id="pixel-art")
    house.publish(island(80, 80), id="b", model_id="pixel-art")

    (palette,) = house.jobs(kind="palette")
    assert palette.quadrants == [(x, y) for y in range(-2, 2) for x in range(-2, 2)]
    assert (palette.plan, palette.state) == ("a", "blocked")
    done = [lease.work.kind for lease in worker.work_off()]
    assert done.count("palette") == 1
    assert done.index("palette") < done.index("generate")
    assert done.count("generate") == 2

    house.publish(island(120, 120), id="c", model_id="pixel-art")
    assert len(house.jobs(kind="palette")) == 1


def test_interactive_work_takes_what_it_waits_for_along(house: House, control: Peer, worker: Peer) -> None:
    house.publish(island(0, 0), id="bulk")
    control.ask(Generate(plan="now", quadrants=[(3, 0), (4, 0), (3, 1), (4, 1)]), Accepted)

    first = [worker.lease("render").work.quadrants[0] for _ in range(6)]
    assert {x for x, _ in first} == {2, 4}
    assert house.job(worker.lease("render").job).lane == "bulk"


def test_position_counts_what_stands_before(house: House, control: Peer) -> None:
    house.publish(island(0, 0), id="a")
    assert house.publish(island(40, 0), id="b").position == 9
    assert control.ask(Render(plan="r", quadrants=[(99, 99)]), Accepted).position == 0
