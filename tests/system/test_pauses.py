"""Every provider in one world says that it was asked too often: no generator asks before it may."""

import asyncio
import contextlib
from pathlib import Path
from typing import Any

from tests.provider import FakeProvider, Fault
from tests.provider.fault import Mode
from tests.system.conftest import Founder
from tests.system.orders import Orders, described
from tests.system.painter import Painter
from tests.system.world import until

PAUSE_SECONDS = 3.0
WAYS: tuple[Mode, ...] = ("429 seconds", "429 date", "429 body")
GRAPH = Path(__file__).parent.parent / "provider" / "graph.json"
MODELS: dict[str, dict[str, Any]] = {
    **{name: {"api_key": "k"} for name in ("oxen", "oxen-queue", "url", "openai", "gemini")},
    **{name: {"api_key": "k"} for name in ("replicate", "fal", "huggingface")},
    "comfyui": {"graph": str(GRAPH), "nodes": {"image": "10", "prompt": "6", "seed": "3"}},
}


async def test_no_provider_is_called_within_its_pause_by_any_of_two_generators(found: Founder) -> None:
    async with contextlib.AsyncExitStack() as stack:
        providers = {
            name: await stack.enter_async_context(
                FakeProvider(Fault(WAYS[number % 3], times=1, seconds=PAUSE_SECONDS))
            )
            for number, name in enumerate(MODELS)
        }
        world = found(
            models=[
                {**described(name, providers[name].endpoint(name)), **more} for name, more in MODELS.items()
            ],
            default_model_id="oxen",
            services={"renderer": 0, "generator": 2},
            max_attempts=1,
        )
        await asyncio.to_thread(world.start)
        await stack.enter_async_context(Painter(world.data))
        await asyncio.to_thread(world.ready)
        orders = Orders(world, list(MODELS))
        # Three of each: while one is refused, others wait and both generators are free for them.
        for name in MODELS:
            await orders.order(name)
        for name, provider in providers.items():
            await orders.refused(name, provider)
            for row in (1, 2):
                await orders.order(name, row)
        jobs = await asyncio.to_thread(until, "every job over", orders.over)
        assert {job["state"] for job in jobs} == {"complete"}
        assert len(jobs) == 3 * len(MODELS)
        for name, provider in providers.items():
            refused, *later = provider.asked()
            assert len(later) == 3, name
            assert all(call.at >= refused.at + PAUSE_SECONDS for call in later), name
        assert await asyncio.to_thread(world.stop) == 0
