"""What every source of features is: it describes itself, and gives the content of one tile after another."""

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from services.renderer.sources.form import Form
from services.renderer.sources.vector import VECTOR_TILE
from services.tiling.grid import Range


class SourceFault(Exception):
    """Raised when a tile cannot be had: its address, without any key, and the reason."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(f"{address}: {reason}")
        self.address = address
        self.reason = reason


class Unusable(Exception):
    """Raised when a source cannot be opened at all; one sentence with the way out."""


@contextmanager
def reading_json(file: Path) -> Iterator[None]:
    """Raise Unusable for what goes wrong while a JSON file is read that scene.file names."""
    try:
        yield
    except OSError as error:
        raise Unusable(
            f"{file} cannot be read ({error.strerror}); scene.file in app_config.json names it."
        ) from None
    except (ValueError, RecursionError) as error:
        raise Unusable(f"{file} is no JSON ({str(error)[:200]}).") from None


@dataclass(frozen=True)
class Description:
    """What the page must know of a source before it asks for tiles."""

    name: str
    attribution: str
    zoom: int
    tiles: Range
    schema: str | None = None
    """One of web/scene/source/schema.ts; the page finds it by the layers where none is named."""
    layers: tuple[str, ...] = ()
    """The layers that tiles may have, where the source says so."""
    reach: float = 0.0
    """Metres that a feature may reach out of its tile."""
    version: str = ""
    """Which state of the source this is, in at most 60 letters."""


@dataclass(frozen=True)
class Tile:
    """The content of one tile and where it comes from; the address has no key in it."""

    address: str
    content: bytes
    kind: str = VECTOR_TILE


class Source(ABC):
    """Features of the world in tiles of web mercator, columns and rows counted from the north-west."""

    async def open(self) -> None:
        """Learn what `describe` says, where that has to be asked for; raises Unusable."""
        return

    @abstractmethod
    def describe(self) -> Description:
        """What the page must know before the first tile."""

    @abstractmethod
    async def tile(self, column: int, row: int) -> Tile | None:
        """The tile, or None where the source says there is none; raises SourceFault if that is not known."""

    def address(self, column: int, row: int) -> str:
        """What the tile is called in faults; there is no key in it."""
        about = self.describe()
        return f"{about.name} {about.zoom}/{column}/{row}"

    async def close(self) -> None:
        """Give back what the source holds open."""
        return


class Archive(Source):
    """All tiles in one open file, which is read by one thread at a time."""

    _about: Description

    def __init__(self, file: Path, form: Form) -> None:
        self._file = file
        self._form = form
        self._lock = threading.Lock()

    def describe(self) -> Description:
        return self._about

    async def tile(self, column: int, row: int) -> Tile | None:
        return await asyncio.to_thread(self._tile, column, row, self.address(column, row))

    def address(self, column: int, row: int) -> str:
        return f"{self._file} {self._about.zoom}/{column}/{row}"

    @abstractmethod
    def _tile(self, column: int, row: int, address: str) -> Tile | None:
        """The tile, called by that name in faults."""
