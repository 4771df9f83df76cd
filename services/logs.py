"""One line per event, for a person at 3 a.m.: `12:04:31 INFO keeper  what happened`."""

import logging
import logging.handlers
import sys
from pathlib import Path

ROTATE_BYTES = 10 * 1024 * 1024
KEPT_FILES = 5


def start(name: str, folder: Path | None, *, console: bool = True) -> logging.Logger:
    """Send this process's log lines to `folder`/NAME.log, rotated, and to standard error."""
    formatter = logging.Formatter(f"%(asctime)s %(levelname)s {name}  %(message)s", datefmt="%H:%M:%S")
    handlers: list[logging.Handler] = []
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        handlers.append(
            logging.handlers.RotatingFileHandler(
                folder / f"{name}.log", maxBytes=ROTATE_BYTES, backupCount=KEPT_FILES, delay=True
            )
        )
    if console:
        handlers.append(logging.StreamHandler(sys.stderr))
    root = logging.getLogger()
    root.handlers.clear()
    root.setLevel(logging.INFO)
    for handler in handlers:
        handler.setFormatter(formatter)
        root.addHandler(handler)
    # A log that cannot be written must not take the service with it.
    logging.raiseExceptions = False
    return logging.getLogger(name)
