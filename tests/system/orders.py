"""Orders of many models in one world: each model has ground of its own."""

import asyncio
from typing import Any

from tests.provider import FakeProvider
from tests.system.world import World, until

SPACE = 4
"""Quadrants from one job to the next."""


def described(provider: str, endpoint: str) -> dict[str, Any]:
    """A model of a provider as the configuration describes it, but for its key."""
    return {
        "name": f"At {provider}",
        "model_id": provider,
        "provider": provider,
        "provider_model": "omni" if provider == "gemini" else "studio/omni",
        "endpoint": endpoint,
        "prompt": "ink and wash",
    }


class Orders:
    """What is asked of the models of a world, one quadrant each time."""

    def __init__(self, world: World, models: list[str]) -> None:
        self._world = world
        self._models = models

    def place(self, model_id: str, row: int = 0) -> tuple[int, int]:
        """A quadrant of a model's own ground."""
        return self._models.index(model_id) * SPACE, row * SPACE

    async def order(self, model_id: str, row: int = 0) -> None:
        """Ask for one quadrant."""
        body = {"quadrants": [self.place(model_id, row)], "model_id": model_id}
        await asyncio.to_thread(self._world.post, "/api/generate", body)

    async def refused(self, model_id: str, provider: FakeProvider) -> None:
        """Wait until the provider was asked, and nobody asks it now; or somebody does all the same."""
        await provider.hears(1)

        def is_held_back() -> bool:
            models = self._world.get("/api/status")["models"]
            held = any(model["model_id"] == model_id and model["until_seconds"] > 0 for model in models)
            return held or len(provider.asked()) > 1

        await asyncio.to_thread(until, f"{model_id} held back", is_held_back)

    def over(self) -> list[dict[str, Any]] | None:
        """The jobs of the models, once none of them can go on."""
        jobs = self._world.get("/api/queue?kind=generate")["jobs"]
        return jobs if all(job["state"] in ("complete", "error") for job in jobs) else None
