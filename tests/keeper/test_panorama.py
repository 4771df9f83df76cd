"""Plans on wide ground: it is looked at some at a time, and comes to what one look comes to."""

from pathlib import Path

import pytest

from protocol.control import CancelJob, Changed
from protocol.errors import Code
from protocol.ingest import Accepted
from protocol.message import Error
from protocol.region import Fill, Planned
from services.keeper import panorama, slices
from services.keeper.database import DatabaseFile
from services.keeper.ground import Sought, survey
from services.keeper.panorama import look
from services.keeper.proposal import Proposal, Proposer
from services.keeper.request import Case
from services.keeper.store import Store
from tests.keeper.house import House, Peer, island, opened, until


@pytest.fixture(autouse=True)
def some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few quadrants make wide ground, and each transaction sees only a little of it."""
    for name, value in (("WIDE", 100), ("LITTLE", 0), ("CELLS", 60), ("JOBS", 3), ("COLUMNS", 2)):
        monkeypatch.setattr(panorama, name, value)
    monkeypatch.setattr(slices, "SLICE_SECONDS", 0.0)
    monkeypatch.setattr(slices, "HURRIED_SECONDS", 0.0)


def test_many_looks_see_what_one_sees(short: Path) -> None:
    with opened(short) as house:
        worker = house.peer("work")
        house.publish(island(0, 0), island(40, 8, id="s2"), id="done")
        worker.work_off()
        house.publish(*[island(6 * i, 20, id=f"s{i}") for i in range(8)], id="begun")
        house.publish(island(12, 40), id="failed")
        house.peer("control").ask(CancelJob(job=house.jobs(plan="failed", kind="generate")[0].job), Changed)
        for _ in range(5):
            worker.ack(worker.lease("render"))
        worker.lease("render")
    file = DatabaseFile(short / "d")
    store = Store(file.connection)
    for box in ((-2, -2, 60, 60), (0, 0, 3, 30), (38, 0, 200_000, 12)):
        for plan, draws, lays in (("", True, True), ("begun", True, False), ("x", False, False)):
            sought = Sought(
                plan=plan,
                layer="dark" if lays else "generation",
                reads=frozenset(["generation"] if lays else []),
                draws=draws,
                lays=lays,
            )
            looking = look(store, box, sought)
            steps = 0
            while True:
                try:
                    next(looking)
                    steps += 1
                except StopIteration as ended:
                    found = ended.value.whole()
                    break
            assert found == survey(store, box, sought)
            assert steps > (5 if draws else 0)
    file.close()


def test_a_plan_on_wide_ground_is_the_one_that_a_single_look_gives(house: House, control: Peer) -> None:
    house.publish(island(3, 3), id="there")
    house.peer("work").work_off()
    aside = Fill(plan="p", rectangle=(0, 0, 14, 14), dry_run=True)
    wide = control.ask(aside, Planned)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(panorama, "WIDE", 1_000_000)
        assert control.ask(aside, Planned) == wide
    assert wide.left_out_count < 225
    accepted = control.ask(Fill(plan="p", rectangle=(0, 0, 14, 14)), Accepted)
    until(lambda: len(house.jobs(plan="p")) == len(accepted.jobs), "all jobs of the plan")


@pytest.mark.parametrize("is_drawn", [False, True])
def test_what_is_reserved_or_laid_while_a_plan_is_drawn_up_is_seen(
    house: House, control: Peer, monkeypatch: pytest.MonkeyPatch, is_drawn: bool
) -> None:
    house.publish(island(30, 3), id="other")
    propose, came = Proposer.propose, []

    def proposing(self: Proposer, case: Case) -> Proposal:
        """Draw up, in a thread, what is no longer right by the time that it is drawn."""
        if not came:
            came.append("between")
            house.publish(island(5, 5), id="between")
            if is_drawn:
                house.peer("work").work_off()
        return propose(self, case)

    monkeypatch.setattr(Proposer, "propose", proposing)
    answer = control.exchange(Fill(plan="p", rectangle=(0, 0, 14, 14))).body
    if is_drawn:
        assert isinstance(answer, Accepted)
        until(lambda: len(house.jobs(plan="p")) == len(answer.jobs), "all jobs of the plan")
        taken = {cell for job in house.jobs(plan="p", kind="generate") for cell in job.quadrants}
        assert not taken & {(5, 5), (6, 5), (5, 6), (6, 6)} and (0, 0) in taken
    else:
        assert isinstance(answer, Error)
        assert (answer.code, "Plan between" in answer.message) == (Code.CONFLICT, True)
