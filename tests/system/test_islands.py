"""A plan around finished islands, many workers, some killed, one step refused: its cone is held, no seam.

The model answers with a picture in which every pixel depends on every pixel that it was sent. So the map of
one worker, one step at a time, is what each map must be, whoever drew it in whatever order.
"""

import asyncio
import os
import signal
from collections.abc import Collection
from typing import Any

import pytest

from protocol.work import Fetch, Pixels
from services.config import Sockets
from services.supervision.ask import ask
from services.tiling.planning import Map, PlannedStep, plan
from services.tiling.region import rectangle
from tests.generator.fake_oxen import FakeOxen
from tests.system.conftest import Founder
from tests.system.kills import check_drawn_once
from tests.system.painter import Painter
from tests.system.world import World, until

ISLANDS = {"north": (2, 2, 3, 3), "south": (7, 7, 8, 8)}
BOUNDS = (0, 0, 11, 11)
WORKERS = 8

Cell = tuple[int, int]


def steps_around_the_islands() -> list[PlannedStep]:
    """What the planner makes of the ground; it leaves nothing out."""
    finished = frozenset[Cell]().union(*(rectangle(*island) for island in ISLANDS.values()))
    planning = plan(rectangle(*BOUNDS), Map(finished))
    assert planning.left_out == {}
    return list(planning.steps)


def cone(steps: Collection[PlannedStep], top: str) -> set[str]:
    """The steps that need the top one, directly or through others."""
    found = {top}
    while more := {step.id for step in steps if found.intersection(step.after)} - found:
        found |= more
    return found - {top}


def published(steps: Collection[PlannedStep]) -> list[dict[str, object]]:
    """The steps as a plan's JSON names them."""
    return [
        {
            "id": step.id,
            "quadrants": step.quadrants,
            "padding": step.padding,
            "scaffold": step.scaffold,
            "after": step.after,
        }
        for step in steps
    ]


def world_of(found: Founder, name: str, oxen: FakeOxen, *, workers: int, at_once: int) -> World:
    model = {
        "name": "Mixed",
        "model_id": "mixed",
        "provider": "oxen",
        "endpoint": oxen.url,
        "api_key": "on-loopback",
        "max_concurrency": at_once,
    }
    return found(
        name,
        models=[model],
        default_model_id="mixed",
        services={"renderer": 0, "generator": workers},
    )


async def drawn(world: World, plan: dict[str, Any]) -> dict[str, Any]:
    """Publish a plan and wait until it has settled."""
    await asyncio.to_thread(world.publish, plan)
    return await asyncio.to_thread(world.settled, str(plan["id"]))


async def make_islands(world: World) -> None:
    for name, (x0, y0, x1, y1) in ISLANDS.items():
        quadrants = [[x, y] for y in range(y0, y1 + 1) for x in range(x0, x1 + 1)]
        view = await drawn(world, {"id": name, "steps": [{"id": "s", "quadrants": quadrants}]})
        assert view["quadrants_done"] == len(quadrants)


async def render_all(world: World) -> None:
    """Have every frame drawn, so that the order of calls is that of the plan."""
    quadrants = [[x, y] for y in range(-2, 14) for x in range(-2, 14)]
    await drawn(world, {"id": "renders", "steps": [{"id": "r", "kind": "render", "quadrants": quadrants}]})


