"""The models that can be called: an adapter for each provider, in the file of its name."""

import importlib
from typing import Protocol

from services.generator.models.adapter import Adapter, Picture, Request, Shared
from services.model import Model


class Make(Protocol):
    """What every adapter's file calls `adapter`."""

    def __call__(self, model: Model, shared: Shared) -> Adapter: ...


def adapter(model: Model, shared: Shared) -> Adapter:
    """The adapter of a model's provider.

    Its file is loaded when it is first needed: an HTTP client takes a third of a start, and a local model
    calls nobody.
    """
    module = importlib.import_module(f"{__name__}.{model.provider.replace('-', '_')}")
    make: Make = module.adapter
    return make(model, shared)


__all__ = ["Adapter", "Picture", "Request", "Shared", "adapter"]
