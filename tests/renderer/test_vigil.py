"""A page that hangs is found, one that is slow is not: real processes in the place of a browser's."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import psutil
import pytest

from services.renderer.vigil import Hung, Vigil


@contextmanager
def process(script: str) -> Iterator[psutil.Process]:
    """A Python that runs the script."""
    with subprocess.Popen([sys.executable, "-c", script]) as started:
        try:
            yield psutil.Process(started.pid)
        finally:
            started.kill()


async def answers() -> None:
    """A page that is free."""


async def silence() -> None:
    await asyncio.Event().wait()


def vigil(found: psutil.Process, *, free: bool, served: bool = False) -> Vigil:
    made = Vigil(answers if free else silence, lambda: [found], lambda: served)
    made.busy_seconds = made.quiet_seconds = 0.8
    return made


@asynccontextmanager
async def watched(watch: Vigil, leniency: float = 1.0) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.create_task(watch.keep(silence(), leniency=leniency))
    yield task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("free", [True, False])
async def test_a_page_of_which_nothing_moves_is_hung(free: bool) -> None:
    with (
        process("import time; time.sleep(60)") as sleeping,
        pytest.raises(Hung, match="nothing of it has moved"),
    ):
        await vigil(sleeping, free=free).keep(silence())


async def test_a_page_that_works_and_never_answers_is_hung() -> None:
    with process("while True: pass") as looping, pytest.raises(Hung, match="without an answer"):
        await vigil(looping, free=False).keep(silence())


async def test_a_process_that_was_not_there_at_first_is_seen_before_anything_is_said() -> None:
    with process("import time; time.sleep(60)") as sleeping, process("while True: pass") as looping:
        found = iter([[sleeping], [sleeping, looping]])
        watch = Vigil(silence, lambda: next(found, [sleeping, looping]), lambda: False)
        watch.busy_seconds = watch.quiet_seconds = 0.5
        with pytest.raises(Hung, match="without an answer"):
            await watch.keep(silence())


async def test_a_page_that_answers_may_work_on_and_wait_for_what_it_downloads() -> None:
    with process("while True: pass") as looping, process("import time; time.sleep(60)") as sleeping:
        async with (
            watched(vigil(looping, free=True)) as working,
            watched(vigil(sleeping, free=True, served=True)) as waiting,
            watched(vigil(looping, free=False), leniency=100) as building,
        ):
            started = psutil.Process(looping.pid).cpu_times().user
            async with asyncio.timeout(60):
                while looping.cpu_times().user < started + 1.6:  # noqa: ASYNC110 - processor time makes no events
                    await asyncio.sleep(0.1)
            # Four looks at least, however busy this machine is.
            assert not any(task.done() for task in (working, waiting, building))


async def test_what_comes_in_time_is_passed_on_as_it_is() -> None:
    watch = Vigil(answers, list, lambda: False)

    async def result() -> int:
        return 5

    async def failure() -> int:
        raise LookupError("nothing there")

    assert await watch.keep(result()) == 5
    with pytest.raises(LookupError, match="nothing there"):
        await watch.keep(failure())
