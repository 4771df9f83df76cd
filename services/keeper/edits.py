"""Edits: what a person wants changed about jobs that are not under a worker's hands."""

from collections.abc import Callable

from protocol.control import Changed
from protocol.errors import Code, ProtocolError
from protocol.message import Message
from protocol.order import Edit
from services.actor import Letter
from services.config import AppConfig
from services.keeper import lifecycle
from services.keeper.lifecycle import Job
from services.keeper.models import usable
from services.keeper.store import Store
from services.keeper.views import job_change
from services.model import Model


class Edits:
    """Answers requests to change what jobs ask for."""

    def __init__(self, store: Store, config: AppConfig, clock: Callable[[], float]) -> None:
        self._store = store
        self._config = config
        self._clock = clock

    def take_over(self, config: AppConfig) -> None:
        """Know the models of another configuration from now on."""
        self._config = config

    def edit(self, letter: Letter, request: Edit) -> Message:
        """Change what is given, for every job named or for none."""
        if not request.model_dump(exclude={"jobs"}, exclude_none=True):
            raise ProtocolError(Code.BAD_REQUEST, "Nothing was given that could be changed.")
        model = None if request.model_id is None else usable(self._config, request.model_id)
        changed = 0
        for job_id in dict.fromkeys(request.jobs):
            job = self._editable(job_id)
            after = self._edited(job, request, model)
            if after == job:
                continue
            changed += 1
            self._store.queue.save(after)
            self._store.events.append(job_change(after), self._clock())
            if after.lane == "interactive" != job.lane:
                self._store.dependencies.hurry([job_id])
        return Changed(jobs=changed)

    def _editable(self, job_id: int) -> Job:
        job = self._store.queue.get(job_id)
        if job is None:
            raise ProtocolError(Code.UNKNOWN_JOB, f"There is no job {job_id}.")
        if not lifecycle.may_edit(job):
            raise ProtocolError(
                Code.WRONG_STATE,
                f"Job {job_id} is {job.state}; what is in a worker's hands or done is not changed any more.",
            )
        return job

    def _edited(self, job: Job, request: Edit, model: Model | None) -> Job:
        texts = (request.prompt, request.negative_prompt, request.model_id)
        if job.kind != "generate" and any(text is not None for text in texts):
            raise ProtocolError(
                Code.BAD_REQUEST, f"Job {job.id} is a {job.kind}; only model calls have a model and a prompt."
            )
        before = self._config.model(job.model_id)
        prompt, negative = request.prompt, request.negative_prompt
        if model is not None and model.model_id != job.model_id:
            self._check_palette(job, before, model)
            _check_layers(job, model)
            # What was never more than the old model's own prompt becomes the new one's.
            if prompt is None and job.prompt == (before.prompt if before else ""):
                prompt = ""
            if negative is None and job.negative_prompt == (before.negative_prompt if before else ""):
                negative = ""
        own = model or before
        return lifecycle.edit(
            job,
            model_id=model.model_id if model is not None else job.model_id,
            prompt=job.prompt if prompt is None else prompt or (own.prompt if own else ""),
            negative_prompt=(
                job.negative_prompt if negative is None else negative or (own.negative_prompt if own else "")
            ),
            priority=job.priority if request.priority is None else request.priority,
            lane=request.lane or job.lane,
        )

    def _check_palette(self, job: Job, before: Model | None, model: Model) -> None:
        """Raise WRONG_STATE if the job would need a palette that it does not wait for."""
        waits = before is not None and before.needs_palette
        if model.needs_palette and not waits and self._store.tiles.asset("palette") is None:
            raise ProtocolError(
                Code.WRONG_STATE,
                f"Job {job.id} cannot go to {model.name} yet: the map has no palette, and the job does not "
                "wait for one. Publish a plan with that model first.",
            )


def _check_layers(job: Job, model: Model) -> None:
    """Raise WRONG_STATE if the model draws another layer than the job was accepted for, or from another."""
    if (model.output_layer, model.input_layer) != (job.layer, job.input_layer):
        raise ProtocolError(
            Code.WRONG_STATE,
            f"Job {job.id} draws {job.layer} from {job.input_layer}, but {model.name} draws "
            f"{model.output_layer} from {model.input_layer}; choose a model for the same layers, or publish "
            "a plan with that one.",
        )
