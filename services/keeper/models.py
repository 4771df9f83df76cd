"""The models of the configuration, and whether a plan may use them."""

from protocol.errors import Code, ProtocolError
from services.config import AppConfig
from services.model import Model


def usable(config: AppConfig, model_id: str | None) -> Model:
    """The model of that id, or the default; raises UNKNOWN_MODEL or MODEL_UNAVAILABLE."""
    wanted = model_id or config.default_model
    model = config.model(wanted)
    if model is None:
        known = ", ".join(known.model_id for known in config.models)
        raise ProtocolError(
            Code.UNKNOWN_MODEL, f"There is no model {wanted}; the known ones are {known}.", details=known
        )
    if reason := config.why_unavailable(model):
        raise ProtocolError(Code.MODEL_UNAVAILABLE, f"{model.name} cannot be used: {reason}")
    return model
