"""The JSON API of what is: the queue in figures, the models, the map."""

from aiohttp import web

from protocol.control import GetMap, GetStatus, MapView, Status
from services.gateway.answers import as_json
from services.gateway.intake import coordinate, validated
from services.gateway.keeper import Keeper
from services.gateway.models import Models


class Api:
    """Handlers that show what is. Each parses, asks the keeper once, and answers."""

    def __init__(self, keeper: Keeper, models: Models) -> None:
        self._keeper = keeper
        self._models = models

    def routes(self) -> list[web.RouteDef]:
        """The table of addresses."""
        return [
            web.get("/api/status", self.status),
            web.get("/api/models", self.models),
            web.get("/api/map", self.map),
        ]

    async def status(self, request: web.Request) -> web.Response:
        """The queue in figures."""
        status = await self._keeper.ask(GetStatus(), Status)
        return web.json_response({"ok": True, **status.model_dump(mode="json")})

    async def models(self, request: web.Request) -> web.Response:
        """The models of the configuration."""
        content = {"models": self._models.listed(), "default_model_id": self._models.default}
        return web.json_response(content)

    async def map(self, request: web.Request) -> web.Response:
        """What stands and is under way in a rectangle."""
        x0, y0, x1, y1 = (coordinate(request.query.get(name), name) for name in ("x0", "y0", "x1", "y1"))
        bounds = (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
        layers = [layer for layer in request.query.get("layers", "").split(",") if layer] or None
        wanted = validated(GetMap, {"bounds": bounds, "layers": layers})
        return as_json(await self._keeper.ask(wanted, MapView))
