"""Large plans at the studio, called off while they come in and while they are put into the queue."""

import pytest
from playwright.async_api import expect

from protocol.codec import catalogue
from protocol.errors import Code, ProtocolError
from protocol.ingest import PartTaken, PlanBegin, PlanPart
from protocol.plan import PlanHead
from services import failpoint
from services.client import Client
from services.keeper import slices
from tests.gateway.house import House
from tests.keeper.test_call_off import CAME, Halt
from tests.keeper.test_parts import islands
from tests.studio.conftest import Desks


async def test_a_plan_that_comes_in_is_called_off_and_its_sender_is_told(house: House, desk: Desks) -> None:
    steps = islands(6)
    program = Client(house.sockets.address("ingest"), catalogue(PartTaken))
    await program.exchange(PlanBegin(plan=PlanHead(id="big", name="Harbour"), steps=6))
    one = await desk()
    draft = one.page.locator("[data-draft=big]")
    await draft.locator("[data-act=drop-draft]").click()
    await expect(draft).to_contain_text("Nothing of the plan is kept.")
    await draft.locator("[data-act=sure-drop-draft]").click()
    await expect(draft).to_have_count(0)
    with pytest.raises(ProtocolError) as refused:
        await program.exchange(PlanPart(plan="big", first=0, steps=steps))
    assert refused.value.code is Code.CANCELLED
    await program.close()


async def test_a_plan_that_is_put_into_the_queue_says_how_far_it_is_and_is_called_off(
    house: House, desk: Desks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "SLICE_SECONDS", 0.0)
    monkeypatch.setattr(slices, "HURRIED_SECONDS", 0.0)
    monkeypatch.setattr(failpoint, "_faults", Halt(2))
    _, accepted = await house.post("/api/fill", {"rectangle": [0, 0, 39, 39]})
    one = await desk()
    plan = one.page.locator(f"[data-plan='{accepted['plan']}']")
    await expect(plan.locator("[data-entering]")).to_have_text(
        f"{CAME} of {len(accepted['jobs']):,} jobs in the queue"
    )
    await plan.locator("[data-act=open-plan]").click()
    await plan.locator("[data-act=cancel-plan]").click()
    await expect(plan).to_contain_text(f"Of the plan's {len(accepted['jobs']):,} jobs no more are put into")
    await plan.locator("[data-act=sure-cancel-plan]").click()
    await expect(plan).to_have_attribute("data-settled", "true")
    await one.page.locator(".done-plans summary").click()
    await expect(plan).to_contain_text("called off")
