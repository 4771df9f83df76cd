"""The performer of generate and palette jobs: from a lease to the quadrants that are handed in."""

import asyncio
import hashlib
import json
import logging
import os
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from protocol.work import GenerateWork, PaletteWork, PixelRef, SeamScore
from services.config import AppConfig
from services.generator.art import palette as palettes
from services.generator.calls.handles import Handles
from services.generator.calls.once import Once
from services.generator.compose import Template
from services.generator.conditioning import Conditioning
from services.generator.judgement import Judged, judge
from services.generator.models import Adapter, Picture, Request, Shared, adapter
from services.generator.models.pixel_art import colour_counts
from services.generator.pictures import apart
from services.generator.rendered import Rendered, Renders
from services.model import Model
from services.scene import Pass
from services.spool import Spool
from services.task import Result, Task, TryFailed
from services.tiling.region import named, touched
from services.tiling.seam import Refusal, Window, place
from services.tiling.template import context

if TYPE_CHECKING:
    from services.generator.calls.web import Web

USELESS = ("bad_image", "moderated")
"""Answers that were paid for and that asking the spool again would not make better."""

log = logging.getLogger("generator")

Cell = tuple[int, int]
Pixels = tuple[PixelRef, bytes]


class Generator:
    """Turns leased jobs into pixels. It remembers adapters and nothing that a restart would lose."""

    def __init__(self, config: AppConfig, spool: Spool) -> None:
        self._config = config
        self._spool = spool
        self._web: Web | None = None
        # As many local calls at once as there are processors: more would only wait for each other.
        self._shared = Shared(config.camera, self._reach_out, asyncio.Semaphore(os.cpu_count() or 1))
        self._adapters: dict[str, Adapter] = {}

    async def perform(self, task: Task) -> Result:
        """The result of one job; raises TryFailed if this try came to nothing."""
        work = task.lease.work
        if isinstance(work, GenerateWork):
            return await self._generate(task, work)
        if isinstance(work, PaletteWork):
            return await self._make_palette(task, work)
        raise TryFailed("bug", f"A generator cannot do a {work.kind} job.", retry=False)

    def take_over(self, config: AppConfig) -> None:
        """Go by another configuration from now on; calls under way end with the adapter they have."""
        kept = {model.model_id for model in config.models if self._config.model(model.model_id) == model}
        self._adapters = {id: adapter for id, adapter in self._adapters.items() if id in kept}
        self._config = config

    async def close(self) -> None:
        """Let go of every connection."""
        if self._web is not None:
            await self._web.close()

    async def _generate(self, task: Task, work: GenerateWork) -> Result:
        model = self._model(work)
        painter = self._adapter(model)
        task.say("fetching pixels")
        renders = Renders(task)
        template, saw = await self._template(task, work, renders, painter.takes)
        template = replace(template, preprocess=model.preprocess)
        once, handles = Once(self._spool, task.lease.job), Handles(task.lease.handle, task.start)
        loop = asyncio.get_running_loop()
        started = loop.time()
        request = Request(
            template=template,
            prompt=work.prompt,
            negative_prompt=work.negative_prompt,
            deadline=started + model.timeout_seconds,
            renders=renders.whole,
            palette=task.fetch_palette,
            say=task.say,
            seed=model.seed if work.seed is None else work.seed,
            once=once,
            handles=handles,
        )
        kept = [*work.quadrants, *work.scaffold]
        try:
            # Who compares seeds wants to see what each of them makes.
            retries = model.seam_retries if work.seed is None else 0
            judged, seed = await self._judged(painter, request, model, kept, retries=retries)
            seconds = loop.time() - started
        except TryFailed as failure:
            if failure.error_class in USELESS:
                failure.calls, failure.cost = once.calls, _price(model, once.answers)
                await once.forget()
                await handles.forget()
            else:
                # What stays in the spool is counted by the try that makes something of it.
                failure.unsettled = once.calls
            failure.unsettled += once.unanswered
            raise
        # A model that keeps no answers is one of this machine's own, and was called just now.
        return Result(
            tiles=[(work.layer, x, y, png) for (x, y), png in zip(kept, judged.files, strict=True)],
            model_seconds=seconds,
            template=judged.digest,
            renders=renders.digest,
            saw=saw,
            seed=seed,
            parameters=json.dumps(dict(painter.parameters)),
            calls=once.calls if once.answers else 1,
            unsettled=once.unanswered,
            cost=_price(model, once.answers or 1),
            source=painter.source + judged.told(),
            seams=[
                SeamScore(x=x, y=y, score=score, flagged=score > model.seam_limit)
                for (x, y), score in zip(kept, judged.seams, strict=True)
                if score is not None
            ],
        )

    async def _judged(
        self,
        painter: Adapter,
        request: Request,
        model: Model,
        quadrants: list[tuple[int, int]],
        *,
        retries: int,
    ) -> tuple[Judged, int | None]:
        """The answer and its seed; where it shows a seam, the best of as many as may be asked for."""
        best, seed = await self._answer(painter, request, model, quadrants), request.seed
        for number in range(1, retries + 1):
            if best.worst <= model.seam_limit:
                break
            log.info("a seam of %.1f, over %.1f; asking with another seed", best.worst, model.seam_limit)
            deadline = asyncio.get_running_loop().time() + model.timeout_seconds
            other = replace(request, seed=_other_seed(request, number), deadline=deadline)
            try:
                found = await self._answer(painter, other, model, quadrants)
            except TryFailed as failure:
                if failure.error_class == "rate_limited":
                    # The model is left alone for so long; what it has answered lies in the spool till then.
                    raise
                log.warning(
                    "another seed came to nothing, so the picture there is stands: %s", failure.reason
                )
                break
            if found.worst < best.worst:
                best, seed = found, other.seed
        return best, seed

    async def _answer(
        self, painter: Adapter, request: Request, model: Model, quadrants: list[tuple[int, int]]
    ) -> Judged:
        """One answer, as far as it may go on the map."""
        picture = await self._picture(painter, request, model)
        request.say("cutting quadrants")
        return await apart(judge, picture, request.template, model, quadrants)

    async def _picture(self, painter: Adapter, request: Request, model: Model) -> Picture:
        try:
            async with asyncio.timeout_at(request.deadline):
                return await painter.edit(request)
        except TimeoutError:
            raise TryFailed(
                "transient", f"{model.name} did not answer within {model.timeout_seconds:g} s."
            ) from None

    async def _template(
        self, task: Task, work: GenerateWork, renders: Renders, passes: tuple[Pass, ...]
    ) -> tuple[Template, list[int]]:
        """The renders and the finished neighbours that the model sees, none missing; these versions."""
        infill = frozenset([*work.quadrants, *work.padding, *work.scaffold])
        window = Window(work.x, work.y)
        around = context(window, infill)
        finished = await task.fetch(work.layer, around) if around else {}
        # Asked once more before anything is paid for; nothing beyond the window can be known here.
        legal = place(infill, finished)
        if isinstance(legal, Refusal):
            raise TryFailed("bug", f"{legal.reason} The model was not called.", retry=False)
        if legal != window:
            raise TryFailed(
                "bug", "The model would not see what it must match, so it was not called.", retry=False
            )
        read = await self._read(task, work, infill)
        drawn = await renders.layer("render", sorted(infill - read.keys()))
        template = Template(
            window=window,
            infill=infill,
            renders={cell: png for cell, (_, png) in {**drawn, **read}.items()},
            context={cell: png for cell, (_, png) in finished.items()},
            conditioning=await self._conditioning(window, renders, passes) if passes else None,
        )
        return template, sorted(ref.version for ref, _ in (*finished.values(), *read.values()))

    async def _read(self, task: Task, work: GenerateWork, infill: frozenset[Cell]) -> dict[Cell, Pixels]:
        """What other models drew of the infill, if the model turns that into its own layer.

        What is thrown away is drawn from the render where the map ends.
        """
        if work.input_layer == "render":
            return {}
        read = await task.fetch(work.input_layer, sorted(infill))
        if lacking := [cell for cell in work.quadrants if cell not in read]:
            # The keeper looks again, before anybody gets the job again.
            raise TryFailed(
                "transient",
                f"{named(lacking)} was taken off the layer {work.input_layer} before it was read; "
                "the model was not called.",
            )
        return read

    async def _conditioning(self, window: Window, renders: Renders, passes: tuple[Pass, ...]) -> Conditioning:
        """These passes of all that the window shows: also around the infill, where renders stand as well."""
        cells = touched(window.box)
        objects, depths = await renders.layer("object", cells), await renders.layer("depth", cells)
        return Conditioning(
            window=window,
            camera=self._shared.camera,
            names=passes,
            objects={cell: png for cell, (_, png) in objects.items()},
            depths={cell: png for cell, (_, png) in depths.items()},
        )

    async def _make_palette(self, task: Task, work: PaletteWork) -> Result:
        task.say("reading renders")
        renders = await Renders(task).whole(work.quadrants)
        task.say("choosing colours")
        async with self._shared.turn:
            content = await apart(self._palette, [renders[cell] for cell in work.quadrants])
        return Result(palette=content, source=f"palette of {len(renders)} quadrants")

    def _palette(self, renders: Iterable[Rendered]) -> bytes:
        counts: NDArray[np.int64] = palettes.none()
        for rendered in renders:
            counts += colour_counts(rendered, self._config.camera)
        return palettes.make(counts).dump()

    def _model(self, work: GenerateWork) -> Model:
        model = self._config.model(work.model_id)
        if model is None:
            raise TryFailed("rejected", f"app_config.json has no model {work.model_id}.", retry=False)
        if reason := model.why_unavailable():
            raise TryFailed("unavailable", reason, retry=False)
        return model

    def _adapter(self, model: Model) -> Adapter:
        if model.model_id not in self._adapters:
            self._adapters[model.model_id] = adapter(model, self._shared)
        return self._adapters[model.model_id]

    def _reach_out(self) -> "Web":
        if self._web is None:
            from services.generator.calls.web import Web

            self._web = Web()
        return self._web


def _other_seed(request: Request, number: int) -> int:
    """The same seed whenever the same answer is to be made better, so that none is paid for twice."""
    mixed = hashlib.sha256(f"{request.template.digest} {request.seed} {number}".encode()).digest()
    return int.from_bytes(mixed[:4]) >> 1


def _price(model: Model, calls: int) -> float | None:
    """What so many answers cost, if the model states a price."""
    return None if model.cost_per_image is None else model.cost_per_image * calls
