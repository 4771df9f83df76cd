"""The file that a page leaves its frames in, read out of the profile of its browser.

A posted frame goes through three processes of the browser and a socket, which takes ten times the processor
time of a file that both sides hold open. Pages may keep files (File System Standard, WHATWG); where in its
profile a browser does so is its own affair, so the file is known by what stands in it. Where none is found,
frames are posted.
"""

import os
import secrets
import threading
from contextlib import suppress
from pathlib import Path

from services.renderer.frame import room, size

HEAD = 64
"""The name of a frame, filled up with zeros, stands before it and is written last (web/scene/writer.ts)."""
PLACES = 2
"""Frames at once, as many as a page is asked for."""
PLACE_BYTES = HEAD + 2 * size(1_024, 1_024)
"""A frame, and as much again: the first one is drawn twice."""
BYTES = PLACES * PLACE_BYTES


class Outbox:
    """An open file of one page."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._lock = threading.Lock()
        """A number of a closed file may be another file's the next moment."""
        self._free = list(range(PLACES))

    @classmethod
    def find(cls, profile: Path, mark: str) -> "Outbox | None":
        """The file that begins with the mark, if there is one. It takes a while: all files are looked at."""
        for folder, _, names in os.walk(profile):
            for name in names:
                path = Path(folder, name)
                # Files come and go under a running browser.
                with suppress(OSError):
                    if path.stat().st_size != BYTES:
                        continue
                    file = os.open(path, os.O_RDONLY)
                    if os.pread(file, HEAD, 0) == _head(mark):
                        return cls(file)
                    os.close(file)
        return None

    def take(self, length: int) -> int | None:
        """Where in the file a frame of so many bytes may be left; None if it must be posted."""
        return self._free.pop() * PLACE_BYTES if self._free and length <= PLACE_BYTES - HEAD else None

    def give_back(self, place: int) -> None:
        """Let another frame be left there."""
        self._free.append(place // PLACE_BYTES)

    def read(self, place: int, name: str, length: int) -> memoryview | None:
        """The frame of this name, if it lies there."""
        content = room(length)
        with self._lock:
            if self._file < 0 or os.pread(self._file, HEAD, place) != _head(name):
                return None
            return content if os.preadv(self._file, [content], place + HEAD) == length else None

    def close(self) -> None:
        """Let go of the file; it goes with the profile, or when the next page opens its own."""
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
            self._file = -1


def new_mark() -> str:
    """A mark that no other file begins with."""
    return f"frames-{secrets.token_hex(12)}"


def _head(name: str) -> bytes:
    return name.encode().ljust(HEAD, b"\0")
