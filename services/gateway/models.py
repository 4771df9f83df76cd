"""The models that people may pick, as the studio sees them: never a key, never an address."""

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

from protocol.errors import Code, ProtocolError
from services.config import AppConfig

UNAVAILABLE_VARIABLE = "TILEWRIGHT_UNAVAILABLE"
"""Set by the supervisor: model_id → reason, as JSON. This process is not given the keys themselves."""


def unavailable_models(config: AppConfig, environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Why each model that cannot be called cannot be called."""
    told = (os.environ if environment is None else environment).get(UNAVAILABLE_VARIABLE)
    if told is None:
        reasons = {model.model_id: model.why_unavailable() for model in config.models}
    else:
        reasons = {str(model_id): str(reason) for model_id, reason in json.loads(told).items()}
    return {model_id: reason for model_id, reason in reasons.items() if reason}


class Models:
    """The models of the configuration and whether they can be called."""

    def __init__(self, config: AppConfig) -> None:
        self.default = config.default_model
        self._config = config
        self._unavailable = unavailable_models(config)

    def listed(self) -> list[dict[str, Any]]:
        """What a page may know of each model."""
        return [
            {
                "name": model.name,
                "model_id": model.model_id,
                "provider": model.provider,
                "available": model.model_id not in self._unavailable,
                "reason": self._unavailable.get(model.model_id, ""),
                "prompt": model.prompt,
                "negative_prompt": model.negative_prompt,
                "cost_per_image": model.cost_per_image,
                "max_concurrency": model.max_concurrency,
            }
            for model in self._config.models
        ]

    def chosen(self, model_id: str | None) -> str:
        """The id that a request means; raises ProtocolError if that model is unknown or cannot be called."""
        model_id = model_id or self.default
        self.check([model_id])
        return model_id

    def check(self, model_ids: Iterable[str]) -> None:
        """Raise ProtocolError for the first id that is unknown or cannot be called."""
        known = {model.model_id: model.name for model in self._config.models}
        for model_id in model_ids:
            if model_id not in known:
                raise ProtocolError(
                    Code.UNKNOWN_MODEL,
                    f"There is no model {model_id!r}.",
                    details="known: " + ", ".join(known),
                )
            if model_id in self._unavailable:
                raise ProtocolError(
                    Code.MODEL_UNAVAILABLE,
                    f"{known[model_id]} cannot be called now: {self._unavailable[model_id]}",
                )
