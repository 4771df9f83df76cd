"""Images on disk, named by the SHA-256 of their bytes: `blobs/ab/cdef….png`."""

import hashlib
import os
import secrets
from pathlib import Path


class Blobs:
    """Files that never change. Several processes may read; the keeper alone writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, sha256: str) -> Path:
        """Where the blob lies; it need not exist."""
        return self.folder / sha256[:2] / f"{sha256[2:]}.png"

    def write(self, content: bytes) -> str:
        """Put the bytes on disk for good, fsynced with their folder, and give their SHA-256."""
        sha256 = hashlib.sha256(content).hexdigest()
        path = self.path(sha256)
        if path.exists():
            return sha256
        new_folder = not path.parent.exists()
        path.parent.mkdir(parents=True, exist_ok=True)
        # A name of its own for each try: a crash half way must not leave a file under the final name.
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        with open(draft, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
        _sync_folder(path.parent)
        if new_folder:
            _sync_folder(self.folder)
        return sha256

    def read(self, sha256: str) -> bytes:
        """The bytes; raises FileNotFoundError if there is no such blob."""
        return self.path(sha256).read_bytes()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
