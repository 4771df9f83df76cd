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

Cell = tuple[int, int]

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
        read = await self._look(task, job)
        quadrants = [*job.quadrants, *job.padding, *job.scaffold]
        key = hashlib.sha256(content(job.model_id, job.seed, quadrants, job.prompt).encode()).hexdigest()
        since, ledger = time.monotonic(), self.worker.ledger
        answer = self._spool.find(lease.job, key)
        calls = int(answer is None)
        if answer is None:
            ledger.note("calling", job=lease.job, key=key, since=since)
            answer = await self._call(task, job, quadrants)
            await asyncio.to_thread(self._spool.keep, lease.job, key, answer)
            ledger.note("spooled", job=lease.job, key=key)
        note = {"job": lease.job, "token": lease.token, "prompt": job.prompt, **json.loads(answer)}
        model = self._config.model(job.model_id)
        return Result(
            tiles=[
                (job.layer, x, y, picture({**note, "x": x, "y": y, "from": read.get((x, y), 0)}))
                for x, y in (*job.quadrants, *job.scaffold)
            ],
            model_seconds=0.01,
            template=key,
            saw=sorted(read.values()),
            calls=calls,
            # Also of what an earlier try has paid for, as the real one says.
            cost=model.cost_per_image if model else None,
        )

    async def _look(self, task: Task, job: GenerateWork) -> dict[Cell, int]:
        """Note what it should be able to see but cannot: such a step was handed out too early.

        The versions that it draws another layer from, by quadrant.
        """
        infill = frozenset([*job.quadrants, *job.padding, *job.scaffold])
        around = context(Window(job.x, job.y), infill)
        seen = await task.fetch(job.layer, around) if around else {}
        read = await task.fetch(job.input_layer, sorted(infill)) if job.input_layer != "render" else {}
        drawn = await task.fetch("render", sorted(infill - read.keys()))
        missing = [cell for cell in around if tuple(cell) not in seen]
        missing += [cell for cell in sorted(infill) if cell not in drawn and cell not in read]
        lease, ledger = task.lease, self.worker.ledger
        if missing:
            ledger.note("unseen", job=lease.job, token=lease.token, cells=missing)
        if job.input_layer != "render" and (unread := [cell for cell in job.quadrants if cell not in read]):
            ledger.note("unread", job=lease.job, token=lease.token, layer=job.input_layer, cells=unread)
            raise TryFailed("transient", f"{unread} was taken off {job.input_layer} before it was read.")
        return {cell: ref.version for cell, (ref, _) in read.items()}

    async def _call(self, task: Task, job: GenerateWork, quadrants: list[Cell]) -> bytes:
        model = self._config.model(job.model_id)
        assert model is not None and model.endpoint is not None
        asked = {
            **{"job": task.lease.job, "token": task.lease.token, "model_id": job.model_id},
            **{"seed": job.seed, "quadrants": quadrants, "prompt": job.prompt},
        }
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
