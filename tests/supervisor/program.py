"""`supervisor.py` with stand-ins for the services, as patient as a stage wants it."""

import os
import sys

from services.supervision import crew, lock, world
from supervisor import main

STOP_SECONDS, LOCK_SECONDS = "STAGE_STOP_SECONDS", "STAGE_LOCK_SECONDS"
"""Variables that say how patient it is with who does not stop, and at the lock."""
LOOK_SECONDS = "STAGE_LOOK_SECONDS"
"""How often it looks at the configuration file."""

if __name__ == "__main__":
    crew.STOP_SECONDS = float(os.environ.get(STOP_SECONDS, crew.STOP_SECONDS))
    lock.PATIENCE_SECONDS = float(os.environ.get(LOCK_SECONDS, lock.PATIENCE_SECONDS))
    world.LOOK_SECONDS = float(os.environ.get(LOOK_SECONDS, 0.1))
    sys.exit(main(package="tests.supervisor.actors"))
