"""The drafter: has large plans drawn up by a process beside, so that no other request waits for it."""

import asyncio
import contextlib
import logging
import pickle
import sys
from collections.abc import Callable
from pathlib import Path

from protocol.errors import Code, ProtocolError
from protocol.region import Planned
from services.keeper.commission import LENGTH, Order, Refused
from services.keeper.proposal import Drawn

LONGEST_SECONDS = 600.0
"""A process that draws for so long hangs, and nobody else could have a large plan drawn up."""
STACK_LINES = 12
"""Of what a process said before it died."""

log = logging.getLogger("keeper")


class Drafter:
    """Starts one process per large plan, one at a time: each takes some hundred megabytes."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self.process_id = 0
        """Of the process that draws now, or drew last."""

    async def draw(self, order: Order, number: Callable[[int], int]) -> Drawn | Planned:
        """What becomes of a request. Raises ProtocolError, also if the process dies: that is a bug, told."""
        async with self._turn:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "services.keeper.drafting",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=Path(__file__).parents[2],
            )
            self.process_id = process.pid
            try:
                async with asyncio.timeout(LONGEST_SECONDS):
                    return await self._converse(process, order, number)
            except TimeoutError:
                log.error("drawing a plan up took more than %g s and was ended", LONGEST_SECONDS)
                raise ProtocolError(
                    Code.UNAVAILABLE,
                    f"The plan was not drawn up within {LONGEST_SECONDS:g} s, so nothing was changed; ask "
                    "again, or ask for less at once.",
                ) from None
            finally:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()

    async def _converse(
        self, process: asyncio.subprocess.Process, order: Order, number: Callable[[int], int]
    ) -> Drawn | Planned:
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        said = asyncio.create_task(process.stderr.read())
        # Standard input stays open: its end tells the process that there is no keeper any more.
        process.stdin.write(pickle.dumps(order))
        try:
            while True:
                (length,) = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))
                answer = pickle.loads(await process.stdout.readexactly(length))
                if isinstance(answer, Refused):
                    raise answer.raised()
                if not isinstance(answer, int):
                    assert isinstance(answer, Drawn | Planned)
                    return answer
                process.stdin.write(pickle.dumps(number(answer)))
        except asyncio.IncompleteReadError:
            ended = await process.wait()
            last = (await said).decode("utf-8", "replace").splitlines()[-STACK_LINES:]
        finally:
            said.cancel()
        log.error("drawing a plan up ended with %d: %s", ended, "\n".join(last))
        raise ProtocolError(
            Code.UNAVAILABLE,
            "The plan could not be drawn up because of a fault of this program, which is in the keeper's "
            "log; nothing was changed. Ask again, or ask for less at once.",
        )