def jobs(world: World, plan: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = world.get(f"/api/queue?plan={plan}&kind=generate&limit=500")["jobs"]
    return found


def generations(world: World) -> dict[Cell, str]:
    """SHA-256 of every generation on the map of a running world."""
    cells = sorted(rectangle(*BOUNDS))
    found: dict[Cell, str] = {}
    for first in range(0, len(cells), 64):
        fetch = Fetch(layer="generation", quadrants=cells[first : first + 64])
        pixels = ask(Sockets(world.data).address("control"), fetch, Pixels)
        found |= {(tile.x, tile.y): tile.sha256 for tile in pixels.tiles}
    return found


def at_work(world: World) -> list[dict[str, Any]]:
    """The generators that wait for the model's answer."""
    return [
        service
        for service in world.status()["services"]
        if service["kind"] == "generator" and "waiting for" in service["doing"]
    ]


def kill_some(world: World, count: int) -> None:
    """Kill generators in the middle of a call, and wait until each has a successor."""
    victims = until("workers at work", lambda: w if len(w := at_work(world)) >= count else None)[:count]
    for victim in victims:
        os.kill(victim["pid"], signal.SIGKILL)
    for victim in victims:
        until(
            f"another {victim['name']}",
            lambda victim=victim: world.service(victim["name"]).get("pid") not in (None, victim["pid"]),
        )


async def calm(found: Founder, oxen: FakeOxen, steps: list[PlannedStep]) -> tuple[World, dict[str, str]]:
    """The world of one worker that takes one step after the other, and each step's template."""
    world = await asyncio.to_thread(world_of(found, "calm", oxen, workers=1, at_once=1).start)
    async with Painter(world.data):
        await make_islands(world)
        await render_all(world)
        before = len(oxen.seen)
        view = await drawn(world, {"id": "city", "steps": published(steps)})
        assert view["quadrants_done"] == view["quadrants_total"]
    assert oxen.most_at_once == 1
    order = sorted(await asyncio.to_thread(jobs, world, "city"), key=lambda job: job["started_at"])
    templates = dict(zip((job["step"] for job in order), oxen.seen[before:], strict=True))
    assert await asyncio.to_thread(world.stop) == 0
    return world, templates


@pytest.mark.timeout(300)
async def test_a_failed_step_holds_exactly_its_cone_and_no_worker_leaves_a_seam(found: Founder) -> None:
    steps = steps_around_the_islands()
    async with FakeOxen(mixed=True) as oxen:
        model, templates = await calm(found, oxen, steps)
        expected = model.tiles("generation")
        assert set(expected) == rectangle(*BOUNDS)

        doomed = next(step for step in steps if step.wave == 2 and len(cone(steps, step.id)) > 2)
        held = cone(steps, doomed.id)
        oxen.refused.add(templates[doomed.id])
        world = await asyncio.to_thread(world_of(found, "fire", oxen, workers=WORKERS, at_once=16).start)
        async with Painter(world.data):
            await make_islands(world)
            oxen.open.clear()
            await asyncio.to_thread(world.publish, {"id": "city", "steps": published(steps)})
            await asyncio.to_thread(kill_some, world, 3)
            oxen.open.set()
            view = await asyncio.to_thread(world.settled, "city")

            states = {job["step"]: job["state"] for job in await asyncio.to_thread(jobs, world, "city")}
            assert {step for step, state in states.items() if state == "error"} == {doomed.id}
            assert {step for step, state in states.items() if state == "blocked"} == held
            assert {step for step, state in states.items() if state == "complete"} == (
                {step.id for step in steps} - held - {doomed.id}
            )
            assert (view["failed"], view["held"], view["stuck"]) == (1, len(held), True)
            missing = {cell for step in steps if step.id in held | {doomed.id} for cell in step.quadrants}
            standing = await asyncio.to_thread(generations, world)
            assert standing == {cell: sha256 for cell, sha256 in expected.items() if cell not in missing}

            oxen.refused.clear()
            oxen.open.clear()
            await asyncio.to_thread(world.post, "/api/plans/city/retry", {})
            await asyncio.to_thread(kill_some, world, 1)
            oxen.open.set()
            view = await asyncio.to_thread(world.settled, "city")
            assert (view["stuck"], view["quadrants_done"]) == (False, view["quadrants_total"])
        assert await asyncio.to_thread(world.stop) == 0
    assert world.tiles("generation") == expected
    check_drawn_once(world, len(expected))
    # The killed ones apart, which may have come back under their names, others have drawn as well.
    workers = world.rows("select count(distinct worker) from tile_versions where layer = 'generation'")
    assert workers[0][0] > 1
