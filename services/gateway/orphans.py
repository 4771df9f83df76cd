"""Late results and candidates: paid for, kept, and put on the map or forgotten by a person."""

import logging
from typing import Any

from aiohttp import web

from protocol.errors import Code, ProtocolError
from protocol.order import (
    Adopt,
    Candidates,
    Deleted,
    DeleteOrphan,
    ListCandidates,
    ListOrphans,
    Orphans,
    Reverted,
)
from protocol.work import Fetch, Pixels
from services.gateway.answers import Answers, as_json
from services.gateway.bodies import Nothing
from services.gateway.intake import LARGEST_ID, coordinate, identifier, validated, whole_number
from services.gateway.keeper import Keeper
from services.gateway.tiles import FOREVER

log = logging.getLogger("gateway")


class LateResults:
    """Handlers of `/api/orphans` and `/api/candidates`, whose images are orphans until one is chosen."""

    def __init__(self, keeper: Keeper, answers: Answers) -> None:
        self._keeper = keeper
        self._once = answers.once

    def routes(self) -> list[web.RouteDef]:
        """The table of addresses."""
        return [
            web.get("/api/orphans", self.orphans),
            web.get("/api/candidates", self.candidates),
            web.get("/api/orphans/{orphan}/{layer}/{x}/{y}", self.picture),
            web.post("/api/orphans/{orphan}/adopt", self._once(self.adopt)),
            web.post("/api/orphans/{orphan}/delete", self._once(self.delete)),
        ]

    async def orphans(self, request: web.Request) -> web.Response:
        """A page of late results."""
        cursor = whole_number(request.query.get("cursor", "0"), "cursor", 0, LARGEST_ID)
        limit = whole_number(request.query.get("limit", "100"), "limit", 1, 500)
        return as_json(await self._keeper.ask(ListOrphans(cursor=cursor, limit=limit), Orphans))

    async def candidates(self, request: web.Request) -> web.Response:
        """A page of candidates, made or to be made."""
        cursor = whole_number(request.query.get("cursor", "0"), "cursor", 0, LARGEST_ID)
        limit = whole_number(request.query.get("limit", "100"), "limit", 1, 200)
        plan = identifier(request.query["plan"]) if request.query.get("plan") else None
        asked = ListCandidates(plan=plan, cursor=cursor, limit=limit)
        return as_json(await self._keeper.ask(asked, Candidates))

    async def picture(self, request: web.Request) -> web.Response:
        """One image of a late result or a candidate, to be looked at before it is adopted."""
        asked = request.match_info
        orphan = whole_number(asked["orphan"], "orphan", 1, LARGEST_ID)
        place = (asked["layer"], coordinate(asked["x"], "x"), coordinate(asked["y"], "y"))
        envelope = await self._keeper.exchange(Fetch(orphan=orphan))
        if not isinstance(envelope.body, Pixels):
            raise ProtocolError(Code.UNSUPPORTED_VERSION, f"fetch was answered by {envelope.body.TYPE}.")
        for ref in envelope.body.tiles:
            if (ref.layer, ref.x, ref.y) == place:
                png = envelope.attachments[ref.attachment]
                return web.Response(body=png, content_type="image/png", headers={"Cache-Control": FOREVER})
        raise ProtocolError(Code.UNKNOWN_TILE, f"Late result {orphan} has no such image.")

    async def adopt(self, request: web.Request, content: dict[str, Any]) -> web.Response:
        """Put a late result or a candidate on the map."""
        orphan = _orphan(request, content)
        adopted = await self._keeper.ask(Adopt(orphan=orphan), Reverted)
        log.info("result %d was put on the map: %d quadrants", orphan, adopted.quadrants)
        return as_json(adopted)

    async def delete(self, request: web.Request, content: dict[str, Any]) -> web.Response:
        """Forget a late result or a candidate."""
        orphan = _orphan(request, content)
        await self._keeper.ask(DeleteOrphan(orphan=orphan), Deleted)
        log.info("result %d was deleted", orphan)
        return web.json_response({})


def _orphan(request: web.Request, content: dict[str, Any]) -> int:
    validated(Nothing, content)
    return whole_number(request.match_info["orphan"], "orphan", 1, LARGEST_ID)
