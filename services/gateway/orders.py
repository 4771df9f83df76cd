"""What is asked for: renders, one model call, a region, a plan, what is left of a plan."""

import asyncio
import hashlib
import logging
import uuid
from typing import Any

from aiohttp import web

from protocol.errors import Code, ProtocolError
from protocol.ingest import Accepted, Publish
from protocol.message import Message
from protocol.plan import Plan
from protocol.region import Compare, Fill, Generate, Planned, Render, Replan
from services import geojson
from services.gateway.answers import Answers, as_json, idempotency_key
from services.gateway.bodies import CompareBody, FillBody, GenerateBody, RenderBody, ReplanBody
from services.gateway.intake import (
    FILL_LIMIT_BYTES,
    PLAN_LIMIT_BYTES,
    identifier,
    is_set,
    validated,
)
from services.gateway.keeper import Keeper
from services.gateway.models import Models
from services.tiling.camera import View

LISTED_LIMIT = 250_000
"""Quadrants in the largest region that goes to the keeper one by one; more would hold everybody else up."""

log = logging.getLogger("gateway")


class Orders:
    """Handlers of the POSTs that make plans. Each one reads, asks the keeper once, and answers."""

    def __init__(self, keeper: Keeper, models: Models, view: View, answers: Answers) -> None:
        self._keeper = keeper
        self._models = models
        self._view = view
        self._once = answers.once

    def routes(self) -> list[web.RouteDef]:
        """The table of addresses."""
        once = self._once
        return [
            web.post("/api/render", once(self.render)),
            web.post("/api/generate", once(self.generate)),
            web.post("/api/compare", once(self.compare)),
            web.post("/api/fill", once(self.fill, limit=FILL_LIMIT_BYTES)),
            web.post("/api/plans", once(self.publish, limit=PLAN_LIMIT_BYTES)),
            web.post("/api/plans/{plan:.+}/replan", once(self.replan)),
        ]

    async def render(self, request: web.Request, content: dict[str, Any]) -> web.Response:
        """Ask for renders."""
        body = validated(RenderBody, content)
        return await self._accepted(Render(plan=_plan_id("render", request), quadrants=body.quadrants), None)

    async def generate(self, request: web.Request, content: dict[str, Any]) -> web.Response:
        """Ask for one model call."""
        body = validated(GenerateBody, content)
        asked = Generate(
            plan=_plan_id("generate", request),
            quadrants=body.quadrants,
            model_id=self._models.chosen(body.model_id),
            prompt=body.prompt,
            negative_prompt=body.negative_prompt,
        )
        return await self._accepted(asked, asked.model_id)

    async def compare(self, request: web.Request, content: dict[str, Any]) -> web.Response:
        """Ask for the same call by several models and with several seeds, off the map."""
        body = validated(CompareBody, content)
        self._models.check(body.models)
        asked = Compare(
            plan=_plan_id("compare", request),
            quadrants=body.quadrants,
            models=body.models,
            seeds=body.seeds,
            prompt=body.prompt,
            negative_prompt=body.negative_prompt,
        )
        return await self._accepted(asked, body.models[0])

    async def fill(self, request: web.Request, content: dict[str, Any]) -> web.Response:
        """Ask for a region, or only for how it would be filled."""
        body = validated(FillBody, content)
        quadrants = body.quadrants
        if body.polygon is not None:
            # Looking for what a large polygon covers would hold everybody else up.
            quadrants = await asyncio.to_thread(self._under, body.polygon)
            if len(quadrants) > LISTED_LIMIT:
                raise ProtocolError(
                    Code.TOO_LARGE,
                    f"The polygon covers {len(quadrants):,} quadrants; one request fills at most "
                    f"{LISTED_LIMIT:,} that are no rectangle. Fill it in parts.",
                )
        asked = Fill(
            plan=_plan_id("fill", request),
            rectangle=body.rectangle,
            quadrants=quadrants,
            repair=body.repair,
            name=body.name,
            model_id=self._models.chosen(body.model_id),
            prompt=body.prompt,
            negative_prompt=body.negative_prompt,
            cost_cap=body.cost_cap,
            dry_run=_is_dry_run(request),
        )
        return await self._planned(asked, asked.model_id, asked.dry_run)

    async def publish(self, request: web.Request, content: dict[str, Any]) -> web.Response:
        """Ask for a plan as programs write it, or only for what it would take."""
        plan = validated(Plan, {"id": _plan_id("plan", request), **content})
        model_id = called(plan, self._models)
        asked = Publish(plan=plan, dry_run=_is_dry_run(request))
        return await self._planned(asked, model_id, asked.dry_run)

    async def replan(self, request: web.Request, content: dict[str, Any]) -> web.Response:
        """Ask for new steps for what is left of a plan, or only for which these would be."""
        asked = Replan(
            plan=identifier(request.match_info["plan"]),
            id=_plan_id("replan", request),
            repair=validated(ReplanBody, content).repair,
            dry_run=_is_dry_run(request),
        )
        return await self._planned(asked, None, asked.dry_run)

    def _under(self, polygon: dict[str, Any]) -> list[tuple[int, int]]:
        try:
            return sorted(geojson.region(polygon, self._view))
        except geojson.BadGeoJson as error:
            where = "polygon." if error.place else "polygon: "
            raise ProtocolError(Code.BAD_REQUEST, f"{where}{error}") from None

    async def _planned(self, asked: Message, model_id: str | None, dry_run: bool) -> web.Response:
        """Ask for many steps at once, or, in a dry run, only for what they are."""
        if dry_run:
            return as_json(await self._keeper.patiently(asked, Planned))
        return self._told(asked, await self._keeper.patiently(asked, Accepted), model_id)

    async def _accepted(self, asked: Message, model_id: str | None) -> web.Response:
        return self._told(asked, await self._keeper.ask(asked, Accepted), model_id)

    def _told(self, asked: Message, accepted: Accepted, model_id: str | None) -> web.Response:
        again = "known already" if accepted.duplicate else f"{len(accepted.jobs)} jobs"
        short = f", {accepted.left_out_count} quadrants left out" if accepted.left_out_count else ""
        log.info(
            "%s: plan %s accepted, %s%s, model %s",
            asked.TYPE,
            accepted.plan,
            again,
            short,
            model_id or "none",
        )
        content = {
            "plan": accepted.plan,
            "jobs": accepted.jobs,
            "position": accepted.position,
            "model_id": model_id,
            "left_out": [left.model_dump(mode="json") for left in accepted.left_out],
            "left_out_count": accepted.left_out_count,
        }
        return web.json_response(content, status=202)


def called(plan: Plan, models: Models) -> str | None:
    """The model of steps that name none, None if all are renders; raises if any model cannot be called."""
    calls = not plan.steps or any(step.kind == "generate" for step in plan.steps)
    model_id = (plan.model_id or models.default) if calls else None
    steps = {step.model_id for step in plan.steps if step.model_id and step.kind == "generate"}
    models.check([*([model_id] if model_id else []), *sorted(steps)])
    return model_id


def _plan_id(kind: str, request: web.Request) -> str:
    """A new plan's id, made from the Idempotency-Key if there is one: a repeat names the same plan."""
    key = idempotency_key(request)
    unique = hashlib.sha256(key.encode()).hexdigest()[:32] if key else uuid.uuid4().hex
    return f"{kind}-{unique}"


def _is_dry_run(request: web.Request) -> bool:
    return is_set(request.query.get("dry_run", "0"), "dry_run")
