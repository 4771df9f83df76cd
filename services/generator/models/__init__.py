"""The models that can be called, by provider."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from services.config import Camera, Model, Provider
from services.generator.models.adapter import Adapter, Picture, Request
from services.generator.models.oxen import Oxen
from services.generator.models.pixel_art import PixelArt
from services.generator.models.web import Web


@dataclass(frozen=True)
class Shared:
    """What all adapters of one process have together."""

    camera: Camera
    web: Web
    turn: asyncio.Semaphore
    """Taken while the processor works for a local model."""


ADAPTERS: dict[Provider, Callable[[Model, Shared], Adapter]] = {
    "pixel-art": lambda model, shared: PixelArt(model, shared.camera, shared.turn),
    "oxen": lambda model, shared: Oxen(model, shared.web),
}

__all__ = ["ADAPTERS", "Adapter", "Picture", "Request", "Shared"]
