"""The disk: what was written is put there for good."""

import os
from pathlib import Path


def sync(path: Path) -> None:
    """A file, or a folder with the names in it, survives loss of power once this returns."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
