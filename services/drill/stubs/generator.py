"""A generator without a painter: `python -m services.drill.stubs.generator`."""

import asyncio
import hashlib
import json
import time

from protocol.work import GenerateWork
from services.drill.call import post
from services.drill.model import content
from services.drill.picture import picture
from services.drill.stubs.scribe import Scribe, work
from services.process import Process, run
from services.spool import Spool
from services.tiling.seam import Window
from services.tiling.template import context
from services.worker import Result, Task, TryFailed

SLOTS = 4


class Generator:
    """Calls the model that the configuration names, unless its answer lies in the spool."""

    def __init__(self, process: Process) -> None:
        self._config = process.config
        self._spool = Spool(process.data / "spool")
        self.worker = Scribe(process, ["generate"], self.perform, slots=SLOTS)

    async def perform(self, task: Task) -> Result:
        """What the model answered, as the quadrants to hand in."""
        lease, job = task.lease, task.lease.work
        assert isinstance(job, GenerateWork)
        await self._look(task, job)
        quadrants = [*job.quadrants, *job.padding, *job.scaffold]
        key = hashlib.sha256(content(quadrants, job.prompt).encode()).hexdigest()
        since, ledger = time.monotonic(), self.worker.ledger
        answer = self._spool.find(lease.job, key)
        if answer is None:
            ledger.note("calling", job=lease.job, key=key, since=since)
            answer = await self._call(job, {"quadrants": quadrants, "prompt": job.prompt})
            await asyncio.to_thread(self._spool.keep, lease.job, key, answer)
            ledger.note("spooled", job=lease.job, key=key)
        note = {"job": lease.job, "token": lease.token, "prompt": job.prompt, **json.loads(answer)}
        return Result(
            tiles=[
                ("generation", x, y, picture({**note, "x": x, "y": y}))
                for x, y in (*job.quadrants, *job.scaffold)
            ],
            model_seconds=0.01,
            template=key,
        )

    async def _look(self, task: Task, job: GenerateWork) -> None:
        """Note what it should be able to see but cannot: such a step was handed out too early."""
        infill = frozenset([*job.quadrants, *job.padding, *job.scaffold])
        around = context(Window(job.x, job.y), infill)
        seen = await task.fetch("generation", around) if around else {}
        drawn = await task.fetch("render", sorted(infill))
        missing = [cell for cell in around if tuple(cell) not in seen]
        missing += [cell for cell in sorted(infill) if cell not in drawn]
        if missing:
            self.worker.ledger.note("unseen", job=task.lease.job, token=task.lease.token, cells=missing)

    async def _call(self, job: GenerateWork, asked: dict[str, object]) -> bytes:
        model = self._config.model(job.model_id)
        assert model is not None and model.endpoint is not None
        try:
            status, answer = await post(model.endpoint, asked)
        except (OSError, TimeoutError) as error:
            raise TryFailed("transient", f"The stub model did not answer ({error!r}).") from None
        if status != 200:
            raise TryFailed("transient", f"The stub model answered {status}.")
        return json.dumps(answer).encode()


async def serve(process: Process) -> None:
    """Work until stopped."""
    await work(process, Generator(process).worker)


if __name__ == "__main__":
    run("generator", serve)
