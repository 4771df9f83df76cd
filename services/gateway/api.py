"""The JSON API but for what makes plans: read the request, ask the keeper, answer."""

import logging
from typing import Any, Final, get_args

from aiohttp import web

from protocol.control import (
    CancelJob,
    CancelPlan,
    Changed,
    ClearQueue,
    GetJob,
    GetMap,
    GetQuadrant,
    GetStatus,
    Job,
    Jobs,
    ListJobs,
    ListPlans,
    MapView,
    Pause,
    Plans,
    Quadrant,
    Resume,
    RetryFailed,
    RetryJob,
    RetryPlan,
    Status,
)
from protocol.message import JobKind, JobState, Message
from services.gateway.answers import Answers, as_json
from services.gateway.intake import coordinate, identifier, is_set, one_of, validated, whole_number
from services.gateway.keeper import Keeper
from services.gateway.models import Models
from services.tiling.camera import View
from services.tiling.quadrant import SIZE

log = logging.getLogger("gateway")

LARGEST_ID: Final = 2**62
STATES: Final[tuple[str, ...]] = get_args(JobState)
KINDS: Final[tuple[str, ...]] = get_args(JobKind)


class Api:
    """Handlers that show what is and change what runs. Each parses, asks the keeper once, and answers."""

    def __init__(self, keeper: Keeper, models: Models, view: View, answers: Answers) -> None:
        self._keeper = keeper
        self._models = models
        self._view = view
        self._once = answers.once

    def routes(self) -> list[web.RouteDef]:
        """The table of addresses."""
        once = self._once
        return [
            web.get("/api/status", self.status),
            web.get("/api/models", self.models),
            web.get("/api/map", self.map),
            web.get("/api/queue", self.queue),
            web.get("/api/plans", self.plans),
            web.get("/api/jobs/{job}", self.job),
            web.get("/api/quadrants/{x}/{y}", self.quadrant),
            web.post("/api/jobs/{job}/{action:cancel|retry}", once(self.change_job)),
            web.post("/api/plans/{plan:.+}/{action:cancel|retry}", once(self.change_plan)),
            web.post("/api/queue/{action:pause|resume|clear|retry}", once(self.change_queue)),
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
        return as_json(await self._keeper.ask(GetMap(bounds=bounds), MapView))

    async def queue(self, request: web.Request) -> web.Response:
        """A page of jobs."""
        query = request.query
        states = [state for state in query.get("status", "").split(",") if state]
        one_of("status", states, STATES)
        kind = query.get("kind") or None
        one_of("kind", [kind] if kind else [], KINDS)
        asked = {
            "states": list(dict.fromkeys(states)),
            "model_id": query.get("model_id") or None,
            "plan": query.get("plan") or None,
            "kind": kind,
            "held": is_set(query.get("held", "0"), "held"),
            "cursor": whole_number(query.get("cursor", "0"), "cursor", 0, LARGEST_ID),
            "limit": whole_number(query.get("limit", "100"), "limit", 1, 500),
        }
        return as_json(await self._keeper.ask(validated(ListJobs, asked), Jobs))

    async def plans(self, request: web.Request) -> web.Response:
        """The plans, the newest first."""
        limit = whole_number(request.query.get("limit", "50"), "limit", 1, 200)
        return as_json(await self._keeper.ask(ListPlans(limit=limit), Plans))

    async def job(self, request: web.Request) -> web.Response:
        """One job."""
        return as_json(await self._keeper.ask(GetJob(job=_job(request)), Job))

    async def quadrant(self, request: web.Request) -> web.Response:
        """The history of one quadrant, and where on the earth its centre lies."""
        x = coordinate(request.match_info["x"], "x")
        y = coordinate(request.match_info["y"], "y")
        found = await self._keeper.ask(GetQuadrant(x=x, y=y), Quadrant)
        latitude, longitude = self._view.place((x + 0.5) * SIZE, (y + 0.5) * SIZE)
        content = {**found.model_dump(mode="json"), "latitude": latitude, "longitude": longitude}
        return web.json_response(content)

    async def change_job(self, request: web.Request, content: dict[str, Any]) -> web.Response:
        """Cancel or retry one job."""
        job = _job(request)
        return await self._changed(
            CancelJob(job=job) if request.match_info["action"] == "cancel" else RetryJob(job=job)
        )

    async def change_plan(self, request: web.Request, content: dict[str, Any]) -> web.Response:
        """Cancel or retry one plan."""
        plan = identifier(request.match_info["plan"])
        return await self._changed(
            CancelPlan(plan=plan) if request.match_info["action"] == "cancel" else RetryPlan(plan=plan)
        )

    async def change_queue(self, request: web.Request, content: dict[str, Any]) -> web.Response:
        """Pause, resume, clear or retry everything."""
        actions = {"pause": Pause, "resume": Resume, "clear": ClearQueue, "retry": RetryFailed}
        return await self._changed(actions[request.match_info["action"]]())

    async def _changed(self, asked: Message) -> web.Response:
        changed = await self._keeper.ask(asked, Changed)
        log.info("%s %s: %d jobs changed", asked.TYPE, asked, changed.jobs)
        return web.json_response({"changed": changed.jobs})


def _job(request: web.Request) -> int:
    return whole_number(request.match_info["job"], "job", 1, LARGEST_ID)
