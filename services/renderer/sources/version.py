"""Which state of itself a source is in, in a few words that every render keeps."""

import time
from pathlib import Path

from services.renderer.fingerprint import fingerprint

WHOLE = 64 << 20
"""Bytes of a file that is read as a whole for its digest; that takes a tenth of a second."""


def of_file(file: Path) -> str:
    """Its digest; of a large one, its size and when it was last written."""
    try:
        found = file.stat()
        if found.st_size <= WHOLE:
            return f"sha256 {fingerprint(file)}"
    except OSError:
        return ""
    return f"{found.st_size} bytes of {moment(found.st_mtime)}"


def moment(at: float) -> str:
    """A moment, the same words in every time zone."""
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at))
