"""The queue: which jobs there are, and what people tell them to do."""

import logging
from typing import Any, Final, get_args

from aiohttp import web

from protocol.control import (
    CancelJob,
    CancelPlan,
    Changed,
    ClearQueue,
    GetJob,
    Job,
    Jobs,
    ListJobs,
    ListPlans,
    Plans,
    RetryFailed,
    RetryJob,
    RetryPlan,
)
from protocol.message import JobKind, JobState, Message
from protocol.order import CancelWhere, RetryWhere
from protocol.work import ErrorClass
from services.gateway.answers import Answers, as_json
from services.gateway.bodies import (
    CancelBody,
    EditBody,
    MoveBody,
    Nothing,
    PauseBody,
    ResumeBody,
    RetryBody,
)
from services.gateway.intake import LARGEST_ID, identifier, is_set, one_of, validated, whole_number
from services.gateway.keeper import Keeper
from services.gateway.models import Models

log = logging.getLogger("gateway")

STATES: Final[tuple[str, ...]] = get_args(JobState)
KINDS: Final[tuple[str, ...]] = get_args(JobKind)
ERROR_CLASSES: Final[tuple[str, ...]] = (*get_args(ErrorClass), "seam")


class Queue:
    """Handlers of jobs and plans that exist already. Each parses, asks the keeper once, and answers."""

    def __init__(self, keeper: Keeper, models: Models, answers: Answers) -> None:
        self._keeper = keeper
        self._models = models
        self._once = answers.once

    def routes(self) -> list[web.RouteDef]:
        """The table of addresses."""
        once = self._once
        return [
            web.get("/api/queue", self.jobs),
            web.get("/api/plans", self.plans),
            web.get("/api/jobs/{job}", self.job),
            web.post("/api/jobs/{job}/{action:cancel|retry}", once(self.change_job)),
            web.post("/api/plans/{plan:.+}/{action:cancel|retry}", once(self.change_plan)),
            web.post("/api/queue/pause", once(self.pause)),
            web.post("/api/queue/resume", once(self.resume)),
            web.post("/api/queue/clear", once(self.clear)),
            web.post("/api/queue/cancel", once(self.cancel)),
            web.post("/api/queue/retry", once(self.retry)),
            web.post("/api/queue/move", once(self.move)),
            web.post("/api/queue/edit", once(self.edit)),
        ]

    async def jobs(self, request: web.Request) -> web.Response:
        """A page of jobs."""
        query = request.query
        states = [state for state in query.get("status", "").split(",") if state]
        one_of("status", states, STATES)
        kind, error_class = query.get("kind") or None, query.get("error_class") or None
        one_of("kind", [kind] if kind else [], KINDS)
        one_of("error_class", [error_class] if error_class else [], ERROR_CLASSES)
        asked = {
            "states": list(dict.fromkeys(states)),
            "model_id": query.get("model_id") or None,
            "plan": query.get("plan") or None,
            "kind": kind,
            "error_class": error_class,
            "text": query.get("text") or None,
            "held": is_set(query.get("held", "0"), "held"),
            "newest": is_set(query.get("newest", "0"), "newest"),
            "turn": is_set(query.get("turn", "0"), "turn"),
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

    async def change_job(self, request: web.Request, content: dict[str, Any]) -> web.Response:
        """Cancel or retry one job."""
        validated(Nothing, content)
        job = _job(request)
        return await self._changed(
            CancelJob(job=job) if request.match_info["action"] == "cancel" else RetryJob(job=job)
        )

    async def change_plan(self, request: web.Request, content: dict[str, Any]) -> web.Response:
        """Cancel or retry one plan."""
        validated(Nothing, content)
        plan = identifier(request.match_info["plan"])
        return await self._changed(
            CancelPlan(plan=plan) if request.match_info["action"] == "cancel" else RetryPlan(plan=plan)
        )

    async def pause(self, request: web.Request, content: dict[str, Any]) -> web.Response:
        """Hand out no more jobs: none, none of a model, none of a plan."""
        return await self._changed(validated(PauseBody, content))

    async def resume(self, request: web.Request, content: dict[str, Any]) -> web.Response:
        """Hand out jobs again."""
        return await self._changed(validated(ResumeBody, content))

    async def clear(self, request: web.Request, content: dict[str, Any]) -> web.Response:
        """Call off everything."""
        validated(Nothing, content)
        return await self._changed(ClearQueue())

    async def cancel(self, request: web.Request, content: dict[str, Any]) -> web.Response:
        """Call off the jobs that are meant."""
        where = validated(CancelBody, content).where
        return await self._changed(CancelWhere(**where.model_dump()))

    async def retry(self, request: web.Request, content: dict[str, Any]) -> web.Response:
        """Try again what failed, all of it or the jobs that are meant."""
        where = validated(RetryBody, content).where.model_dump()
        return await self._changed(RetryWhere(**where) if any(where.values()) else RetryFailed())

    async def move(self, request: web.Request, content: dict[str, Any]) -> web.Response:
        """Give jobs another place in their lane."""
        return await self._changed(validated(MoveBody, content))

    async def edit(self, request: web.Request, content: dict[str, Any]) -> web.Response:
        """Change what jobs ask for while they wait."""
        body = validated(EditBody, content)
        if body.model_id is not None:
            self._models.check([body.model_id])
        return await self._changed(body)

    async def _changed(self, asked: Message) -> web.Response:
        changed = await self._keeper.patiently(asked, Changed)
        log.info("%s %s: %d jobs changed", asked.TYPE, _briefly(asked), changed.jobs)
        return web.json_response({"changed": changed.jobs})


def _briefly(asked: Message) -> str:
    """What was asked, in one line of a log, without anybody's prompts."""
    given = {
        name: value
        for name, value in asked.model_dump(exclude_defaults=True).items()
        if name not in ("prompt", "negative_prompt", "text")
    }
    told = " ".join(f"{name}={value}" for name, value in given.items())
    return told if len(told) <= 200 else f"{told[:200]}…"


def _job(request: web.Request) -> int:
    return whole_number(request.match_info["job"], "job", 1, LARGEST_ID)
