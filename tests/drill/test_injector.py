"""The injector on a real supervisor: faults that follow each other at once."""

import asyncio
from pathlib import Path

from services.drill.chooser import Chooser
from services.drill.curator import Curator
from services.drill.faults import Fault
from services.drill.injector import Injector
from services.drill.ledger import Ledger
from services.drill.meddler import Meddler
from services.drill.plans import Plans
from services.drill.publisher import Publishers
from services.drill.stage import PATIENCE_SECONDS, Stage


class Slow(Stage):
    """Whoever waits first for a killed process hears of it late, as on a machine with much else to do."""

    late = [0.0, 1.5]
    timed_at_harm: int | None = None
    injector: Injector

    async def ready(self, name: str, *, seconds: float = PATIENCE_SECONDS) -> int:
        if self.supervisor is not None and self.late:
            await asyncio.sleep(self.late.pop(0))
        return await super().ready(name, seconds=seconds)

    async def kill_supervisor(self) -> float:
        self.timed_at_harm = len(self.injector.recoveries)
        return await super().kill_supervisor()


async def inject(stage: Slow, faults: list[Fault]) -> Injector:
    """Inject them without a pause between them, on a system that serves; an `Injector` that is done."""
    ledger = Ledger(stage.ledgers, "people")
    meddler = Meddler(stage, ledger, 1)
    plans = Plans(1)
    publishers = Publishers(stage, ledger, plans, 0)
    curator, chooser = Curator(meddler, ledger, 1), Chooser(meddler, ledger, plans, 1)
    stage.injector = Injector(stage, publishers, meddler, curator, chooser)
    try:
        stage.start()
        await stage.injector.run(faults, lambda: 0, lambda: True)
        await stage.injector.calm()
        assert await stage.stop() == 0
    finally:
        stage.injector.cancel()
        await publishers.close()
        await meddler.close()
        await stage.close()
        ledger.close()
    return stage.injector


def test_a_keeper_that_refuses_a_broken_file_is_not_taken_for_the_one_that_was_killed(tmp_path: Path) -> None:
    stage = Slow("http://127.0.0.1:9", lease_seconds=1.0, within=tmp_path)
    faults = [Fault(0, "kill", "keeper"), Fault(0, "harm", what="scribbled locked")]
    injector = asyncio.run(inject(stage, faults))
    assert injector.wrong == []
    assert stage.timed_at_harm == 1
