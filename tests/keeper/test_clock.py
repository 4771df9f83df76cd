"""The steady clock: what the wall's clock does changes no lease and no delay."""

from pathlib import Path

import pytest

from protocol.errors import Code
from protocol.ingest import Accepted, PartTaken, PlanBegin
from protocol.message import Error
from protocol.plan import PlanHead
from protocol.region import Render
from protocol.work import Nack, Nacked, Touch
from services.keeper import clock as clocks
from services.keeper import keeper as keepers
from services.keeper.parts import VOID_SECONDS
from tests.keeper.house import Clock, House, Peer, until

DAY = 86_400.0


@pytest.fixture
def job(control: Peer) -> int:
    return control.ask(Render(plan="r", quadrants=[(0, 0)]), Accepted).jobs[0]


def turned(house: House, restart: bool) -> None:
    """Give the keeper the time to notice what it should not."""
    if restart:
        house.close()
        house.open()
    seen = house.events()[-1].seq
    house.peer("work").ask(Touch(job=99, token=1), Error)
    assert house.events()[-1].seq == seen


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("jump", [DAY, -DAY])
def test_a_jump_of_the_walls_clock_neither_ends_nor_prolongs_a_lease(
    house: House, job: int, worker: Peer, clock: Clock, jump: float, restart: bool
) -> None:
    lease = worker.lease("render")
    clock.jump(jump)
    turned(house, restart)
    assert house.job(job).state == "processing"
    clock.forward(lease.expires_in - 1)
    turned(house, False)
    assert house.job(job).state == "processing"
    clock.forward(2)
    until(lambda: house.job(job).state == "pending", "the lease to run out")


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("jump", [DAY, -DAY])
def test_a_jump_of_the_walls_clock_neither_ends_nor_prolongs_a_delay(
    house: House, job: int, worker: Peer, clock: Clock, jump: float, restart: bool
) -> None:
    for _ in range(2):
        lease = worker.lease("render")
        nack = Nack(job=job, token=lease.token, error_class="transient", reason="It broke.")
        wait = worker.ask(nack, Nacked).retry_in
        assert house.job(job).retry_at == pytest.approx(clock.now + wait)
        clock.jump(jump)
        turned(house, restart)
        assert house.job(job).retry_at == pytest.approx(clock.now + wait)
        assert worker.ready("render") is None
        clock.forward(wait + 0.001)


@pytest.mark.parametrize("jump", [DAY, -DAY])
def test_a_jump_of_the_walls_clock_neither_forgets_nor_keeps_a_plan_that_was_begun(
    house: House, clock: Clock, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    house.close()
    monkeypatch.setattr(keepers, "FILE_SECONDS", 0.0)
    house.open()
    ingest = house.peer("ingest")
    for name in ("old", "young"):
        ingest.ask(PlanBegin(plan=PlanHead(id=name), steps=2), PartTaken)
        clock.forward(VOID_SECONDS / 2)
    clock.jump(jump)
    until(lambda: [draft.plan for draft in house.status().drafts] == ["young"], "the old one to be forgotten")


def test_after_the_machine_was_started_anew_every_lease_is_void(
    house: House, job: int, worker: Peer, clock: Clock
) -> None:
    lease = worker.lease("render")
    house.close()
    clock.reboot()
    clock.jump(-DAY)
    house.open()

    found = house.job(job)
    assert (found.state, found.attempt, found.deaths) == ("pending", 1, 1)
    assert worker.ask(Touch(job=job, token=lease.token), Error).code == Code.LEASE_LOST
    assert worker.lease("render").token > lease.token


def test_after_the_machine_was_started_anew_no_delay_outlasts_its_kind(
    house: House, job: int, worker: Peer, clock: Clock
) -> None:
    lease = worker.lease("render")
    nack = Nack(job=job, token=lease.token, error_class="transient", reason="It broke.")
    worker.ask(nack, Nacked)
    house.close()
    clock.reboot()
    clock.jump(-DAY)
    house.open()
    assert worker.ready("render") is None
    clock.forward(60.001)
    assert worker.lease("render").attempt == 2


def test_the_walls_clock_can_be_set_for_a_drill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clocks, "_FAULTS", str(tmp_path))
    before = clocks.wall()
    (tmp_path / "clock").write_text("86400")
    assert DAY <= clocks.wall() - before < DAY + 60


def test_the_life_of_the_machine_has_a_name() -> None:
    assert clocks.boot_id() == clocks.boot_id()
