"""Plans on their way to a real keeper: in parts, past a restart, past a full queue."""

from pathlib import Path

import pytest

from protocol.control import CancelPlan, Changed
from protocol.errors import ProtocolError
from protocol.plan import Plan, Step
from services.commands.asking import publisher
from services.commands.asking.publisher import PART_BYTES, PART_STEPS, WHOLE_STEPS, Publisher, parts
from services.tiling import planning
from services.tiling.region import rectangle
from tests.commands.conftest import Run
from tests.keeper.house import House, island, opened

EMPTY = planning.Map(frozenset(), frozenset())


def quiet(error: ProtocolError, seconds: float) -> None:
    raise AssertionError(f"busy: {error}")


def city(side: int) -> Plan:
    """A plan of a square region."""
    steps = [
        Step(
            id=step.id,
            quadrants=[*step.quadrants],
            padding=[*step.padding],
            scaffold=[*step.scaffold],
            after=[*step.after],
        )
        for step in planning.plan(rectangle(0, 0, side - 1, side - 1), EMPTY).steps
    ]
    return Plan(id="city", name="City", lane="interactive", priority=4, steps=steps)


def test_parts_fit_into_messages_and_leave_nothing_out() -> None:
    small = [island(4 * i, 0, f"s{i}") for i in range(PART_STEPS + 1)]
    assert [len(part) for part in parts(small, 0)] == [PART_STEPS, 1]
    assert [step for part in parts(small, 7) for step in part] == small[7:]
    wordy = [island(4 * i, 0, f"s{i}", prompt="é" * 8_000) for i in range(600)]
    pieces = list(parts(wordy, 0))
    assert [step for part in pieces for step in part] == wordy
    assert len(pieces) > 1
    assert all(sum(len(step.model_dump_json()) for step in part) <= PART_BYTES for part in pieces)


async def test_a_large_plan_comes_in_parts_and_goes_on_after_a_restart(house: House) -> None:
    plan = city(76)
    assert len(plan.steps) > WHOLE_STEPS
    seen: list[int] = []

    def handed_over(steps: int) -> None:
        seen.append(steps)
        if steps == PART_STEPS and seen.count(steps) == 1:
            house.close()
            house.open()

    async with Publisher(house.data, patient=True, told=handed_over, busy=quiet) as hand:
        accepted = await hand.publish(plan)
        assert (accepted.plan, accepted.duplicate) == ("city", False)
        assert {PART_STEPS, 2 * PART_STEPS, len(plan.steps)} <= set(seen)
        seen.clear()
        assert (await hand.publish(plan)).duplicate
    steps = [job for job in house.jobs(plan="city", kind="generate", text="a city")]
    assert {(job.lane, job.priority) for job in steps} == {("interactive", 4)}


async def test_a_full_queue_is_waited_for(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher, "LONGEST_PAUSE_SECONDS", 0.05)
    with opened(short, queue_limit=15) as house:
        house.publish(island(0, 0), id="first")
        told: list[ProtocolError] = []

        def busy(error: ProtocolError, seconds: float) -> None:
            told.append(error)
            house.peer("control").ask(CancelPlan(plan="first"), Changed)

        plan = Plan(id="second", steps=[island(20, 0)])
        async with Publisher(house.data, patient=True, told=lambda steps: None, busy=busy) as hand:
            accepted = await hand.publish(plan)
        assert (accepted.plan, len(told), told[0].code) == ("second", 1, "BUSY")


def test_who_does_not_wait_is_told_when_to_come_again(short: Path, typed: Run) -> None:
    with opened(short, queue_limit=15) as house:
        house.publish(island(0, 0), id="first")
        plan = Plan(id="second", steps=[island(20, 0)]).model_dump_json()
        refused = typed("publish", "-", "--no-wait", "--data", str(house.data), given=plan)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("BUSY: ")
    assert " Ask again in " in refused.stderr
