"""Deeds of more than one transaction: others come in between, and after a crash they are gone on with."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from protocol.control import CancelPlan, Changed, ClearQueue
from protocol.ingest import Accepted, Publish
from protocol.message import Ping, Pong
from protocol.plan import Plan, Step
from services.keeper.slices import HURRIED_SECONDS, SLICE_SECONDS, LongDeed, Slices
from tests.keeper.house import PATIENCE_SECONDS, House, island, opened, until

ISLANDS = 500


def plan() -> Publish:
    steps = [island(8 * (i % 50), 8 * (i // 50), id=f"s{i}") for i in range(ISLANDS)]
    return Publish(plan=Plan(id="big", steps=steps))


def whole(house: House) -> int:
    """Publish the plan and wait until all its jobs are in the queue; how many."""
    accepted = house.peer("ingest").ask(plan(), Accepted)
    until(lambda: sum(house.status().counts.values()) == len(accepted.jobs), "all jobs")
    until(lambda: not list(house.data.glob("staged/*.db")), "the end of entering")
    return len(accepted.jobs)


def test_a_deed_does_less_in_a_transaction_that_others_wait_for() -> None:
    now = 0.0

    def deed() -> LongDeed:
        nonlocal now
        for _ in range(100):
            now += HURRIED_SECONDS / 4
            yield
        return None

    slices = Slices(lambda: now)
    slices.open()
    slices.begin(None, deed())
    assert SLICE_SECONDS < now < SLICE_SECONDS + HURRIED_SECONDS
    # Each deed has at least one part of a transaction, in whatever hurry, and all together not much more.
    for _ in range(3):
        before = now
        slices.open(hurried=True)
        for begun in slices.left():
            slices.go_on(begun)
        assert HURRIED_SECONDS < now - before < 2 * HURRIED_SECONDS
    slices.open(hurried=True)
    now += HURRIED_SECONDS
    before = now
    slices.begin(None, deed())
    for begun in slices.left():
        slices.go_on(begun)
    assert before < now < before + 3 * HURRIED_SECONDS


def test_others_are_answered_while_thousands_of_jobs_are_called_off(short: Path) -> None:
    with opened(short) as house:
        jobs = whole(house)
        control = house.peer("control")
        control.send(CancelPlan(plan="big"), id="cancel")
        # The same request again, as a client sends it that waits: answered once, when all is done.
        control.send(CancelPlan(plan="big"), id="cancel")
        control.send(Ping(), id="ping")
        first, second = control.hear(), control.hear()
        assert [first.re, second.re] == ["ping", "cancel"]
        assert isinstance(first.body, Pong)
        assert second.body == Changed(jobs=jobs)
        assert control.silent()
        assert house.status().counts["cancelled"] == jobs
        assert control.ask(CancelPlan(plan="big"), Changed).jobs == 0


def test_what_comes_in_between_is_not_called_off_with_the_rest(short: Path) -> None:
    with opened(short) as house:
        jobs = whole(house)
        control = house.peer("control")
        control.send(ClearQueue(), id="clear")
        render = Step(id="r", kind="render", quadrants=[(-400, -400)])
        control.send(Publish(plan=Plan(id="later", steps=[render])), id="later")
        first, second = control.hear(), control.hear()
        assert [first.re, second.re] == ["later", "clear"]
        assert second.body == Changed(jobs=jobs)
        assert [job.state for job in house.jobs(plan="later")] == ["pending"]


def test_a_crash_amid_a_cancel_leaves_a_queue_that_can_be_cancelled(short: Path) -> None:
    with opened(short) as house:
        jobs = whole(house)
    faults = short / "f"
    faults.mkdir()
    (short / "c.json").write_text(house.config.model_dump_json())
    keeper = subprocess.Popen(
        [sys.executable, "-m", "services.keeper", "--config", short / "c.json", "--data", house.data],
        env={**os.environ, "TILEWRIGHT_FAULTS": str(faults)},
        stderr=subprocess.DEVNULL,
    )
    other = House(short)
    try:
        control = other.peer("control")
        control.ping()
        (faults / "after_commit").write_text("kill")
        control.send(CancelPlan(plan="big"))
        assert keeper.wait(PATIENCE_SECONDS) == -signal.SIGKILL
    finally:
        keeper.kill()
        keeper.wait()
        other.end()
    with opened(short) as house:
        done = house.status().counts["cancelled"]
        assert 0 < done < jobs
        assert house.peer("control").ask(CancelPlan(plan="big"), Changed).jobs == jobs - done
        assert house.status().counts["cancelled"] == jobs
