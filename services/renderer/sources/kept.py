"""Tiles that a server gave, on disk, so that it is asked for each only once in a while."""

import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Kept:
    """A tile on disk; no content says that the server has none."""

    content: bytes | None
    etag: str
    at: float


class Shelf:
    """A folder of kept tiles: of one address, by zoom, column and row."""

    def __init__(self, folder: Path | None, mark: str) -> None:
        digest = hashlib.sha256(mark.encode()).hexdigest()[:16]
        self._folder = folder / digest if folder is not None else None

    def any(self) -> bool:
        """Whether it ever gave a tile."""
        return self._folder is not None and next(self._folder.rglob("*.tile"), None) is not None

    def get(self, zoom: int, column: int, row: int) -> Kept | None:
        """The tile; one that cannot be read counts as none."""
        if self._folder is None:
            return None
        try:
            head, _, content = self._file(zoom, column, row).read_bytes().partition(b"\n")
            said = json.loads(head)
            known = Kept(content if said["there"] else None, str(said["etag"]), float(said["at"]))
            if hashlib.sha256(content).hexdigest() != said["sha256"]:
                return None
        except (OSError, ValueError, LookupError, TypeError):
            return None
        return known

    def put(self, zoom: int, column: int, row: int, kept: Kept) -> None:
        """Put a tile on disk, whole or not at all; a disk that does not take it costs the next request."""
        if self._folder is None:
            return
        file = self._file(zoom, column, row)
        content = kept.content or b""
        head = {
            "there": kept.content is not None,
            "etag": kept.etag,
            "at": kept.at,
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            number, name = tempfile.mkstemp(dir=file.parent)
            with os.fdopen(number, "wb") as opened:
                opened.write(json.dumps(head).encode() + b"\n" + content)
            os.replace(name, file)
        except OSError:
            return

    def _file(self, zoom: int, column: int, row: int) -> Path:
        assert self._folder is not None
        return self._folder / str(zoom) / str(column) / f"{row}.tile"
