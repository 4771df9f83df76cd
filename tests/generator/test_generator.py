"""The generator at work: a real keeper, a real generator, an Oxen on loopback, renders drawn by the test."""

import asyncio
import contextlib
import functools
import json
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from protocol.codec import catalogue
from protocol.control import GetQuadrant, ListJobs, Quadrant
from protocol.control import Jobs as JobsAnswer
from protocol.event import Events, PlanChange, Watch
from protocol.ingest import Accepted, Publish
from protocol.message import Layer, Ping, Pong
from protocol.plan import Plan
from protocol.region import Generate
from protocol.view import VersionView
from protocol.work import AssetFile, Fetch, FetchAsset, Pixels, RenderWork
from services.client import Client
from services.config import Sockets
from services.generator.art.cells import vote
from services.generator.art.outline import MARGIN
from services.generator.art.palette import Palette
from services.generator.models.pixel_art import paint, slope
from services.passes import picture
from services.planes import Planes
from services.process import UNAVAILABLE_VARIABLE
from services.scene import Camera
from services.tile import decode
from services.tiling.quadrant import HALO, Box, box
from services.tiling.region import grown
from services.worker import Result, Task, Worker
from tests.generator.city import depth_of, draw, png
from tests.generator.fake_oxen import FakeOxen, picture_in, sent

KEY = "CANARY-5d1e8a"
TREE = Path(__file__).resolve().parents[2]
ANSWERS = catalogue(Accepted, Events, JobsAnswer, Pixels, AssetFile, Quadrant, Pong)


class World:
    """One data folder with its processes."""

    def __init__(self, folder: Path, oxen: FakeOxen) -> None:
        self.folder = folder
        self.data = folder / "world"
        self.data.mkdir()
        self.config = folder / "app_config.json"
        models = [
            {"name": "Pixel art", "model_id": "pixel-art", "provider": "pixel-art"},
            {"name": "Chunky", "model_id": "chunky", "provider": "pixel-art", "cell": 4},
            {
                "name": "Omni",
                "model_id": "omni",
                "provider": "oxen",
                "endpoint": oxen.url,
                "api_key": "${TILEWRIGHT_TEST_KEY}",
                "conditioning": {"depth16": "control_image"},
            },
            {
                "name": "Night",
                "model_id": "night",
                "provider": "oxen",
                "endpoint": oxen.url,
                "api_key": "${TILEWRIGHT_TEST_KEY}",
                "output_layer": "dark",
                "input_layer": "generation",
            },
            {
                "name": "Locked",
                "model_id": "locked",
                "provider": "oxen",
                "endpoint": oxen.url,
                "api_key": "${TILEWRIGHT_NO_SUCH_KEY}",
            },
        ]
        self.config.write_text(json.dumps({"models": models, "passes": ["class", "depth16"]}))
        self.sockets = Sockets(self.data)
        self.sockets.prepare()
        self.control = Client(self.sockets.address("control"), ANSWERS)
        self.stop = asyncio.Event()
        self.processes: list[asyncio.subprocess.Process] = []
        self._rendering: asyncio.Task[None] | None = None

    def price(self, each: float) -> None:
        """Let the remote models state what a call costs; before anything is opened."""
        config = json.loads(self.config.read_text())
        for model in config["models"]:
            if model["provider"] == "oxen":
                model["cost_per_image"] = each
        self.config.write_text(json.dumps(config))

    def select(self, sql: str) -> list[tuple[Any, ...]]:
        """Look into the database when everything is closed."""
        with contextlib.closing(sqlite3.connect(self.data / "tilewright.db")) as connection:
            return connection.execute(sql).fetchall()

    async def open(self, *, generator: bool = True) -> None:
        # Whose key is missing the keeper is told: it has none itself.
        reasons = self.folder / "unavailable.json"
        reasons.write_text(json.dumps({"locked": "TILEWRIGHT_NO_SUCH_KEY is not set."}))
        await self.start("keeper", {UNAVAILABLE_VARIABLE: str(reasons)})
        await self.control.ask(Ping(), Pong, timeout=30.0)
        renderer = Worker(self.sockets.address("work"), "draws", ["render"], self._render, slots=2)
        self._rendering = asyncio.create_task(renderer.run(self.stop, drain_seconds=1.0))
        if generator:
            await self.start("generator", {"TILEWRIGHT_TEST_KEY": KEY})

    async def start(self, kind: str, more: dict[str, str] | None = None) -> None:
        self.processes.append(
            await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                f"services.{kind}",
                *("--name", f"{kind}-1", "--config", str(self.config), "--data", str(self.data)),
                cwd=TREE,
                env={**os.environ, **(more or {})},
                stdout=asyncio.subprocess.DEVNULL,
            )
        )

    async def close(self) -> list[int | None]:
        """Stop everything in order; the exit codes."""
        self.stop.set()
        if self._rendering is not None:
            await self._rendering
        await self.control.close()
        for process in reversed(self.processes):
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
                await process.wait()
        return [process.returncode for process in self.processes]

    async def _render(self, task: Task) -> Result:
        work = task.lease.work
        assert isinstance(work, RenderWork)
        pixels = Box(work.x, work.y, work.x + work.width, work.y + work.height)
        return Result(tiles=await asyncio.to_thread(_frame, pixels, tuple(work.quadrants)))

    async def publish(self, plan: Plan) -> None:
        await self.control.ask(Publish(plan=plan), Accepted)

    async def settled(self, *plans: str) -> None:
        """Follow the events until these plans can go on no more."""
        open_plans, last = set(plans), 0
        async with asyncio.timeout(100):
            while open_plans:
                events = await self.control.ask(Watch(since=last, wait=5.0), Events, timeout=15.0)
                for event in events.events:
                    last = event.seq
                    if isinstance(event.change, PlanChange) and event.change.state == "settled":
                        open_plans.discard(event.change.plan)

    async def jobs(self, plan: str) -> JobsAnswer:
        return await self.control.ask(ListJobs(plan=plan, kind="generate"), JobsAnswer)

    async def tiles(self, layer: Layer, *quadrants: tuple[int, int]) -> dict[tuple[int, int], bytes]:
        envelope = await self.control.exchange(Fetch(layer=layer, quadrants=list(quadrants)))
        assert isinstance(envelope.body, Pixels)
        return {(tile.x, tile.y): envelope.attachments[tile.attachment] for tile in envelope.body.tiles}

    async def versions(self, *quadrants: tuple[int, int]) -> list[list[VersionView]]:
        """What was generated of each quadrant, the newest first."""
        found = [await self.control.ask(GetQuadrant(x=x, y=y), Quadrant) for x, y in quadrants]
        return [[one for one in view.versions if one.layer == "generation"] for view in found]

    async def palette(self) -> Palette:
        envelope = await self.control.exchange(FetchAsset(name="palette"))
        return Palette.load(envelope.attachments[0])


