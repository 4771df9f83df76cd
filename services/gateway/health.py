"""`/health` and `/metrics`: for whatever watches the house from outside."""

from collections.abc import Sequence

from aiohttp import web

from protocol.control import GetStatus, Status
from protocol.errors import ProtocolError
from protocol.message import Ping, Pong
from protocol.view import ModelView
from services.gateway.events import Listeners
from services.gateway.keeper import Keeper
from services.gateway.refusal import refusal

PING_SECONDS = 2.0


class Health:
    """Handlers of `/health` and `/metrics`."""

    def __init__(self, keeper: Keeper, listeners: Listeners) -> None:
        self._keeper = keeper
        self._listeners = listeners

    def routes(self) -> list[web.RouteDef]:
        """The table of addresses."""
        return [web.get("/health", self.health), web.get("/metrics", self.metrics)]

    async def health(self, request: web.Request) -> web.Response:
        """200 when the keeper answers, else 503."""
        try:
            await self._keeper.ask(Ping(), Pong, timeout=PING_SECONDS, resend=1.0)
        except ProtocolError as error:
            return refusal(error)
        return web.json_response({"ok": True})

    async def metrics(self, request: web.Request) -> web.Response:
        """Figures for Prometheus; also when the keeper is away, which is a figure itself."""
        try:
            status = await self._keeper.ask(GetStatus(), Status)
        except ProtocolError:
            status = None
        text = "\n".join(self._lines(status)) + "\n"
        return web.Response(text=text, content_type="text/plain", charset="utf-8")

    def _lines(self, status: Status | None) -> list[str]:
        lines = [
            *_gauge("tilewright_keeper_up", "Whether the keeper answers.", [("", int(status is not None))]),
            *_gauge(
                "tilewright_event_listeners",
                "Pages that listen to events.",
                [("", self._listeners.count)],
            ),
        ]
        if status is None:
            return lines
        by_state = [(_labels(state=state), count) for state, count in status.counts.items()]
        by_model = [
            (_labels(model_id=model_id, state=state), count)
            for model_id, counts in status.by_model.items()
            for state, count in counts.items()
        ]
        return [
            *lines,
            *_gauge("tilewright_jobs", "Jobs by state.", by_state),
            *_gauge("tilewright_model_jobs", "Jobs by model and state.", by_model),
            *_gauge("tilewright_working", "Jobs in workers' hands.", [("", len(status.working))]),
            *_gauge("tilewright_quadrants", "Quadrants on the map.", [("", status.quadrants)]),
            *_gauge("tilewright_renders", "Quadrants rendered.", [("", status.renders)]),
            *_gauge(
                "tilewright_quadrants_per_minute",
                "Quadrants committed to the map in the last minute.",
                [("", status.per_minute)],
            ),
            *_gauge("tilewright_paused", "Whether the whole queue is paused.", [("", int(status.paused))]),
            *_gauge("tilewright_orphans", "Results that came too late and are kept.", [("", status.orphans)]),
            *_models(status.models),
            *_gauge("tilewright_last_event", "The newest event's number.", [("", status.last_event)]),
        ]


def _models(models: Sequence[ModelView]) -> list[str]:
    """What each model does; one that has not been called yet has no times."""
    named = [(_labels(model_id=model.model_id), model) for model in models]
    return [
        *_gauge(
            "tilewright_model_paused",
            "Whether no job of the model is handed out, by a person or because of its rate limit.",
            [(label, int(model.paused or model.until_seconds > 0)) for label, model in named],
        ),
        *_gauge(
            "tilewright_model_pending",
            "Jobs of the model that wait.",
            [(label, model.pending) for label, model in named],
        ),
        *_gauge(
            "tilewright_model_in_hands",
            "Jobs of the model in workers' hands.",
            [(label, model.in_hands) for label, model in named],
        ),
        *_gauge(
            "tilewright_model_calls_per_minute",
            "Jobs of the model that were completed lately, per minute.",
            [(label, model.rate_per_minute) for label, model in named],
        ),
        *_gauge(
            "tilewright_model_seconds",
            "How long half, and nine tenths, of the model's latest calls took at most.",
            [
                (_labels(model_id=model.model_id, quantile=quantile), seconds)
                for model in models
                for quantile, seconds in (("0.5", model.seconds_p50), ("0.9", model.seconds_p90))
                if seconds is not None
            ],
        ),
    ]


def _gauge(name: str, about: str, values: Sequence[tuple[str, int | float]]) -> list[str]:
    head = [f"# HELP {name} {about}", f"# TYPE {name} gauge"]
    return [*head, *(f"{name}{labels} {value}" for labels, value in values)]


def _labels(**labels: str) -> str:
    parts = []
    for name, value in labels.items():
        escaped = value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
        parts.append(f'{name}="{escaped}"')
    return "{" + ",".join(parts) + "}"
