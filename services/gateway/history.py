"""What a quadrant has been: its versions, the way back to one of them, and the end of what is kept."""

import logging
from typing import Any

from aiohttp import web

from protocol.control import GetQuadrant, Quadrant
from protocol.order import Pruned, Revert, Reverted, RevertPlan
from services.gateway.answers import Answers, as_json
from services.gateway.bodies import Nothing, PruneBody, RevertBody
from services.gateway.intake import coordinate, identifier, validated
from services.gateway.keeper import Keeper
from services.tiling.camera import View
from services.tiling.quadrant import SIZE

log = logging.getLogger("gateway")


class History:
    """Handlers of what was. Each parses, asks the keeper once, and answers."""

    def __init__(self, keeper: Keeper, view: View, answers: Answers) -> None:
        self._keeper = keeper
        self._view = view
        self._once = answers.once

    def routes(self) -> list[web.RouteDef]:
        """The table of addresses."""
        once = self._once
        return [
            web.get("/api/quadrants/{x}/{y}", self.quadrant),
            web.post("/api/quadrants/{x}/{y}/revert", once(self.revert)),
            web.post("/api/plans/{plan:.+}/revert", once(self.revert_plan)),
            web.post("/api/prune", once(self.prune)),
        ]

    async def quadrant(self, request: web.Request) -> web.Response:
        """The versions of one quadrant, and where on the earth its centre lies."""
        x, y = _place(request)
        found = await self._keeper.ask(GetQuadrant(x=x, y=y), Quadrant)
        latitude, longitude = self._view.place((x + 0.5) * SIZE, (y + 0.5) * SIZE)
        content = {**found.model_dump(mode="json"), "latitude": latitude, "longitude": longitude}
        return web.json_response(content)

    async def revert(self, request: web.Request, content: dict[str, Any]) -> web.Response:
        """Bring an older version of a quadrant back onto the map, or take the quadrant off it."""
        x, y = _place(request)
        body = validated(RevertBody, content)
        asked = Revert(x=x, y=y, version=body.version, layer=body.layer)
        reverted = await self._keeper.ask(asked, Reverted)
        log.info("quadrant %d,%d went back to version %d", x, y, asked.version)
        return as_json(reverted)

    async def revert_plan(self, request: web.Request, content: dict[str, Any]) -> web.Response:
        """Put back what stood there before a plan drew."""
        validated(Nothing, content)
        plan = identifier(request.match_info["plan"])
        reverted = await self._keeper.patiently(RevertPlan(plan=plan), Reverted)
        log.info("plan %s was taken back: %d quadrants", plan, reverted.quadrants)
        return as_json(reverted)

    async def prune(self, request: web.Request, content: dict[str, Any]) -> web.Response:
        """Remove what ended long ago, or only say how much that is."""
        asked = validated(PruneBody, content)
        pruned = await self._keeper.patiently(asked, Pruned)
        if not asked.dry_run:
            log.info("pruned what ended %g s ago: %s", asked.older_than_seconds, pruned)
        return as_json(pruned)


def _place(request: web.Request) -> tuple[int, int]:
    return coordinate(request.match_info["x"], "x"), coordinate(request.match_info["y"], "y")