@functools.cache
def _frame(pixels: Box, quadrants: tuple[tuple[int, int], ...]) -> list[tuple[Layer, int, int, bytes]]:
    """The tiles of a frame; the worlds of these tests lie on the same ground."""
    tiles: list[tuple[Layer, int, int, bytes]] = []
    names: tuple[Layer, ...] = ("render", "object", "depth")
    for name, plane in zip(names, draw(pixels), strict=True):
        for x, y in quadrants:
            left, top, right, bottom = box((x, y))
            tiles.append(
                (
                    name,
                    x,
                    y,
                    png(
                        plane[
                            top - pixels.top : bottom - pixels.top, left - pixels.left : right - pixels.left
                        ]
                    ),
                )
            )
    return tiles


def painted(quadrant: tuple[int, int], cell: int, palette: Palette) -> NDArray[np.uint8]:
    """The quadrant as the model must paint it, worked out here from its own crop."""
    inner = box(quadrant)
    colour, objects, split = draw(grown(inner, HALO))
    cells = vote(colour, objects, depth_of(split), cell)
    spare = HALO // cell - MARGIN
    cells = cells.cut(spare, spare, cells.shape[0] - spare, cells.shape[1] - spare)
    return paint(cells, inner, cell, slope(Camera(), cell), palette)


@pytest.fixture
async def oxen() -> AsyncIterator[FakeOxen]:
    async with FakeOxen() as server:
        yield server


@pytest.fixture
async def world(short: Path, oxen: FakeOxen) -> AsyncIterator[World]:
    world = World(short, oxen)
    await world.open()
    yield world
    codes = await world.close()
    assert codes == [0, 0]


async def test_two_offline_models_paint_at_once_what_one_crop_would_show(world: World) -> None:
    await world.publish(Plan(id="fine", model_id="pixel-art", rectangle=(-1, -1, 1, 1)))
    await world.publish(Plan(id="coarse", model_id="chunky", rectangle=(4, -1, 6, -1)))
    await world.settled("fine", "coarse")
    palette = await world.palette()
    for cell, wanted in (
        (2, [(x, y) for y in (-1, 0, 1) for x in (-1, 0, 1)]),
        (4, [(4, -1), (5, -1), (6, -1)]),
    ):
        tiles = await world.tiles("generation", *wanted)
        assert sorted(tiles) == sorted(wanted)
        for quadrant, content in tiles.items():
            pixels = decode(content, "RGB", quadrant)
            assert np.count_nonzero(pixels != painted(quadrant, cell, palette)) == 0, quadrant
    # What one job overhung was scaffold, and is gone.
    assert await world.tiles("generation", (4, 0), (5, -2)) == {}
    assert [job.attempt for job in (await world.jobs("fine")).jobs] == [1, 1, 1, 1]


