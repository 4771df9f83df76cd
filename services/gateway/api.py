"""The JSON API: read the request, ask the keeper, answer."""

import hashlib
import logging
import uuid
from typing import Any, Final, get_args

from aiohttp import web
from pydantic import BaseModel

from protocol.codec import MAP_LIMIT_BYTES, Envelope, encode
from protocol.control import (
    CancelJob,
    CancelPlan,
    Changed,
    ClearQueue,
    Fill,
    Generate,
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
    Planned,
    Plans,
    Quadrant,
    Render,
    Resume,
    RetryFailed,
    RetryJob,
    RetryPlan,
    Status,
)
from protocol.errors import Code, ProtocolError
from protocol.ingest import Accepted, Publish
from protocol.message import Identifier, JobKind, JobState, Message
from protocol.plan import Plan
from services.gateway.answers import Answers, idempotency_key
from services.gateway.intake import (
    PLAN_LIMIT_BYTES,
    FillBody,
    GenerateBody,
    RenderBody,
    coordinate,
    validated,
    whole_number,
)
from services.gateway.keeper import Keeper
from services.gateway.models import Models
from services.tiling.camera import View
from services.tiling.quadrant import SIZE

log = logging.getLogger("gateway")

LARGEST_ID: Final = 2**62
STATES: Final[tuple[str, ...]] = get_args(JobState)
KINDS: Final[tuple[str, ...]] = get_args(JobKind)


class Name(BaseModel):
    """An identifier that stands in an address."""

    id: Identifier


