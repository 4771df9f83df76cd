"""Plans whose jobs follow after they were accepted: what is killed on the way there is gone on with."""

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from protocol.control import CancelPlan, Changed, ClearQueue, RetryPlan
from protocol.errors import Code
from protocol.ingest import Accepted, PlanCommit
from protocol.message import Error
from protocol.region import Fill
from services import failpoint
from services.keeper import drawing
from services.keeper.slices import PART
from tests.keeper.house import PATIENCE_SECONDS, House, Peer, opened
from tests.keeper.test_parts import entered, hand_in, islands

STEPS = 480
NOT_ACCEPTED = (-1, -1)


class FullDisk(failpoint.Faults):
    """No job of a large plan can be written for as long as nobody clears up."""

    def __init__(self, place: str = "keeper_enter") -> None:
        super().__init__("", "", "")
        self.place = place
        self.is_full = True

    def meet(self, name: str) -> bool:
        if name == self.place and self.is_full:
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error
        return False


def test_while_a_plan_is_entered_what_touches_it_is_asked_to_wait(
    house: House, control: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = FullDisk()
    monkeypatch.setattr(failpoint, "_faults", disk)
    accepted = control.ask(Fill(plan="big", rectangle=(0, 0, 39, 39)), Accepted)
    for request in (RetryPlan(plan="big"), ClearQueue(), Fill(plan="near", rectangle=(40, 0, 44, 3))):
        refusal = control.ask(request, Error)
        assert (refusal.code, refusal.retry_after) == (Code.BUSY, 1.0)
        assert "Plan big was accepted" in refusal.message
    # Whatever is far away goes on.
    control.ask(Fill(plan="far", rectangle=(400, 0, 403, 3)), Accepted)
    assert house.jobs(plan="big") == []

    disk.is_full = False
    entered(house, len(accepted.jobs) + len(house.jobs(plan="far")))
    assert control.ask(CancelPlan(plan="big"), Changed).jobs == len(accepted.jobs)


def test_a_plan_whose_acceptance_could_not_be_written_is_not_in_its_own_way(
    control: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = FullDisk("keeper_plan")
    monkeypatch.setattr(failpoint, "_faults", disk)
    big = Fill(plan="big", rectangle=(0, 0, 39, 39))
    assert control.ask(big, Error).code == Code.NO_SPACE
    disk.is_full = False
    assert not control.ask(big, Accepted).duplicate


def test_no_job_gets_an_id_of_a_plan_that_waits_in_its_file_while_the_keeper_starts_anew(
    short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = FullDisk()
    monkeypatch.setattr(failpoint, "_faults", disk)
    with opened(short) as house:
        big = house.peer("control").ask(Fill(plan="big", rectangle=(0, 0, 39, 39)), Accepted)
    with opened(short) as house:
        far = house.peer("control").ask(Fill(plan="far", rectangle=(400, 0, 403, 3)), Accepted)
        assert set(big.jobs).isdisjoint(far.jobs)
        disk.is_full = False
        entered(house, len(big.jobs) + len(far.jobs))


def test_a_keeper_killed_again_and_again_while_it_enters_a_plan_loses_and_doubles_nothing(
    short: Path,
) -> None:
    killed(short, "keeper_plan:1", plan=True)
    assert far(short) == NOT_ACCEPTED
    # In the first transaction that moves jobs over, after one, after another, in the last one.
    killed(short, "keeper_enter:1", plan=False)
    there, total = far(short)
    assert (there, total > STEPS) == (0, True)
    for crash in ("after_commit:1", "after_commit:1"):
        killed(short, crash, plan=None)
        before, (there, _) = there, far(short)
        assert before < there < total
    killed(short, f"keeper_enter:{-(-(total - there) // PART)}", plan=None)
    before, (there, _) = there, far(short)
    assert before <= there < total
    with opened(short) as house:
        answer = house.peer("ingest").ask(PlanCommit(plan="big"), Accepted)
        assert answer.duplicate
        assert answer.jobs == list(range(1, total + 1))
        entered(house, total)
        jobs = house.jobs(plan="big", kind="generate")
        assert [job.step for job in jobs] == [f"s{i}" for i in range(STEPS)]
        assert {job.state for job in jobs} == {"blocked"}
        assert list((house.data / "staged").iterdir()) == []


@pytest.mark.parametrize("place", ["draft_begun", "draft_written"])
def test_a_process_that_is_killed_over_a_plan_changes_nothing_and_the_next_one_draws_it_up(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setattr(drawing, "LARGE", 10)
    monkeypatch.setenv("TILEWRIGHT_FAULTS", str(tmp_path))
    (tmp_path / place).write_text("kill")
    ingest = house.peer("ingest")
    hand_in(ingest, islands(101))
    error = ingest.ask(PlanCommit(plan="big"), Error)
    assert error.code == Code.UNAVAILABLE
    assert "nothing was changed" in error.message
    assert house.jobs() == []
    # What came in parts is still here, and nothing else.
    assert [path.suffix for path in (house.data / "staged").iterdir()] == [".parts"]

    accepted = ingest.ask(PlanCommit(plan="big"), Accepted)
    entered(house, len(accepted.jobs))
    assert len(house.jobs(plan="big", kind="generate")) == 101


def killed(short: Path, crash: str, *, plan: bool | None) -> None:
    """Let a keeper die at a place; before, hand the plan in, or (False) ask only for what was handed in."""
    house = House(short)
    config = short / "c.json"
    config.write_text(house.config.model_dump_json())
    process = subprocess.Popen(
        [sys.executable, "-m", "services.keeper", "--config", config, "--data", house.data],
        env={**os.environ, "TILEWRIGHT_CRASH": crash},
        stderr=subprocess.DEVNULL,
    )
    try:
        ingest = house.peer("ingest")
        if plan:
            hand_in(ingest, islands(STEPS), size=1_000)
        if plan is not None:
            ingest.send(PlanCommit(plan="big"))
        assert process.wait(PATIENCE_SECONDS) == -signal.SIGKILL
    finally:
        process.kill()
        process.wait()
        house.end()


def far(short: Path) -> tuple[int, int]:
    """How many jobs of the plan are in the tables, and how many there are."""
    with closing(sqlite3.connect(short / "d" / "tilewright.db")) as file:
        row = file.execute("SELECT entered, jobs FROM plans").fetchone()
        if row is None:
            return NOT_ACCEPTED
        for table, count in (("generation_queue", "id"), ("job_quadrants", "DISTINCT job_id")):
            assert file.execute(f"SELECT count({count}) FROM {table}").fetchone()[0] == row[0]
        return row[0], row[1]
