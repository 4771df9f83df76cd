"""The models that can be called, by provider."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.config import Model, Provider
from services.generator.models.adapter import Adapter, Picture, Request
from services.generator.models.pixel_art import PixelArt
from services.scene import Camera

if TYPE_CHECKING:
    from services.generator.models.web import Web


@dataclass(frozen=True)
class Shared:
    """What all adapters of one process have together."""

    camera: Camera
    web: "Callable[[], Web]"
    """The way to the outside, opened by the first who needs it."""
    turn: asyncio.Semaphore
    """Taken while the processor works for a local model."""


def _oxen(model: Model, shared: Shared) -> Adapter:
    # Imported here: an HTTP client takes a third of a start, and a local model calls nobody.
    from services.generator.models.oxen import Oxen

    return Oxen(model, shared.web())


ADAPTERS: dict[Provider, Callable[[Model, Shared], Adapter]] = {
    "pixel-art": lambda model, shared: PixelArt(model, shared.camera, shared.turn),
    "oxen": _oxen,
}

__all__ = ["ADAPTERS", "Adapter", "Picture", "Request", "Shared"]