async def test_a_remote_model_sees_renders_and_finished_neighbours(world: World, oxen: FakeOxen) -> None:
    await world.publish(
        Plan(id="far", model_id="omni", prompt="ink and wash", rectangle=(0, 0, 2, 0), lane="bulk")
    )
    await world.settled("far")
    assert [job.state for job in (await world.jobs("far")).jobs] == ["complete"] * 2
    first, second = oxen.asked
    assert first["prompt"] == "ink and wash"
    renders = await world.tiles("render", (0, 0), (1, 0), (2, 0))
    finished = await world.tiles("generation", (0, 0), (1, 0), (2, 0))
    assert sorted(finished) == [(0, 0), (1, 0), (2, 0)]
    assert np.array_equal(sent(first)[:512, :512], decode(renders[0, 0], "RGB", (0, 0)))
    template = sent(second)
    assert np.array_equal(template[:512, 512:], decode(renders[2, 0], "RGB", (2, 0)))
    assert np.array_equal(template[:512, :510], decode(finished[1, 0], "RGB", (1, 0))[:, :510])
    assert (template[:512, 510:512] == (255, 0, 0)).all()
    assert np.array_equal(decode(finished[2, 0], "RGB", (2, 0)), 255 - template[:512, 512:])
    # The pass shows the whole window, also what was finished before and what lies below it.
    window = Box(512, 0, 1_536, 1_024)
    _, objects, depth = draw(window)
    shown = picture("depth16", Planes(window, objects, depth), Camera())
    assert np.array_equal(picture_in(second["control_image"]), shown)
    # A model of another layer sees what this one drew; where it overhangs the map, the render.
    await world.publish(Plan(id="night", model_id="night", rectangle=(0, 0, 2, 0)))
    await world.settled("night")
    third, _ = oxen.asked[2:]
    below = await world.tiles("render", (0, 1))
    assert np.array_equal(sent(third)[:512, :512], decode(finished[0, 0], "RGB", (0, 0)))
    assert np.array_equal(sent(third)[512:, :512], decode(below[0, 1], "RGB", (0, 1)))
    dark = await world.tiles("dark", (0, 0), (1, 0), (2, 0))
    for cell in dark:
        assert np.array_equal(decode(dark[cell], "RGB", cell), 255 - decode(finished[cell], "RGB", cell))
    assert await world.tiles("generation", (0, 0), (1, 0), (2, 0)) == finished
    await world.close()
    (told,) = world.select("SELECT DISTINCT parameters FROM tile_versions WHERE layer = 'generation'")
    assert json.loads(told[0]) == {"model": "omni", "conditioning": {"depth16": "control_image"}}
    for path in world.data.rglob("*"):
        assert path.is_dir() or KEY.encode() not in path.read_bytes(), path


async def test_a_seam_is_asked_for_anew_with_another_seed(short: Path, oxen: FakeOxen) -> None:
    oxen.mode = "seam at first"
    world = World(short, oxen)
    world.price(0.25)
    config = json.loads(world.config.read_text())
    models = {model["model_id"]: model for model in config["models"]}
    config["models"] = [{**models["omni"], "conditioning": {}, "seam_retries": 2}]
    world.config.write_text(json.dumps(config))
    await world.open()
    await world.publish(Plan(id="far", model_id="omni", rectangle=(0, 0, 2, 0), lane="bulk"))
    await world.settled("far")
    ((first,), (better,)) = await world.versions((0, 0), (2, 0))
    assert await world.close() == [0, 0]
    seeds = [asked.get("seed") for asked in oxen.asked]
    assert seeds[:2] == [None, None] and seeds[2] is not None and len(seeds) == 3
    assert (first.seam, first.flagged, first.cost) == (None, False, 0.25)
    assert (better.seed, better.flagged, better.cost) == (seeds[2], False, 0.5)
    assert better.seam is not None and 0 < better.seam < 1.5


async def test_a_model_that_fails_says_why_and_keeps_its_key(world: World, oxen: FakeOxen) -> None:
    oxen.mode = "401"
    await world.control.ask(Generate(plan="refused", quadrants=[(0, 0)], model_id="omni"), Accepted)
    await world.settled("refused")
    job = (await world.jobs("refused")).jobs[0]
    assert (job.state, job.attempt) == ("error", 1)
    assert job.reason == "Omni refused the key (HTTP 401). Check TILEWRIGHT_TEST_KEY."
    await world.close()
    for path in world.data.rglob("*"):
        assert path.is_dir() or KEY.encode() not in path.read_bytes(), path
