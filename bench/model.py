"""The offline model on real renders, in one process: from stored PNG layers to encoded quadrants."""

import asyncio
import hashlib
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from bench.figure import Figure
from protocol.message import Layer
from services.generator.art import palette as palettes
from services.generator.compose import Template, cut, encode
from services.generator.models.adapter import Request
from services.generator.models.pixel_art import PixelArt, colour_counts
from services.generator.rendered import Rendered
from services.model import Model
from services.renderer.renderer import Renderer
from services.renderer.scenes import files
from services.renderer.site import Site
from services.scene import Camera, Scene
from services.tiling.planning import Map, plan
from services.tiling.quadrant import frame_box, frame_quadrants
from services.tiling.region import frames, needed_renders, rectangle, ring
from services.tiling.seam import Window, place

Renders = dict[tuple[int, int], Rendered]

AREA = (0, 0, 3, 3)
ROUNDS = 5
GOAL_MS = "<= 40"


def figures() -> Iterator[Figure]:
    """Milliseconds per quadrant and cell size, one call after the other."""
    renders = asyncio.run(_drawn())
    counts = palettes.none()
    for rendered in renders.values():
        counts += colour_counts(rendered, Camera())
    palette = palettes.make(counts).dump()
    for cell in (2, 4):
        seconds, quadrants = asyncio.run(_painted(cell, renders, palette))
        yield Figure(
            f"model_ms_per_quadrant_cell_{cell}",
            1_000 * seconds / quadrants,
            "ms",
            GOAL_MS,
            f"{quadrants} quadrants: layers decoded, painted, cut, encoded",
        )
    cores = os.cpu_count() or 1
    yield Figure(
        "model_over_cores",
        _over_cores(cores, renders, palette),
        "×",
        ">= 1.7" if cores == 2 else "",
        f"the quadrants per second of {cores} processes over those of one, cell 2",
    )


def _over_cores(cores: int, renders: Renders, palette: bytes) -> float:
    """How many times as much as many processes paint as one does, as generators would beside each other."""
    # Started anew, as generators are: a fork of this process would share its threads' locks.
    anew = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(cores, anew, _take, (renders, palette)) as pool:
        list(pool.map(_seconds, range(cores)))
        ratios = []
        for _ in range(ROUNDS):
            alone = pool.submit(_seconds, 0).result()
            together = max(pool.map(_seconds, range(cores)))
            ratios.append(cores * alone / together)
    return statistics.median(ratios)


_given: dict[str, Any] = {}
"""What a process of the pool paints, handed over once."""


def _take(renders: Renders, palette: bytes) -> None:
    _given.update(renders=renders, palette=palette)


def _seconds(_: int) -> float:
    return asyncio.run(_painted(2, _given["renders"], _given["palette"]))[0]


async def _drawn() -> Renders:
    """The area and all around it, as the renderer hands it in."""
    found = files(Scene())
    site = Site(found.page, found.city)
    await site.open()
    area = rectangle(*AREA)
    tiles: dict[tuple[int, int], dict[Layer, bytes]] = {}
    with tempfile.TemporaryDirectory(prefix="tw-") as folder:
        renderer = Renderer(site, Path(folder), None, "san-francisco")
        try:
            await renderer.open()
            for frame in frames(area | ring(area)):
                drawn = await renderer.draw(1, frame_box(frame))
                for layer, x, y, png in drawn.tiles(frame_quadrants(frame)):
                    tiles.setdefault((x, y), {})[layer] = png
        finally:
            await renderer.close()
            await site.close()
    return {cell: Rendered(cell, png, _hashes(png)) for cell, png in tiles.items()}


def _hashes(png: dict[Layer, bytes]) -> tuple[str, ...]:
    return tuple(hashlib.sha256(content).hexdigest() for content in png.values())


async def _painted(cell: int, renders: Renders, palette: bytes) -> tuple[float, int]:
    """Seconds for all steps of a plan for the area, and its quadrants."""
    adapter = PixelArt(
        Model(name="bench", model_id="bench", provider="pixel-art", cell=cell), Camera(), asyncio.Semaphore(1)
    )

    async def fresh(quadrants: Sequence[tuple[int, int]]) -> Renders:
        # New objects each time, as from the keeper: what was decoded for another step is not at hand.
        return {c: Rendered(c, renders[c].png, renders[c].sha256) for c in quadrants}

    async def stored() -> bytes:
        return palette

    steps = plan(rectangle(*AREA), Map()).steps
    finished: set[tuple[int, int]] = set()
    painted = 0
    started = time.perf_counter()
    for step in steps:
        window = place(step.infill, finished)
        assert isinstance(window, Window)
        assert set(needed_renders(step.infill)) <= set(renders)
        template = Template(window=window, infill=step.infill, renders={}, context={})
        picture = await adapter.edit(
            Request(
                template=template,
                prompt="",
                negative_prompt="",
                deadline=0.0,
                renders=fresh,
                palette=stored,
                say=lambda _: None,
            )
        )
        assert not isinstance(picture, bytes)
        painted += len([encode(cut(picture, window, quadrant)) for quadrant in sorted(step.infill)])
        finished |= step.infill
    return time.perf_counter() - started, painted
