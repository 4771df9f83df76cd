"""Starts the renderer."""

import asyncio
import sys

from services.process import Process, run
from services.renderer.chromium import NoChromium
from services.renderer.renderer import Renderer
from services.renderer.scenes import NotBuilt, files
from services.renderer.site import Site
from services.worker import Worker

SLOTS = 2
"""Jobs at once: while the page draws one, the other is encoded and handed in."""
DRAIN_SECONDS = 5.0


async def serve(process: Process) -> None:
    """Draw until told to stop."""
    try:
        found = files(process.config.scene)
    except NotBuilt as error:
        process.log.error("%s", error)
        sys.exit(str(error))
    site = Site(found.page, found.city)
    await site.open()
    folder = process.sockets.folder / f"{process.name}.chromium"
    scene = process.config.scene.source
    renderer = Renderer(site, folder, process.config.browser, scene, process.pulse)
    worker = Worker(process.sockets.address("work"), process.name, ["render"], renderer.perform, slots=SLOTS)
    try:
        await renderer.open()
        process.pulse.ready()
        await _work(process, renderer, worker)
    except NoChromium as error:
        process.log.error("%s", error)
        sys.exit(str(error))
    finally:
        await renderer.close()
        await site.close()


async def _work(process: Process, renderer: Renderer, worker: Worker) -> None:
    """Serve jobs until stopped; a browser that cannot be had any more ends the process."""
    working = asyncio.create_task(worker.run(process.stop, drain_seconds=DRAIN_SECONDS))
    aside = [asyncio.create_task(renderer.watch()), asyncio.create_task(_report(process, worker))]
    done, _ = await asyncio.wait([working, *aside], return_when=asyncio.FIRST_COMPLETED)
    for task in (working, *aside):
        task.cancel()
    await asyncio.gather(working, *aside, return_exceptions=True)
    for task in done:
        task.result()


async def _report(process: Process, worker: Worker) -> None:
    while True:
        process.pulse.doing(worker.doing())
        await asyncio.sleep(1.0)


if __name__ == "__main__":
    run("renderer", serve)
