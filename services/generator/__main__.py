"""The generator's process: `python -m services.generator`."""

import asyncio
import contextlib
import resource

from services.config import GENERATOR_SLOTS
from services.generator.generator import Generator
from services.process import Process, run
from services.spool import Spool
from services.worker import Worker

TELL_SECONDS = 0.5


async def serve(process: Process) -> None:
    """Work until stopped."""
    # A core dump would hold the keys of the models.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    spool = Spool(process.data / "spool")
    if left := await asyncio.to_thread(spool.sweep):
        process.log.info("removed %d answers that nobody has come back for in a week", left)
    generator = Generator(process.config, spool)
    process.take_over.append(generator.take_over)
    worker = Worker(
        process.sockets.address("work"),
        process.name,
        ["generate", "palette"],
        generator.perform,
        slots=GENERATOR_SLOTS,
        done_with=spool.drop,
    )
    telling = asyncio.create_task(_tell(process, worker))
    process.pulse.ready()
    try:
        await worker.run(process.stop)
    finally:
        telling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await telling
        await generator.close()


async def _tell(process: Process, worker: Worker) -> None:
    """Let the heartbeat say what the worker does."""
    while True:
        process.pulse.doing(worker.doing())
        await asyncio.sleep(TELL_SECONDS)


if __name__ == "__main__":
    run("generator", serve)
