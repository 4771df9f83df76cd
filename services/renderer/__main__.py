"""Starts the renderer."""

import asyncio
import sys
from collections.abc import Coroutine

from services.process import Process, run
from services.pulse import BEAT_SECONDS
from services.renderer.chromium import NoChromium
from services.renderer.renderer import IN_PAGE, Renderer, Unusable
from services.renderer.scenes import NotBuilt, files
from services.renderer.settings import script
from services.renderer.site import Site
from services.worker import Worker

SLOTS = IN_PAGE + 1
"""Jobs at once: while the page draws and sends, another is encoded and handed in."""
DRAIN_SECONDS = 5.0


async def serve(process: Process) -> None:
    """Draw until told to stop."""
    try:
        found = files(process.config.scene, process.config_path.parent, process.data / "tiles")
    except NotBuilt as error:
        process.log.error("%s", error)
        sys.exit(str(error))
    site = Site(found.page, found.city, script(process.config.camera, process.config.scene))
    await site.open()
    folder = process.sockets.folder / f"{process.name}.chromium"
    scene = process.config.scene.source
    renderer = Renderer(site, folder, process.config.browser, scene)
    worker = Worker(process.sockets.address("work"), process.name, ["render"], renderer.perform, slots=SLOTS)
    try:
        process.pulse.doing("opening the browser")
        if await _unless_stopped(process, renderer.open()):
            process.pulse.ready()
            await _work(process, renderer, worker)
    except (NoChromium, Unusable) as error:
        process.log.error("%s", error)
        sys.exit(str(error))
    finally:
        await renderer.close()
        await site.close()
        await found.city.close()


async def _work(process: Process, renderer: Renderer, worker: Worker) -> None:
    """Serve jobs until stopped; a browser that cannot be had any more ends the process."""
    working = asyncio.create_task(worker.run(process.stop, drain_seconds=DRAIN_SECONDS))
    aside = [asyncio.create_task(renderer.watch()), asyncio.create_task(_report(process, renderer, worker))]
    done, _ = await asyncio.wait([working, *aside], return_when=asyncio.FIRST_COMPLETED)
    for task in (working, *aside):
        task.cancel()
    await asyncio.gather(working, *aside, return_exceptions=True)
    for task in done:
        task.result()


async def _unless_stopped(process: Process, work: Coroutine[None, None, None]) -> bool:
    """Whether the work came to its end before this process was told to stop."""
    working, stopping = asyncio.ensure_future(work), asyncio.create_task(process.stop.wait())
    done, _ = await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
    for task in (working, stopping):
        task.cancel()
    await asyncio.gather(working, stopping, return_exceptions=True)
    if working in done:
        working.result()
    return working in done


async def _report(process: Process, renderer: Renderer, worker: Worker) -> None:
    while True:
        process.pulse.doing("replacing the browser" if renderer.mending else worker.doing())
        await asyncio.sleep(BEAT_SECONDS)


if __name__ == "__main__":
    run("renderer", serve)
