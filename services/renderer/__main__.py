"""Starts the renderer."""

import asyncio
import sys
from collections.abc import Coroutine

from services.config import AppConfig
from services.process import Process, run
from services.pulse import BEAT_SECONDS
from services.renderer.chromium import NoChromium
from services.renderer.renderer import IN_PAGE, Renderer
from services.renderer.scenes import Files, NotBuilt, files
from services.renderer.settings import script
from services.renderer.shut import Shut
from services.renderer.site import Site
from services.renderer.stage import Unusable
from services.renderer.vintage import Vintage
from services.worker import Worker

SLOTS = IN_PAGE + 1
"""Jobs at once: while the page draws and sends, another is encoded and handed in."""
DRAIN_SECONDS = 5.0


async def serve(process: Process) -> None:
    """Draw until told to stop."""

    async def opened() -> Files:
        found = files(process.config.scene, process.config_path.parent, process.data / "tiles")
        await found.city.open()
        return found

    try:
        found = await Shut(process).opened(opened)
    except NotBuilt as error:
        process.log.error("%s", error)
        sys.exit(str(error))
    if found is None:
        return
    site = Site(found.page, found.city, script(process.config.camera, process.config.scene))
    await site.open()
    folder = process.sockets.folder / f"{process.name}.chromium"
    renderer = Renderer(site, folder, process.config.browser, _scene(process.config), process.config.recycle)
    process.take_over.append(renderer.take_over)
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
    vintage = Vintage(process.data)
    while True:
        said = [worker.doing(), renderer.doing()]
        if not renderer.stage.mending:
            page = renderer.page
            said.append(vintage.note(page.info.build, page.graphics, renderer.stage.frames))
        process.pulse.doing(" · ".join(filter(None, said)))
        await asyncio.sleep(BEAT_SECONDS)


def _scene(config: AppConfig) -> str:
    """What is drawn and how it is looked at, as every tile version says it."""
    camera = config.camera
    place = f"{camera.latitude:.12g}, {camera.longitude:.12g}"
    angles = f"azimuth {camera.azimuth:.12g}, elevation {camera.elevation:.12g}"
    scale = f"{camera.metres_per_pixel:.12g} m/px"
    return f"{config.scene.source} from {place}, {angles}, {scale}"


if __name__ == "__main__":
    run("renderer", serve)
