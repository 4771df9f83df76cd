"""Plans that come in parts, and plans whose jobs follow after they were accepted."""

from pathlib import Path

import pytest

from protocol.errors import Code
from protocol.ingest import Accepted, PartTaken, PlanBegin, PlanCommit, PlanPart
from protocol.message import Error
from protocol.plan import STEP_LIMIT, PlanHead, Step
from services.keeper import drafter as drafter_module
from services.keeper import drawing
from services.keeper import parts as parts_module
from tests.keeper.house import House, Peer, island, opened, until

HEAD = PlanHead(id="big", prompt="a city", priority=7)


def islands(count: int) -> list[Step]:
    """So many steps that have nothing to do with each other."""
    return [island(4 * (i % 50), 4 * (i // 50), id=f"s{i}") for i in range(count)]


@pytest.fixture
def ingest(house: House) -> Peer:
    return house.peer("ingest")


def hand_in(ingest: Peer, steps: list[Step], size: int = 100, head: PlanHead = HEAD) -> None:
    ingest.ask(PlanBegin(plan=head, steps=len(steps)), PartTaken)
    for first in range(0, len(steps), size):
        part = PlanPart(plan=head.id, first=first, steps=steps[first : first + size])
        assert ingest.ask(part, PartTaken).steps == min(first + size, len(steps))


def test_parts_make_the_plan_that_one_message_makes(house: House, ingest: Peer) -> None:
    hand_in(ingest, islands(12), size=5)
    accepted = ingest.ask(PlanCommit(plan="big"), Accepted)

    jobs = house.jobs(plan="big", kind="generate")
    assert [job.step for job in jobs] == [f"s{i}" for i in range(12)]
    assert len(accepted.jobs) == house.status().counts["blocked"] + house.status().counts["pending"]


def test_the_same_part_again_changes_nothing_and_a_gap_is_refused(house: House, ingest: Peer) -> None:
    steps = islands(6)
    ingest.ask(PlanBegin(plan=HEAD, steps=6), PartTaken)
    two = PlanPart(plan="big", first=0, steps=steps[:2])
    assert [ingest.ask(two, PartTaken).steps for _ in range(2)] == [2, 2]
    assert ingest.ask(PlanPart(plan="big", first=3, steps=steps[3:]), Error).code == Code.WRONG_STATE
    assert ingest.ask(PlanPart(plan="big", first=1, steps=steps[1:4]), Error).code == Code.WRONG_STATE
    assert "2 steps of 6" in ingest.ask(PlanCommit(plan="big"), Error).message
    assert [(draft.plan, draft.here, draft.steps) for draft in house.status().drafts] == [("big", 2, 6)]
    ingest.ask(PlanPart(plan="big", first=2, steps=steps[2:]), PartTaken)

    accepted = ingest.ask(PlanCommit(plan="big"), Accepted)
    assert not accepted.duplicate
    assert house.status().drafts == []
    assert ingest.ask(PlanCommit(plan="big"), Accepted).duplicate
    assert ingest.ask(PlanBegin(plan=HEAD, steps=6), Accepted).jobs == accepted.jobs
    assert len(house.jobs(plan="big", kind="generate")) == 6


def test_more_than_was_announced_is_refused_and_so_is_what_nobody_announced(ingest: Peer) -> None:
    ingest.ask(PlanBegin(plan=HEAD, steps=2), PartTaken)
    assert ingest.ask(PlanPart(plan="big", first=0, steps=islands(3)), Error).code == Code.BAD_PLAN
    assert ingest.ask(PlanPart(plan="other", first=0, steps=islands(1)), Error).code == Code.UNKNOWN_PLAN
    assert ingest.ask(PlanCommit(plan="other"), Error).code == Code.UNKNOWN_PLAN


def test_one_step_more_than_a_plan_may_have_is_refused(ingest: Peer) -> None:
    assert ingest.ask(PlanBegin(plan=HEAD, steps=STEP_LIMIT), PartTaken).steps == 0
    begin = PlanBegin.model_construct(plan=HEAD, steps=STEP_LIMIT + 1)
    assert ingest.ask(begin, Error).code == Code.BAD_REQUEST


def test_parts_outlive_the_keeper_and_a_torn_end(short: Path) -> None:
    steps = islands(6)
    with opened(short) as house:
        hand_in(house.peer("ingest"), steps[:4], size=2, head=HEAD)
        (file,) = house.data.glob("staged/*.parts")
    file.write_bytes(file.read_bytes() + b"\0\0\1\0torn")
    with opened(short) as house:
        ingest = house.peer("ingest")
        assert ingest.ask(PlanBegin(plan=HEAD, steps=4), PartTaken).steps == 4
        ingest.ask(PlanCommit(plan="big"), Accepted)
        assert len(house.jobs(plan="big", kind="generate")) == 4
        until(lambda: not list(house.data.glob("staged/*.parts")), "the end of the parts")
    assert house.select("SELECT DISTINCT priority, rank FROM generation_queue") == [(7, 10_000 - 7)]


def test_a_plan_begun_anew_with_other_words_starts_from_nothing(ingest: Peer) -> None:
    hand_in(ingest, islands(2))
    other = HEAD.model_copy(update={"prompt": "a village"})
    assert ingest.ask(PlanBegin(plan=other, steps=2), PartTaken).steps == 0


def test_after_an_hour_without_another_part_a_plan_is_forgotten(tmp_path: Path) -> None:
    parts = parts_module.Parts(tmp_path / "staged")
    parts.begin(HEAD, 4, now=0.0)
    parts.add("big", 0, islands(2), now=3_000.0)
    assert parts.void(3_600.0) == []
    assert parts_module.Parts(tmp_path / "staged").void(6_600.0) == ["big"]
    assert list((tmp_path / "staged").iterdir()) == []


def test_a_plan_for_a_process_of_its_own_is_entered_whole(house: House, ingest: Peer) -> None:
    hand_in(ingest, islands(2_001), size=1_000)
    accepted = ingest.ask(PlanCommit(plan="big"), Accepted)

    entered(house, len(accepted.jobs))
    assert house.status().counts["blocked"] == 2_001
    assert list((house.data / "staged").iterdir()) == []
    assert ingest.ask(PlanCommit(plan="big"), Accepted).jobs == accepted.jobs


def test_a_large_plan_that_is_not_sound_is_refused_with_the_step(house: House, ingest: Peer) -> None:
    steps = [*islands(2_000), island(1, 1, id="wrong")]
    hand_in(ingest, steps, size=1_000)
    error = ingest.ask(PlanCommit(plan="big"), Error)
    assert (error.code, error.details) == (Code.SEAM, "wrong")
    assert house.jobs() == []


def test_a_process_that_hangs_over_a_plan_is_ended_and_the_next_one_draws_it_up(
    house: House, ingest: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing, "LARGE", 100)
    monkeypatch.setattr(drafter_module, "LONGEST_SECONDS", 1.0)
    monkeypatch.setenv("TILEWRIGHT_FAULTS", str(tmp_path))
    (tmp_path / "draft_begun").write_text("stop")
    hand_in(ingest, islands(101))
    error = ingest.ask(PlanCommit(plan="big"), Error)
    assert error.code == Code.UNAVAILABLE
    assert "within 1 s" in error.message

    monkeypatch.setattr(drafter_module, "LONGEST_SECONDS", 60.0)
    # On a busy machine it may not have come that far.
    (tmp_path / "draft_begun").unlink(missing_ok=True)
    ingest.ask(PlanCommit(plan="big"), Accepted)


def entered(house: House, jobs: int) -> None:
    until(lambda: sum(house.status().counts.values()) == jobs, "all jobs of the plan")
    until(lambda: not list(house.data.glob("staged/*.db")), "the end of entering")
