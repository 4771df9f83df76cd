"""Images on disk, named by the SHA-256 of their bytes: `blobs/ab/cdef….png`."""

import hashlib
import os
import secrets
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from services.disk import sync

RECENT_SECONDS = 600.0
"""How long after it was handed in a blob may still be on its way into the database."""


class Blobs:
    """Files that never change. Several processes may read; the keeper alone writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._written: dict[str, float] = {}
        """When each image was last handed in, of late: it may be about to be referred to."""

    def path(self, sha256: str) -> Path:
        """Where the blob lies; it need not exist."""
        return self.folder / sha256[:2] / f"{sha256[2:]}.png"

    def write(self, contents: Sequence[bytes]) -> list[str]:
        """Put files on disk for good, each fsynced and then their folders, and give their SHA-256s."""
        hashes = [hashlib.sha256(content).hexdigest() for content in contents]
        for sha256, content in dict(zip(hashes, contents, strict=True)).items():
            self._note(sha256)
            path = self.path(sha256)
            if not path.exists():
                try:
                    _put(path, content)
                except FileNotFoundError:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    sync(self.folder)
                    _put(path, content)
        # Of what was there already, too: whoever put it there may not have come to this.
        for beginning in {sha256[:2] for sha256 in hashes}:
            sync(self.folder / beginning)
        return hashes

    def size(self, sha256: str) -> int:
        """How many bytes it has; 0 if there is no such blob."""
        try:
            return self.path(sha256).stat().st_size
        except FileNotFoundError:
            return 0

    def remove(self, hashes: Iterable[str]) -> None:
        """Remove blobs that nothing refers to, except those that were handed in again lately."""
        recent = time.monotonic() - RECENT_SECONDS
        for sha256 in hashes:
            with self._lock:
                if self._written.get(sha256, recent) <= recent:
                    self.path(sha256).unlink(missing_ok=True)

    def _note(self, sha256: str) -> None:
        """Before it is looked for on disk: from here on nobody removes it."""
        now = time.monotonic()
        with self._lock:
            self._written.pop(sha256, None)
            self._written[sha256] = now
            while now - next(iter(self._written.values())) > RECENT_SECONDS:
                del self._written[next(iter(self._written))]

    def read(self, sha256: str) -> bytes:
        """The bytes; raises FileNotFoundError if there is no such blob."""
        return self.path(sha256).read_bytes()


def _put(path: Path, content: bytes) -> None:
    """Lay a whole file there. Its name lasts once its folder is fsynced."""
    # A name of its own for each try: a crash half way must not leave a file under the final name.
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with open(draft, "wb") as file:
        file.write(content)
        file.flush()
        os.fdatasync(file.fileno())
    os.replace(draft, path)