class Api:
    """Handlers of `/api/…`. Each one parses, asks the keeper once, and answers."""

    def __init__(self, keeper: Keeper, models: Models, view: View) -> None:
        self._keeper = keeper
        self._models = models
        self._view = view
        self._answers = Answers()

    def routes(self) -> list[web.RouteDef]:
        """The table of addresses."""
        once = self._answers.once
        return [
            web.get("/api/status", self.status),
            web.get("/api/models", self.models),
            web.get("/api/map", self.map),
            web.get("/api/queue", self.queue),
            web.get("/api/plans", self.plans),
            web.get("/api/jobs/{job}", self.job),
            web.get("/api/quadrants/{x}/{y}", self.quadrant),
            web.post("/api/render", once(self.render)),
            web.post("/api/generate", once(self.generate)),
            web.post("/api/fill", once(self.fill)),
            web.post("/api/plans", once(self.publish, limit=PLAN_LIMIT_BYTES)),
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
        return _json(await self._keeper.ask(GetMap(bounds=bounds), MapView))

    async def queue(self, request: web.Request) -> web.Response:
        """A page of jobs."""
        query = request.query
        states = [state for state in query.get("status", "").split(",") if state]
        _one_of("status", states, STATES)
        kind = query.get("kind") or None
        _one_of("kind", [kind] if kind else [], KINDS)
        asked = {
            "states": list(dict.fromkeys(states)),
            "model_id": query.get("model_id") or None,
            "plan": query.get("plan") or None,
            "kind": kind,
            "cursor": whole_number(query.get("cursor", "0"), "cursor", 0, LARGEST_ID),
            "limit": whole_number(query.get("limit", "100"), "limit", 1, 500),
        }
        return _json(await self._keeper.ask(validated(ListJobs, asked), Jobs))

    async def plans(self, request: web.Request) -> web.Response:
        """The plans, the newest first."""
        limit = whole_number(request.query.get("limit", "50"), "limit", 1, 200)
        return _json(await self._keeper.ask(ListPlans(limit=limit), Plans))

    async def job(self, request: web.Request) -> web.Response:
        """One job."""
        return _json(await self._keeper.ask(GetJob(job=_job(request)), Job))

    async def quadrant(self, request: web.Request) -> web.Response:
        """The history of one quadrant, and where on the earth its centre lies."""
        x = coordinate(request.match_info["x"], "x")
        y = coordinate(request.match_info["y"], "y")
        found = await self._keeper.ask(GetQuadrant(x=x, y=y), Quadrant)
        latitude, longitude = self._view.place((x + 0.5) * SIZE, (y + 0.5) * SIZE)
        content = {**found.model_dump(mode="json"), "latitude": latitude, "longitude": longitude}
        return web.json_response(content)

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

    async def fill(self, request: web.Request, content: dict[str, Any]) -> web.Response:
        """Ask for a rectangle, or only for how it would be filled."""
        body = validated(FillBody, content)
        asked = Fill(
            plan=_plan_id("fill", request),
            rectangle=body.rectangle,
            name=body.name,
            model_id=self._models.chosen(body.model_id),
            prompt=body.prompt,
            negative_prompt=body.negative_prompt,
            dry_run=_is_dry_run(request),
        )
        return await self._filled(asked)

    async def publish(self, request: web.Request, content: dict[str, Any]) -> web.Response:
        """Ask for a plan as programs write it."""
        plan = validated(Plan, {"id": _plan_id("plan", request), **content})
        calls = not plan.steps or any(step.kind == "generate" for step in plan.steps)
        model_id = (plan.model_id or self._models.default) if calls else None
        steps = {step.model_id for step in plan.steps if step.model_id and step.kind == "generate"}
        self._models.check([*([model_id] if model_id else []), *sorted(steps)])
        if _is_dry_run(request):
            if plan.rectangle is None:
                raise ProtocolError(
                    Code.BAD_REQUEST, "dry_run: only a plan with a rectangle can be tried dry."
                )
            return await self._filled(
                Fill(plan=plan.id, rectangle=plan.rectangle, model_id=model_id, dry_run=True)
            )
        asked = Publish(plan=plan)
        # Over the limit the keeper's socket would drop the connection without a word.
        if len(encode(Envelope(id=plan.id, body=asked))[1]) > MAP_LIMIT_BYTES - 1_024:
            raise ProtocolError(Code.TOO_LARGE, "The plan is too large for one message: publish it in parts.")
        return await self._accepted(asked, model_id)

    async def change_job(self, request: web.Request, content: dict[str, Any]) -> web.Response:
        """Cancel or retry one job."""
        job = _job(request)
        return await self._changed(
            CancelJob(job=job) if request.match_info["action"] == "cancel" else RetryJob(job=job)
        )

    async def change_plan(self, request: web.Request, content: dict[str, Any]) -> web.Response:
        """Cancel or retry one plan."""
        plan = validated(Name, {"id": request.match_info["plan"]}).id
        return await self._changed(
            CancelPlan(plan=plan) if request.match_info["action"] == "cancel" else RetryPlan(plan=plan)
        )

    async def change_queue(self, request: web.Request, content: dict[str, Any]) -> web.Response:
        """Pause, resume, clear or retry everything."""
        actions = {"pause": Pause, "resume": Resume, "clear": ClearQueue, "retry": RetryFailed}
        return await self._changed(actions[request.match_info["action"]]())

    async def _filled(self, asked: Fill) -> web.Response:
        if not asked.dry_run:
            return await self._accepted(asked, asked.model_id)
        return _json(await self._keeper.ask(asked, Planned))

    async def _accepted(self, asked: Message, model_id: str | None) -> web.Response:
        accepted = await self._keeper.ask(asked, Accepted)
        again = "known already" if accepted.duplicate else f"{len(accepted.jobs)} jobs"
        log.info("%s: plan %s accepted, %s, model %s", asked.TYPE, accepted.plan, again, model_id or "none")
        content = {
            "plan": accepted.plan,
            "jobs": accepted.jobs,
            "position": accepted.position,
            "model_id": model_id,
        }
        return web.json_response(content, status=202)

    async def _changed(self, asked: Message) -> web.Response:
        changed = await self._keeper.ask(asked, Changed)
        log.info("%s %s: %d jobs changed", asked.TYPE, asked, changed.jobs)
        return web.json_response({"changed": changed.jobs})


def _json(message: Message) -> web.Response:
    return web.Response(body=message.model_dump_json().encode(), content_type="application/json")


def _plan_id(kind: str, request: web.Request) -> str:
    """A new plan's id, made from the Idempotency-Key if there is one: a repeat names the same plan."""
    key = idempotency_key(request)
    unique = hashlib.sha256(key.encode()).hexdigest()[:32] if key else uuid.uuid4().hex
    return f"{kind}-{unique}"


def _job(request: web.Request) -> int:
    return whole_number(request.match_info["job"], "job", 1, LARGEST_ID)


def _is_dry_run(request: web.Request) -> bool:
    asked = request.query.get("dry_run", "0")
    _one_of("dry_run", [asked], ("0", "1", "false", "true"))
    return asked in ("1", "true")


def _one_of(field: str, given: list[str], known: tuple[str, ...]) -> None:
    if any(name not in known for name in given):
        raise ProtocolError(Code.BAD_REQUEST, f"{field}: is one of {', '.join(known)}.")
