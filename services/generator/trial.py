"""One real call of one model, on a sample of ground: `python -m services.generator.trial MODEL_ID`.

What comes of it is printed as one JSON object; nothing of it is kept, and no other service is needed.
"""

import argparse
import asyncio
import json
import os
import resource
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from services.config import AppConfig, load
from services.generator.art import palette as palettes
from services.generator.calls.web import Web
from services.generator.compose import Template
from services.generator.conditioning import Conditioning
from services.generator.judgement import judge
from services.generator.models import Picture, Request, Shared, adapter
from services.generator.models.pixel_art import colour_counts
from services.generator.rendered import Rendered
from services.generator.sample import finished, sample
from services.model import Model
from services.png import Prediction, png
from services.task import TryFailed
from services.tiling.region import touched
from services.tiling.seam import Window
from services.tiling.template import context

WINDOW, INFILL = Window(0, 0), (1, 0)
"""One quadrant between three finished ones: the smallest call, in which all that is checked can be."""


def main(words: Sequence[str]) -> int:
    """Exit code: 0 a picture came and may go on a map, 1 it did not."""
    # A core dump would hold the keys of the models.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    parser = argparse.ArgumentParser(prog="python -m services.generator.trial")
    parser.add_argument("model_id")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--picture", type=Path)
    given = parser.parse_args(words)
    config = load(given.config)
    model = config.model(given.model_id)
    if model is None:
        parser.error(f"there is no model {given.model_id}")
    told = asyncio.run(tried(config, model, given.picture))
    print(json.dumps(told))
    return 0 if told["ok"] else 1


async def tried(config: AppConfig, model: Model, keep: Path | None = None) -> dict[str, Any]:
    """What comes of one call; the picture goes to a file, also if it is of no use otherwise."""
    told: dict[str, Any] = {"ok": False, "model_id": model.model_id, "name": model.name}
    web = Web()
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        shared = Shared(config.camera, lambda: web, asyncio.Semaphore(os.cpu_count() or 1))
        painter = adapter(model, shared)
        request = _request(config, model, painter.takes, began + model.timeout_seconds)
        async with asyncio.timeout_at(request.deadline):
            picture = await painter.edit(request)
        told |= {"seconds": round(loop.time() - began, 3), "source": painter.source}
        told["cost"] = model.cost_per_image
        if keep is not None:
            await asyncio.to_thread(keep.write_bytes, _file(picture))
            told["picture"] = str(keep)
        judged = await asyncio.to_thread(judge, picture, request.template, model, [INFILL])
        told |= {"ok": True, "seam": judged.seams[0], "drift": judged.changed, "moved": list(judged.shift)}
        told["flagged"] = judged.worst > model.seam_limit
    except TimeoutError:
        told |= {"error": "transient", "reason": f"It did not answer within {model.timeout_seconds:g} s."}
    except TryFailed as failure:
        told |= {"error": failure.error_class, "reason": failure.reason}
    finally:
        await web.close()
    return told


def _request(config: AppConfig, model: Model, passes: tuple[Any, ...], deadline: float) -> Request:
    infill = frozenset([INFILL])
    window: dict[tuple[int, int], Rendered] = {cell: sample(cell) for cell in touched(WINDOW.box)}
    conditioning = Conditioning(
        window=WINDOW,
        camera=config.camera,
        names=passes,
        objects={cell: rendered.png["object"] for cell, rendered in window.items()},
        depths={cell: rendered.png["depth"] for cell, rendered in window.items()},
    )
    template = Template(
        window=WINDOW,
        infill=infill,
        renders={INFILL: window[INFILL].png["render"]},
        context={cell: finished(cell) for cell in context(WINDOW, infill)},
        conditioning=conditioning if passes else None,
        preprocess=model.preprocess,
    )

    async def renders(quadrants: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Rendered]:
        return {cell: sample(cell) for cell in quadrants}

    async def palette() -> bytes:
        return palettes.make(colour_counts(window[INFILL], config.camera)).dump()

    return Request(
        template=template,
        prompt=model.prompt,
        negative_prompt=model.negative_prompt,
        deadline=deadline,
        renders=renders,
        palette=palette,
        say=lambda doing: print(doing, file=sys.stderr, flush=True),
        seed=model.seed,
    )


def _file(picture: Picture) -> bytes:
    return picture if isinstance(picture, bytes) else png(picture, Prediction.NONE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
