"""What every kind of model is asked, and what it must answer."""

import asyncio
import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from services.generator.calls.handles import Handles
from services.generator.calls.once import Keep, unkept
from services.generator.compose import Template
from services.generator.rendered import Rendered
from services.scene import Camera, Pass

if TYPE_CHECKING:
    from services.generator.calls.web import Web

Picture = bytes | NDArray[np.uint8]
"""An image file from somewhere else, still to be inspected, or pixels made in this process."""


@dataclass(frozen=True)
class Request:
    """One call: fill the template's infill. What only some models need is fetched when they ask for it."""

    template: Template
    prompt: str
    negative_prompt: str
    deadline: float
    """On the event loop's clock."""
    renders: Callable[[Sequence[tuple[int, int]]], Awaitable[dict[tuple[int, int], Rendered]]]
    """Colour, object and depth of quadrants that lie in the infill or its halo."""
    palette: Callable[[], Awaitable[bytes | None]]
    """The map's palette, if it has one."""
    say: Callable[[str], None]
    """Tells people what is being done."""
    seed: int | None = None
    """What chance begins from, where the model knows such a thing; None leaves it to the provider."""
    once: Keep = unkept
    """Makes a call that costs something, unless its answer was kept by an earlier try; see `key`."""
    handles: Handles = field(default_factory=Handles)
    """Where a provider that answers later is remembered, so that another try does not pay again."""

    def key(self, told: Mapping[str, object]) -> str:
        """The name of this call's answer: everything that was paid for, and what else the model was told."""
        told = {**told, "seed": self.seed}
        whole = [self.template.digest, self.prompt, self.negative_prompt, sorted(told.items())]
        return hashlib.sha256(json.dumps(whole).encode()).hexdigest()


@dataclass(frozen=True)
class Shared:
    """What all adapters of one process have together."""

    camera: Camera
    web: "Callable[[], Web]"
    """The way to the outside, opened by the first who needs it."""
    turn: asyncio.Semaphore
    """Taken while the processor works for a local model."""


class Adapter(ABC):
    """A model that can be called. Several calls may run at once.

    One that costs money, or somebody else's time, makes each call through `request.once`.
    """

    @abstractmethod
    async def edit(self, request: Request) -> Picture:
        """The whole window, 1024×1024, with the infill filled; raises TryFailed when it came to nothing."""

    @property
    def takes(self) -> tuple[Pass, ...]:
        """The passes that the template carries for it as conditioning images."""
        return ()

    @property
    @abstractmethod
    def source(self) -> str:
        """How the pixels come about, in a few words kept with every tile version."""

    @property
    @abstractmethod
    def parameters(self) -> Mapping[str, object]:
        """What the model is told besides pictures and prompts; kept with every version, so never a key."""
