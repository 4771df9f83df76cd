"""Plans called off before they are accepted, or before all their jobs are in the queue."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from protocol.control import CancelPlan, Changed
from protocol.errors import Code
from protocol.ingest import Accepted, PartTaken, PlanBegin, PlanCommit, PlanPart, Publish
from protocol.message import Error, Message
from protocol.plan import Plan
from protocol.region import Fill
from services import failpoint
from services.keeper import drawing, slices
from services.keeper import parts as parts_module
from tests.keeper.house import PATIENCE_SECONDS, House, Peer, island, opened, until
from tests.keeper.test_entering import far, killed
from tests.keeper.test_parts import HEAD, entered, hand_in, islands

CAME = 2 * slices.PART
"""Jobs that are in the queue when no more come."""


class Halt(failpoint.Faults):
    """After some parts no more of a plan is put into the queue, as on a full disk."""

    def __init__(self, parts: int) -> None:
        super().__init__("", "", "")
        self.left = parts

    def meet(self, name: str) -> bool:
        if name == "keeper_enter":
            if self.left == 0:
                error = sqlite3.OperationalError("database or disk is full")
                error.sqlite_errorcode = sqlite3.SQLITE_FULL
                raise error
            self.left -= 1
        return False


@pytest.fixture
def ingest(house: House) -> Peer:
    return house.peer("ingest")


def files(house: House) -> list[str]:
    return sorted(path.suffix for path in (house.data / "staged").iterdir())


def is_refused(peer: Peer, request: Message) -> bool:
    error = peer.ask(request, Error)
    assert "Plan big was called off before it was accepted" in error.message
    return error.code == Code.CANCELLED


def test_of_a_plan_that_is_still_coming_in_nothing_is_kept_and_no_more_is_taken(short: Path) -> None:
    steps = islands(6)
    with opened(short) as house:
        ingest, control = house.peer("ingest"), house.peer("control")
        ingest.ask(PlanBegin(plan=HEAD, steps=6), PartTaken)
        ingest.ask(PlanPart(plan="big", first=0, steps=steps[:4]), PartTaken)
        assert [control.ask(CancelPlan(plan="big"), Changed).jobs for _ in range(2)] == [0, 0]
        assert house.status().drafts == []
        assert files(house) == [".off"]
    with opened(short) as house:
        ingest, control = house.peer("ingest"), house.peer("control")
        for request in (
            PlanPart(plan="big", first=4, steps=steps[4:]),
            PlanCommit(plan="big"),
            PlanBegin(plan=HEAD, steps=6),
            Publish(plan=Plan(id="big", steps=steps[:1])),
            Fill(plan="big", rectangle=(0, 0, 1, 1)),
        ):
            assert is_refused(ingest if request.TYPE != "fill" else control, request)
        assert control.ask(CancelPlan(plan="big"), Changed).jobs == 0
        assert control.ask(CancelPlan(plan="other"), Error).code == Code.UNKNOWN_PLAN
        # Under another id it is another plan.
        house.publish(*steps, id="again")


def test_a_crash_between_the_two_files_leaves_nothing_of_the_plan_and_an_hour_later_it_is_forgotten(
    tmp_path: Path,
) -> None:
    parts = parts_module.Parts(tmp_path / "staged")
    parts.begin(HEAD, 4, now=0.0)
    (file,) = (tmp_path / "staged").iterdir()
    content = file.read_bytes()
    parts.call_off("big", now=0.0)
    file.write_bytes(content)

    parts = parts_module.Parts(tmp_path / "staged")
    assert parts.begun() == []
    with pytest.raises(parts_module.ProtocolError) as refused:
        parts.begin(HEAD, 4, now=3_500.0)
    assert refused.value.code == Code.CANCELLED
    # As long as it is asked for, it is remembered.
    parts.void(7_000.0)
    assert parts_module.Parts(tmp_path / "staged").is_called_off("big")
    parts.void(7_100.0)
    assert parts.begin(HEAD, 4, now=7_100.0) == 0
    assert [path.suffix for path in (tmp_path / "staged").iterdir()] == [".parts"]


def test_the_process_that_draws_a_plan_up_is_ended(
    house: House, control: Peer, ingest: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing, "LARGE", 100)
    monkeypatch.setenv("TILEWRIGHT_FAULTS", str(tmp_path))
    (tmp_path / "draft_begun").write_text("stop")
    hand_in(ingest, islands(101))
    ingest.send(PlanCommit(plan="big"))
    until(lambda: not (tmp_path / "draft_begun").exists(), "the process to hang")
    assert [(draft.plan, draft.drawing) for draft in house.status().drafts] == [("big", True)]

    assert control.ask(CancelPlan(plan="big"), Changed).jobs == 0
    answer = ingest.hear().body
    assert isinstance(answer, Error) and answer.code == Code.CANCELLED
    assert house.status().drafts == []
    until(lambda: files(house) == [".off"], "nothing of it to be left")
    assert house.jobs() == []
    # The next one need not wait for a process that hangs.
    hand_in(ingest, islands(101), head=HEAD.model_copy(update={"id": "next"}))
    ingest.ask(PlanCommit(plan="next"), Accepted)


def test_what_a_thread_draws_up_is_thrown_away(house: House, control: Peer) -> None:
    with house.held():
        control.send(Fill(plan="big", rectangle=(0, 0, 39, 39)), id="fill")
        control.send(CancelPlan(plan="big"), id="cancel")
    answers = {answer.re: answer.body for answer in (control.hear(), control.hear())}
    assert isinstance(answers["cancel"], Changed)
    refusal = answers["fill"]
    assert isinstance(refusal, Error) and refusal.code == Code.CANCELLED
    assert (house.jobs(), house.status().drafts, files(house)) == ([], [], [".off"])


def test_of_a_plan_that_is_being_entered_no_more_comes_and_what_came_is_called_off(
    house: House, control: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One part in each transaction.
    monkeypatch.setattr(slices, "SLICE_SECONDS", 0.0)
    monkeypatch.setattr(slices, "HURRIED_SECONDS", 0.0)
    monkeypatch.setattr(failpoint, "_faults", Halt(2))
    accepted = control.ask(Fill(plan="big", rectangle=(0, 0, 39, 39)), Accepted)
    behind = control.ask(Fill(plan="behind", rectangle=(400, 0, 439, 39)), Accepted)
    until(lambda: sum(house.status().counts.values()) == CAME, "some of its jobs")
    assert len(accepted.jobs) > CAME

    # One that waits for its turn, and the one whose turn it is.
    assert control.ask(CancelPlan(plan="behind"), Changed).jobs == 0
    assert control.ask(CancelPlan(plan="big"), Changed).jobs == CAME
    assert +Counter(house.status().counts) == {"cancelled": CAME}
    until(lambda: files(house) == [], "nothing of them to be left")
    assert [control.ask(CancelPlan(plan=plan), Changed).jobs for plan in ("big", "behind")] == [0, 0]
    again = control.ask(Fill(plan="big", rectangle=(0, 0, 39, 39)), Accepted)
    assert (again.duplicate, again.jobs) == (True, accepted.jobs[:CAME])

    monkeypatch.setattr(failpoint, "_faults", Halt(-1))
    anew = control.ask(Fill(plan="anew", rectangle=(0, 0, 39, 39)), Accepted)
    assert not {*anew.jobs} & {*accepted.jobs, *behind.jobs}
    entered(house, CAME + len(anew.jobs))


def test_a_keeper_killed_while_it_calls_a_plan_off_is_asked_again_and_ends_it(short: Path) -> None:
    killed(short, "keeper_plan:1", plan=True)
    killed(short, "keeper_enter:3", plan=False)
    there, total = far(short)
    assert total > there
    house = House(short)
    (short / "c.json").write_text(house.config.model_dump_json())
    control = house.peer("control")
    control.send(CancelPlan(plan="big"))
    process = subprocess.Popen(
        [sys.executable, "-m", "services.keeper", "--config", short / "c.json", "--data", house.data],
        env={**os.environ, "TILEWRIGHT_CRASH": "after_commit:3"},
        stderr=subprocess.DEVNULL,
    )
    try:
        assert process.wait(PATIENCE_SECONDS) == -signal.SIGKILL
    finally:
        process.kill()
        process.wait()
        house.end()
    with opened(short) as house:
        house.peer("control").ask(CancelPlan(plan="big"), Changed)
        until(lambda: files(house) in ([], [".parts"]), "nothing of it to be left")
        assert (+Counter(house.status().counts)).keys() == {"cancelled"}
        house.publish(island(0, 0), id="next")
