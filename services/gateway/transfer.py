"""`/api/queue/export` and `/api/queue/import`: what has not ended, as plans that can be published again."""

import asyncio
import logging
from typing import Any

from aiohttp import web

from protocol.errors import Code, ProtocolError
from protocol.ingest import Accepted, Publish
from protocol.order import Export, Exported
from services.gateway.answers import Answers
from services.gateway.bodies import ImportBody
from services.gateway.intake import PLAN_LIMIT_BYTES, identifier, validated
from services.gateway.keeper import Keeper
from services.gateway.models import Models
from services.gateway.orders import called

FILE_NAME = "queue.json"
BUSY_MOMENTS = 30
PASSING = {Code.BUSY, Code.NO_SPACE, Code.UNAVAILABLE}

log = logging.getLogger("gateway")


class Transfer:
    """Handlers that let the queue go from one world to another."""

    def __init__(self, keeper: Keeper, models: Models, answers: Answers) -> None:
        self._keeper = keeper
        self._models = models
        self._once = answers.once

    def routes(self) -> list[web.RouteDef]:
        """The table of addresses."""
        return [
            web.get("/api/queue/export", self.export, allow_head=False),
            web.post("/api/queue/import", self._once(self.import_, limit=PLAN_LIMIT_BYTES)),
        ]

    async def export(self, request: web.Request) -> web.StreamResponse:
        """Send the plans one after the other: a long queue never stands in memory as a whole."""
        plan = request.query.get("plan")
        asked = Export(plan=identifier(plan) if plan else None)
        # The first page is there before the answer begins, so that a refusal can still be one.
        page = await self._keeper.patiently(asked, Exported)
        response = web.StreamResponse(headers={"Content-Disposition": f'attachment; filename="{FILE_NAME}"'})
        response.content_type = "application/json"
        await response.prepare(request)
        before, whole = b'{"plans": [', None
        try:
            while True:
                if page.plan is not None and whole is not None and page.plan.id == whole.id:
                    # A large plan comes in parts.
                    whole = whole.followed_by(page.plan)
                elif page.plan is not None:
                    if whole is not None:
                        await response.write(before + whole.model_dump_json(exclude_defaults=True).encode())
                        before = b",\n"
                    whole = page.plan
                if not page.cursor:
                    break
                page = await self._following(asked.model_copy(update={"cursor": page.cursor}))
            if whole is not None:
                await response.write(before + whole.model_dump_json(exclude_defaults=True).encode())
                before = b",\n"
        except ProtocolError as error:
            # What has been sent must not look like the whole.
            log.warning("an export was cut off: %s", error)
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionResetError("the keeper has gone") from None
        await response.write(b"]}\n" if before.startswith(b",") else before + b"]}\n")
        await response.write_eof()
        return response

    async def _following(self, asked: Export) -> Exported:
        """The next page; a keeper that is busy with a plan for a moment is no reason to break off."""
        for _ in range(BUSY_MOMENTS):
            try:
                return await self._keeper.patiently(asked, Exported)
            except ProtocolError as error:
                if error.code is not Code.BUSY:
                    raise
                await asyncio.sleep(min(error.retry_after or 1.0, 5.0))
        return await self._keeper.patiently(asked, Exported)

    async def import_(self, request: web.Request, content: dict[str, Any]) -> web.Response:
        """Publish plans one after the other, all of them looked at before the first."""
        plans = validated(ImportBody, content).plans
        for plan in plans:
            called(plan, self._models)
        taken: list[dict[str, Any]] = []
        refused: list[tuple[str, ProtocolError]] = []
        for plan in plans:
            try:
                accepted = await self._keeper.patiently(Publish(plan=plan), Accepted)
            except ProtocolError as error:
                # This holds for the next one as well; asked again, no plan is taken twice.
                if error.code in PASSING:
                    raise
                refused.append((plan.id, error))
                continue
            taken.append({"plan": accepted.plan, "duplicate": accepted.duplicate, "jobs": len(accepted.jobs)})
        log.info("imported %d plans, refused %d", len(taken), len(refused))
        if refused and not taken:
            raise refused[0][1]
        told = [{"plan": plan, "code": error.code, "message": error.message} for plan, error in refused]
        return web.json_response({"plans": taken, "refused": told})
