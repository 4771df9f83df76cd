"""Start the keeper: `python -m services.keeper`."""

import sys

from services.keeper.database import DatabaseRefused
from services.keeper.keeper import Keeper
from services.process import Process, run


async def serve(process: Process) -> None:
    """Keep one world until told to stop; a folder it must not touch ends it with a sentence."""
    try:
        keeper = Keeper(process.config, process.data, process.sockets, name=process.name)
        process.take_over.append(keeper.take_over)
        await keeper.run(process.stop, process.pulse)
    except DatabaseRefused as refused:
        process.log.error("%s", refused)
        print(refused, file=sys.stderr)
        sys.exit(refused.exit_code)


run("keeper", serve)
