"""The models that people may pick, as the studio sees them: never a key, never an address."""

from collections.abc import Iterable
from typing import Any

from protocol.errors import Code, ProtocolError
from services.config import AppConfig


class Models:
    """The models of the configuration and whether they can be called."""

    def __init__(self, config: AppConfig) -> None:
        self.take_over(config)

    def take_over(self, config: AppConfig) -> None:
        """Go by another configuration from now on."""
        self.default = config.default_model
        self.layers = config.layers
        self._config = config
        reasons = {model.model_id: config.why_unavailable(model) for model in config.models}
        self._unavailable = {model_id: reason for model_id, reason in reasons.items() if reason}

    def listed(self) -> list[dict[str, Any]]:
        """What a page may know of each model."""
        return [
            {
                "name": model.name,
                "model_id": model.model_id,
                "provider": model.provider,
                "output_layer": model.output_layer,
                "input_layer": model.input_layer,
                "available": model.model_id not in self._unavailable,
                "reason": self._unavailable.get(model.model_id, ""),
                "prompt": model.prompt,
                "negative_prompt": model.negative_prompt,
                "cost_per_image": model.cost_per_image,
                "max_concurrency": model.max_concurrency,
                "requests_per_minute": model.requests_per_minute,
                "daily_budget": model.daily_budget,
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
