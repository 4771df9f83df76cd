"""The offline model on real renders, in one process: from stored PNG layers to encoded quadrants."""

import asyncio
import hashlib
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.figure import Figure
from protocol.message import Layer
from services.config import Model
from services.generator.compose import Template, cut, encode
from services.generator.models import palette as palettes
from services.generator.models.adapter import Request
from services.generator.models.pixel_art import PixelArt, colour_counts
from services.generator.rendered import Rendered
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
GOAL_MS = "<= 60"


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
