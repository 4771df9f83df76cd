"""A call is paid for once, whatever becomes of the generator that made it."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from protocol.control import Changed, GetQuadrant, Quadrant, RetryJob
from protocol.plan import Plan
from protocol.view import VersionView
from services.client import Client
from services.tile import decode
from tests.generator.fake_oxen import FakeOxen, sent
from tests.generator.test_generator import ANSWERS, KEY, World
from tests.provider import FakeProvider


class Mortal(World):
    """A world whose generator may be killed and is started anew by the test."""

    @property
    def spooled(self) -> list[Path]:
        return list((self.data / "spool").glob("*"))

    async def generate(self, **environment: str) -> asyncio.subprocess.Process:
        await self.start("generator", {"TILEWRIGHT_TEST_KEY": KEY, **environment})
        return self.processes[-1]

    async def version(self, x: int, y: int) -> VersionView:
        client = Client(self.sockets.address("control"), {**ANSWERS, Quadrant.TYPE: Quadrant})
        try:
            found = await client.ask(GetQuadrant(x=x, y=y), Quadrant)
        finally:
            await client.close()
        return next(version for version in found.versions if version.layer == "generation")


@pytest.fixture
async def oxen() -> AsyncIterator[FakeOxen]:
    async with FakeOxen() as server:
        yield server


@pytest.fixture
async def world(short: Path, oxen: FakeOxen) -> AsyncIterator[Mortal]:
    world = Mortal(short, oxen)
    world.price(0.25)
    await world.open(generator=False)
    yield world
    await world.close()


async def test_killed_with_the_answer_in_hand_the_next_one_pays_nothing(
    short: Path, world: Mortal, oxen: FakeOxen
) -> None:
    faults = short / "faults"
    faults.mkdir()
    (faults / "w_spooled").write_text("kill")
    await world.publish(Plan(id="far", model_id="omni", prompt="ink", rectangle=(0, 0, 2, 0)))
    first = await world.generate(TILEWRIGHT_FAULTS=str(faults))
    assert await asyncio.wait_for(first.wait(), 60) == -signal.SIGKILL
    assert len(world.spooled) == 1
    await world.generate()
    await world.settled("far")
    jobs = (await world.jobs("far")).jobs
    assert [(job.state, job.attempt) for job in jobs] == [("complete", 2), ("complete", 1)]
    assert len(oxen.asked) == len(jobs) == 2
    tiles = await world.tiles("generation", (0, 0), (2, 0))
    assert np.array_equal(decode(tiles[0, 0], "RGB", (0, 0)), 255 - sent(oxen.asked[0])[:512, :512])

    whole, bridge = await world.version(0, 0), await world.version(2, 0)
    assert (whole.cost, bridge.cost) == (0.25, 0.25)
    assert (whole.saw, {(seen.x, seen.y) for seen in bridge.saw}) == ([], {(1, 0), (1, 1)})
    assert (bridge.prompt, bridge.model_id, bridge.source) == ("ink", "omni", "oxen omni")
    assert json.loads(bridge.parameters) == {"model": "omni", "conditioning": {"depth16": "control_image"}}
    assert len(bridge.template) == len(bridge.renders) == 64
    assert (whole.template, whole.renders) != (bridge.template, bridge.renders)
    assert (bridge.worker, bridge.attempt, bridge.job) == ("generator-1", 1, jobs[1].job)
    assert 0 < bridge.model_seconds < bridge.seconds
    # Acknowledged, it is not needed any longer; a generator that was stopped in order has forgotten it.
    await world.close()
    assert world.spooled == []


async def test_a_picture_that_is_no_use_is_asked_for_again(world: Mortal, oxen: FakeOxen) -> None:
    oxen.mode = "one colour"
    await world.publish(Plan(id="far", model_id="omni", rectangle=(0, 0, 1, 1)))
    await world.generate()
    await oxen.hears(2)
    oxen.mode = "ok"
    await world.settled("far")
    [job] = (await world.jobs("far")).jobs
    assert job.state == "complete"
    assert len(oxen.asked) >= 2
    await world.close()
    assert world.spooled == []
    [(calls, cost)] = world.select("SELECT calls, cost FROM generation_queue WHERE kind = 'generate'")
    assert (calls, cost) == (len(oxen.asked), 0.25 * len(oxen.asked))


async def test_a_call_that_was_not_answered_may_have_been_paid_for(short: Path, oxen: FakeOxen) -> None:
    world = Mortal(short, oxen)
    world.price(0.25)
    config = json.loads(world.config.read_text())
    [model] = [model for model in config["models"] if model["model_id"] == "omni"]
    model["timeout_seconds"] = 2
    world.config.write_text(json.dumps(config))
    await world.open(generator=False)
    try:
        oxen.open.clear()
        await world.publish(Plan(id="far", model_id="omni", rectangle=(0, 0, 0, 0), cost_cap=0.6))
        await world.generate()
        await oxen.hears(2)
        oxen.open.set()
        await world.settled("far")
    finally:
        await world.close()
    assert len(oxen.asked) == 2
    paid = world.select(
        "SELECT calls, cost, reserved, presumed FROM generation_queue WHERE kind = 'generate'"
    )
    assert paid == [(1, 0.25, 0.0, 0.25)]


async def test_a_picture_that_lies_elsewhere_is_kept_until_its_host_is_allowed(
    short: Path, oxen: FakeOxen
) -> None:
    oxen.mode = "url"
    world = Mortal(short, oxen)
    world.price(0.25)
    config = json.loads(world.config.read_text())
    [model] = [model for model in config["models"] if model["model_id"] == "omni"]
    model["endpoint"] = oxen.url.replace("127.0.0.1", "localhost")
    world.config.write_text(json.dumps(config))
    await world.open(generator=False)
    try:
        await world.publish(Plan(id="far", model_id="omni", rectangle=(0, 0, 1, 1)))
        first = await world.generate()
        await world.settled("far")
        [job] = (await world.jobs("far")).jobs
        assert (job.state, job.error_class) == ("error", "rejected")
        assert "Add it to the model's result_hosts" in job.reason
        first.terminate()
        await first.wait()
        model["result_hosts"] = [oxen.url.removeprefix("http://")]
        world.config.write_text(json.dumps(config))
        await world.generate()
        client = Client(world.sockets.address("control"), {**ANSWERS, Changed.TYPE: Changed})
        await client.ask(RetryJob(job=job.job), Changed)
        await client.close()
        async with asyncio.timeout(30):
            while (await world.jobs("far")).jobs[0].state != "complete":  # noqa: ASYNC110 - it settled before
                await asyncio.sleep(0.05)
        assert len(oxen.asked) == 1
        assert (await world.version(0, 0)).cost == 0.25
    finally:
        await world.close()


async def test_killed_while_it_is_painted_the_next_one_asks_for_the_same_picture(
    short: Path, oxen: FakeOxen
) -> None:
    async with FakeProvider(key=KEY) as provider:
        world = Mortal(short, oxen)
        config = json.loads(world.config.read_text())
        model = {"name": "Later", "model_id": "later", "provider": "replicate", "cost_per_image": 0.5}
        model |= {"provider_model": "studio/omni", "api_key": "${TILEWRIGHT_TEST_KEY}"}
        config["models"].append({**model, "endpoint": provider.url, "parameters": {"seed": 9}})
        world.config.write_text(json.dumps(config))
        await world.open(generator=False)
        try:
            provider.open.clear()
            await world.publish(Plan(id="far", model_id="later", rectangle=(0, 0, 0, 0)))
            first = await world.generate()
            await provider.hears(1, "poll")
            first.kill()
            await first.wait()
            provider.open.set()
            await world.generate()
            await world.settled("far")
            version = await world.version(0, 0)
        finally:
            await world.close()
    assert len(provider.asked()) == 1
    assert len({call.path for call in provider.asked("poll")}) == 1
    assert (version.cost, version.seed, version.source) == (0.5, 9, "replicate studio/omni")
    assert world.select("SELECT calls, handle FROM generation_queue WHERE kind = 'generate'") == [(1, "")]
