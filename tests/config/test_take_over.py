"""Keeper, gateway and generator go by another configuration while they work."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from protocol.errors import Code
from protocol.ingest import Accepted
from protocol.message import Layer
from protocol.region import Render
from protocol.work import GenerateWork, Lease, PixelRef, Touch, Touched
from services.config import AppConfig
from services.generator.generator import Generator
from services.spool import Spool
from services.worker import Task
from tests.gateway.house import CANARY, CONFIG
from tests.gateway.house import House as Gateway
from tests.gateway.house import until as soon
from tests.generator.city import layers
from tests.generator.fake_oxen import FakeOxen
from tests.keeper.house import House, island, opened


@pytest.fixture
def house(short: Path) -> Iterator[House]:
    with opened(short) as house:
        yield house


def changed(house: House, **fields: object) -> AppConfig:
    return AppConfig.model_validate({**house.config.model_dump(), **fields})


def test_the_keeper_plans_and_leases_by_the_new_one(house: House) -> None:
    later = {"name": "Later", "model_id": "later", "provider": "oxen", "api_key": "literal"}
    models = [*house.config.model_dump()["models"], later]
    assert house.refused(island(0, 0), model_id="later").code == Code.UNKNOWN_MODEL
    house.peer("control").ask(Render(plan="r", quadrants=[(50, 50), (54, 50)]), Accepted)
    worker = house.peer("work")
    before = worker.lease("render")
    assert before.expires_in == pytest.approx(60)

    house.take_over(changed(house, models=models, max_attempts=7, lease_seconds=9))
    accepted = house.publish(island(0, 0), model_id="later")
    assert house.job(accepted.jobs[0]).max_attempts == 7
    assert worker.lease("render").expires_in == pytest.approx(9)
    # What is under way goes on.
    assert worker.ask(Touch(job=before.job, token=before.token), Touched).expires_in == pytest.approx(9)

    house.take_over(changed(house, models=models[:-1]))
    assert house.refused(island(9, 9), id="p2", model_id="later").code == Code.UNKNOWN_MODEL


@pytest.fixture
async def gateway(short: Path) -> AsyncIterator[Gateway]:
    gateway = Gateway(short)
    async with aiohttp.ClientSession() as gateway.session:
        yield gateway
    gateway.close()


async def test_the_gateway_shows_the_new_one_and_keeps_the_old_one_when_the_new_is_wrong(
    gateway: Gateway,
) -> None:
    await gateway.open("gateway")

    async def listed() -> list[str]:
        _, answer, _ = await gateway.get("/api/models")
        return [model["model_id"] for model in answer["models"]]

    async def told() -> bool:
        return "the configuration is not taken over" in gateway.out("gateway")

    async def without_paid() -> bool:
        return await listed() == ["pixel-art", "chunky", "keyless"]

    before = await listed()
    gateway.config.write_text(json.dumps(CONFIG)[:-30])
    gateway.processes["gateway"].send_signal(signal.SIGHUP)
    await soon(told, "a complaint")
    assert await listed() == before
    assert CANARY not in gateway.out("gateway")
    models = [model for model in CONFIG["models"] if model["model_id"] != "paid"]
    gateway.configure(models=models, passes=["class"])
    gateway.processes["gateway"].send_signal(signal.SIGHUP)
    await soon(without_paid, "other models")
    _, refusal, _ = await gateway.get("/tiles/depth16/0/0/0")
    assert refusal["error"]["message"] == "Layers are render, generation, class; add depth16 to passes."
    assert gateway.processes["gateway"].poll() is None


class Drawn(Task):
    """A task whose renders are there."""

    async def fetch(
        self, layer: Layer, quadrants: list[tuple[int, int]]
    ) -> dict[tuple[int, int], tuple[PixelRef, bytes]]:
        ref = PixelRef(layer=layer, x=0, y=0, version=1, sha256="0" * 64, attachment=0)
        return {cell: (ref, layers(cell)[layer]) for cell in quadrants}


async def test_a_call_under_way_ends_with_the_model_it_began_with(short: Path) -> None:
    cells = [(0, 0), (1, 0), (0, 1), (1, 1)]
    work = GenerateWork(x=0, y=0, quadrants=cells, padding=[], scaffold=[], model_id="omni", prompt="art")

    def task(job: int) -> Task:
        lease = Lease(job=job, token=job, plan="p", step="s", attempt=1, expires_in=60.0, work=work)
        return Drawn(lease, None)  # type: ignore[arg-type] - never asked

    def config(url: str) -> AppConfig:
        model = {"name": "Omni", "model_id": "omni", "provider": "oxen", "api_key": "k", "endpoint": url}
        return AppConfig.model_validate({"models": [model]})

    async def begun() -> bool:
        return bool(one.seen)

    async with FakeOxen() as one, FakeOxen() as two:
        one.open.clear()
        generator = Generator(config(one.url), Spool(short / "spool"))
        first = asyncio.create_task(generator.perform(task(1)))
        await soon(begun, "the first call")
        generator.take_over(config(two.url))
        second = await generator.perform(task(2))
        assert (len(one.asked), len(two.asked)) == (1, 1)
        one.open.set()
        assert (await first).tiles == second.tiles
        generator.take_over(config(two.url))
        await generator.perform(task(3))
        assert (len(one.asked), len(two.asked)) == (1, 2)
        await generator.close()
