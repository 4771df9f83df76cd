"""The models of the configuration, and whether a plan may use them."""

import json
import os

from protocol.errors import Code, ProtocolError
from services.config import AppConfig, Model


def usable(config: AppConfig, model_id: str | None) -> Model:
    """The model of that id, or the default; raises UNKNOWN_MODEL or MODEL_UNAVAILABLE."""
    wanted = model_id or config.default_model
    model = config.model(wanted)
    if model is None:
        known = ", ".join(known.model_id for known in config.models)
        raise ProtocolError(
            Code.UNKNOWN_MODEL, f"There is no model {wanted}; the known ones are {known}.", details=known
        )
    if reason := why_unavailable(model):
        raise ProtocolError(Code.MODEL_UNAVAILABLE, f"{model.name} cannot be used: {reason}")
    return model


def why_unavailable(model: Model) -> str:
    """A sentence, or nothing if the model can be called.

    Keys are given to the generator alone; which models lack theirs the supervisor says in
    TILEWRIGHT_UNAVAILABLE, a JSON object of sentences by model id.
    """
    told: dict[str, str] = json.loads(os.environ.get("TILEWRIGHT_UNAVAILABLE") or "{}")
    if model.model_id in told:
        return told[model.model_id]
    return "" if model.key_variable() else model.why_unavailable()
