"""Candidates made by real models: the same template, other seeds, each paid for once whoever dies."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from protocol.codec import catalogue
from protocol.control import GetQuadrant, Quadrant
from protocol.ingest import Accepted
from protocol.order import Adopt, Candidates, ListCandidates, Reverted
from protocol.region import Compare
from protocol.view import CandidateView
from protocol.work import Fetch, Pixels
from services.client import Client
from services.process import UNAVAILABLE_VARIABLE
from services.tile import decode
from tests.generator.fake_oxen import FakeOxen, sent
from tests.generator.test_paid_once import Mortal

BLOCK = [(0, 0), (1, 0), (0, 1), (1, 1)]


@pytest.fixture
async def oxen() -> AsyncIterator[FakeOxen]:
    async with FakeOxen() as server:
        yield server


@pytest.fixture
async def world(short: Path, oxen: FakeOxen, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Mortal]:
    (short / "faults").mkdir()
    monkeypatch.setenv("TILEWRIGHT_FAULTS", str(short / "faults"))
    world = Mortal(short, oxen)
    world.price(0.25)
    # One call at a time, so that none is under way when the generator dies.
    config = json.loads(world.config.read_text())
    for model in config["models"]:
        model["max_concurrency"] = 1
    world.config.write_text(json.dumps(config))
    await world.open(generator=False)
    yield world
    await world.close()


async def test_killed_in_the_middle_each_is_made_and_paid_for_once(
    short: Path, world: Mortal, oxen: FakeOxen
) -> None:
    answers = catalogue(Accepted, Candidates, Pixels, Reverted, Quadrant)
    control = Client(world.sockets.address("control"), answers)
    await control.ask(Compare(plan="c", quadrants=BLOCK, models=["omni"], seeds=[7, 8]), Accepted)
    (short / "faults" / "w_spooled").write_text("kill")
    first = await world.generate()
    assert await asyncio.wait_for(first.wait(), 60) == -signal.SIGKILL
    # The next one hands in what the first had paid for, and the keeper dies over it.
    keeper = world.processes[0]
    (short / "faults" / "keeper_ack").write_text("kill")
    await world.generate()
    assert await asyncio.wait_for(keeper.wait(), 60) == -signal.SIGKILL
    await world.start("keeper", {UNAVAILABLE_VARIABLE: str(world.folder / "unavailable.json")})
    await world.settled("c")

    found = (await control.ask(ListCandidates(plan="c"), Candidates, timeout=30.0)).candidates
    assert [(one.model_id, one.seed, one.state, one.adoptable) for one in found] == [
        ("omni", 7, "complete", True),
        ("omni", 8, "complete", True),
    ]
    assert sorted(asked["seed"] for asked in oxen.asked) == [7, 8]
    assert np.array_equal(sent(oxen.asked[0]), sent(oxen.asked[1]))
    assert len({one.template for one in found}) == 1
    assert [one.cost for one in found] == [0.25, 0.25]
    assert await world.tiles("generation", *BLOCK) == {}

    chosen = found[1]
    images = await pixels(control, chosen)
    assert (await control.ask(Adopt(orphan=chosen.orphan), Reverted)).quadrants == 4
    assert await world.tiles("generation", *BLOCK) == images
    whole = 255 - sent(oxen.asked[0])
    assert np.array_equal(decode(images[0, 0], "RGB", (0, 0)), whole[:512, :512])
    history = (await control.ask(GetQuadrant(x=0, y=0), Quadrant)).versions
    [version] = [one for one in history if one.layer == "generation"]
    assert (version.model_id, version.seed, version.cost, version.source) == ("omni", 8, 0.25, "oxen omni")
    assert (version.job, version.template, version.plan) == (chosen.job, chosen.template, "c")
    await control.close()


async def pixels(control: Client, candidate: CandidateView) -> dict[tuple[int, int], bytes]:
    envelope = await control.exchange(Fetch(orphan=candidate.orphan))
    assert isinstance(envelope.body, Pixels)
    return {(ref.x, ref.y): envelope.attachments[ref.attachment] for ref in envelope.body.tiles}
